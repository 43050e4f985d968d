use super::*;
use crate::samples::{Value, dict, exchange, fields, flow, invalid, nested};

fn with_request(change: impl FnOnce(Value) -> Value) -> Value {
    flow().map("request", change)
}

fn with_response(change: impl FnOnce(Value) -> Value) -> Value {
    flow().map("response", change)
}

#[test]
fn a_message_is_read_with_all_its_parts() {
    let found = exchange(&with_response(|response| response.with("trailers", fields(&[(b"T", b"x")]))));
    let request = found.flow.request;
    assert_eq!(
        (&request.method[..], &request.scheme[..], &request.host[..]),
        (&b"GET"[..], &b"http"[..], &b"example.com"[..])
    );
    assert_eq!((request.port, &request.path[..], &request.authority[..]), (8080, &b"/a?b=c"[..], &b""[..]));
    assert_eq!((request.version, request.started_at), (Version::HTTP_11, 1_700_000_000.25));
    assert_eq!(request.fields, [("Host", "example.com:8080")].into());
    assert!(request.trailers.is_empty());
    let response = found.flow.response.unwrap();
    assert_eq!((response.status, &response.reason[..], response.started_at), (200, &b"OK"[..], 1_700_000_001.5));
    assert_eq!(response.fields, [("X-A", "1"), ("x-a", "2")].into());
    assert_eq!(response.trailers, [("T", "x")].into());
}

#[test]
fn what_could_break_a_head_leaves_the_exchange_out() {
    let field = |name: &[u8], value: &[u8]| invalid(&with_response(|it| it.with("headers", fields(&[(name, value)]))));
    assert_eq!(field(b"a", b"b\r\nc: d"), "the response's field has a `\\r` in it");
    assert_eq!(field(b"a", b"b\nc\0"), "the response's field has a `\\x00` in it");
    assert_eq!(field(b"a", b"b\0c"), "the response's field has a `\\x00` in it");
    assert_eq!(field(b"a b", b"c"), "the response's field has a ` ` in it");
    assert_eq!(field(b"a:", b"c"), "the response's field has a `:` in it");
    assert_eq!(field(b"a\r\nb", b"c"), "the response's field has a `\\r` in it");
    assert_eq!(field(b"", b"c"), "the response's field has no name");
    let reason = invalid(&with_response(|it| it.with("reason", b"OK\r\na: b")));
    assert_eq!(reason, "the response's reason has a `\\r` in it");
    let trailer = invalid(&with_response(|it| it.with("trailers", fields(&[(b"a", b"\r")]))));
    assert_eq!(trailer, "the response's trailer has a `\\r` in it");
    let path = invalid(&with_request(|it| it.with("path", b"/\r\n")));
    assert_eq!(path, "the request's path has a `\\r` in it");
    let method = invalid(&with_request(|it| it.with("method", b"GET /")));
    assert_eq!(method, "the request's method has a ` ` in it");
}

#[test]
fn lines_that_were_joined_are_split() {
    let joined = fields(&[(b"Set-Cookie", b"a=1; Path=/\nb=2"), (b"c", b"d\n e")]);
    let found = exchange(&with_response(|it| it.with("headers", joined)));
    let expected = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("c", "d e")];
    assert_eq!(found.flow.response.unwrap().fields, expected.into());
    let many = invalid(&with_response(|it| it.with("headers", fields(&[(b"a", &b"b\n".repeat(16_000))]))));
    assert_eq!(many, "the head is larger than 524288 bytes");
}

#[test]
fn bytes_beyond_ascii_in_values_are_kept() {
    let value = b"caf\xc3\xa9\t\xff";
    let found = exchange(&with_response(|it| it.with("headers", fields(&[(b"a", value)]))));
    assert_eq!(found.response.as_ref().unwrap().fields.get("a").unwrap(), &value[..]);
}

#[test]
fn pseudo_fields_are_no_fields() {
    let list = fields(&[(b":method", b"GET"), (b":authority", b"e.com"), (b":version", b"HTTP/1.1"), (b"a", b"b")]);
    let request = exchange(&with_request(|it| it.with("headers", list.clone()))).flow.request;
    assert_eq!((request.fields.len(), &request.authority[..]), (1, &b"e.com"[..]));
    let request = exchange(&with_request(|it| it.with("headers", list).with("authority", b"own"))).flow.request;
    assert_eq!(request.authority, "own");
    let found = exchange(&with_response(|it| it.with("headers", fields(&[(b":status", b"200")]))));
    assert!(found.flow.response.unwrap().fields.is_empty());
}

#[test]
fn a_host_in_unicode_is_as_it_is_sent() {
    let request = exchange(&with_request(|it| it.with("host", "b\u{fc}cher.example"))).flow.request;
    assert_eq!(
        (&request.host[..], request.fields),
        (&b"xn--bcher-kva.example"[..], [("Host", "example.com:8080")].into())
    );
}

#[test]
fn statuses_and_ports_have_their_ranges() {
    let status = |status: i64| with_response(|it| it.with("status_code", status));
    for good in [100, 299, 999] {
        assert_eq!(i64::from(exchange(&status(good)).flow.response.unwrap().status), good);
    }
    for bad in [0, 99, 1000, -200, 65_736] {
        let expected = format!("the response's status should be within 100 to 999, found `{bad}`");
        assert_eq!(invalid(&status(bad)), expected);
    }
    assert_eq!(invalid(&with_response(|it| it.without("status_code"))), "the response has no status");
    let port = invalid(&with_request(|it| it.with("port", 65_536)));
    assert_eq!(port, "the request's port should be within 0 to 65535, found `65536`");
    let default = exchange(&with_request(|it| it.without("port").with("scheme", b"https")));
    assert_eq!(default.request.port, 443);
}

#[test]
fn wrong_types_leave_the_exchange_out() {
    let not_a_list = invalid(&with_response(|it| it.with("headers", 5)));
    assert_eq!(not_a_list, "the response's field should be a list, found an integer");
    let single = Value::List(vec![Value::List(vec![b"a".into()])]);
    let single = invalid(&with_response(|it| it.with("headers", single)));
    assert_eq!(single, "the response's field is not a name and a value");
    let content = invalid(&with_response(|it| it.with("content", 1)));
    assert_eq!(content, "the response's content is a number");
    let content = invalid(&with_response(|it| it.with("content", dict())));
    assert_eq!(content, "the response's content should be an integer, found a dict");
    assert_eq!(invalid(&flow().with("response", 1)), "the response should be a dict, found an integer");
    let deep = nested(10_000);
    assert_eq!(invalid(&with_request(|it| it.with("headers", deep))), "the request's field is not a name and a value");
}

#[test]
fn versions_are_read_in_all_notations() {
    for (written, version) in [
        (Value::from(b"HTTP/0.9"), Version::HTTP_09),
        (b"HTTP/1.0".into(), Version::HTTP_10),
        (b"HTTP/1.1".into(), Version::HTTP_11),
        (b"HTTP/2.0".into(), Version::HTTP_2),
        (b"HTTP/2".into(), Version::HTTP_2),
        (b"HTTP/3".into(), Version::HTTP_3),
        (b"h2".into(), Version::HTTP_2),
        (b"spdy".into(), Version::HTTP_11),
        (Value::List(vec![1.into(), 0.into()]), Version::HTTP_10),
        (Value::List(vec![2.into(), 0.into()]), Version::HTTP_2),
        (Value::Null, Version::HTTP_11),
    ] {
        assert_eq!(exchange(&with_request(|it| it.with("http_version", written))).request.version, version);
    }
}

#[test]
fn a_time_that_no_clock_shows_counts_as_missing() {
    for time in [f64::NAN, f64::INFINITY, -1.0, 1e300].map(Value::from).into_iter().chain([Value::Null]) {
        let found = exchange(&with_response(|it| it.with("timestamp_start", time)));
        assert_eq!(found.flow.response.unwrap().started_at, 1_700_000_000.25);
    }
}

#[test]
fn a_head_has_a_limit() {
    let value = vec![b'x'; heads::HEAD_LIMIT as usize / 4];
    let list = |count: usize| fields(&vec![(&b"a"[..], &value[..]); count]);
    assert_eq!(exchange(&with_response(|it| it.with("headers", list(3)))).flow.response.unwrap().fields.len(), 3);
    let too_large = invalid(&with_response(|it| it.with("headers", list(4))));
    assert_eq!(too_large, "the head is larger than 524288 bytes");
    let many = vec![(&b"a"[..], &b""[..]); 16_000];
    let too_many = invalid(&with_response(|it| it.with("headers", fields(&many))));
    assert_eq!(too_many, "the head is larger than 524288 bytes");
}
