use http::Version;
use serde_json::{Value, json};

use crate::{
    har::samples::{entry, exchange, har, header, held, invalid, other, response, set, with, without},
    samples::{open, shown},
};

#[test]
fn an_entry_is_read_with_all_its_parts() {
    let found = exchange(&entry());
    let request = &found.request;
    assert_eq!((found.number, &found.id[..], found.is_websocket, found.error.is_none()), (1, "", false, true));
    assert_eq!(
        (&request.method[..], &request.scheme[..], &request.host[..]),
        (&b"GET"[..], &b"https"[..], &b"example.com"[..])
    );
    assert_eq!((request.port, &request.path[..], &request.authority[..]), (443, &b"/a?b=c"[..], &b""[..]));
    assert_eq!((request.version, request.started_at), (Version::HTTP_11, 1_700_000_000.25));
    assert_eq!(shown(&request.fields), ["Host: example.com"]);
    assert_eq!(held(&request.content), b"");
    let response = found.flow.response.unwrap();
    assert_eq!((response.status, &response.reason[..], response.started_at), (200, &b"OK"[..], 1_700_000_002.25));
    assert_eq!(shown(&response.fields), ["X-A: 1", "x-a: 2"]);
    assert_eq!(held(&response.content), b"hello");
}

#[test]
fn pseudo_fields_are_no_fields_and_name_the_authority() {
    let names = [":authority", ":method", ":scheme", ":path", ":protocol", ":version", ":x", "accept"];
    let fields: Vec<_> = names.iter().map(|name| header(name, "example.com")).collect();
    let request = exchange(&with("/request/headers", fields.into())).flow.request;
    assert_eq!(shown(&request.fields), ["accept: example.com"]);
    assert_eq!(request.authority, "example.com");
    let response = response(&with("/response/headers", json!([header(":status", "200"), header("a", "b")])));
    assert_eq!(shown(&response.fields), ["a: b"]);
}

#[test]
fn the_parts_that_a_request_lacks_are_those_of_its_pseudo_fields() {
    let spdy = |url: Value, method: Value, more: &[(&str, &str)]| {
        let names = [(":version", "HTTP/1.0"), (":method", "PUT"), (":path", "/x.js?y"), ("accept", "*/*")];
        let fields: Vec<_> = names.iter().chain(more).map(|(name, value)| header(name, value)).collect();
        let entry = set(with("/request/url", url), "/request/method", method);
        set(set(entry, "/request/headers", fields.into()), "/request/httpVersion", "".into())
    };
    let shown = |entry: &Value| {
        let request = exchange(entry).flow.request;
        assert_eq!(shown(&request.fields), ["accept: */*"]);
        let [method, scheme, host, path] =
            [request.method, request.scheme, request.host, request.path].map(|part| part.escape_ascii().to_string());
        (format!("{method} {scheme}://{host}:{}{path} {:?}", request.port, request.version), request.authority)
    };
    let host = [(":host", "b.example:81"), (":scheme", "http")];
    for lacking in [json!("/x.js?y"), Value::Null, json!(""), json!("x.js?y"), json!("https:///x.js?y")] {
        let (found, authority) = shown(&spdy(lacking, Value::Null, &host));
        assert_eq!((&found[..], &authority[..]), ("PUT http://b.example:81/x.js?y HTTP/1.0", &b"b.example:81"[..]));
    }
    let (spelt, authority) = shown(&spdy(Value::Null, Value::Null, &[(":Authority", "b"), (":SCHEME", "http")]));
    assert_eq!((&spelt[..], &authority[..]), ("PUT http://b:80/x.js?y HTTP/1.0", &b"b"[..]));
    let (whole, _) = shown(&spdy("https://a/z".into(), "GET".into(), &host));
    assert_eq!(whole, "GET https://a:443/z HTTP/1.0");
    let (secure, authority) = shown(&spdy("/z".into(), "GET".into(), &[(":host", "c"), (":authority", "d")]));
    assert_eq!((&secure[..], &authority[..]), ("GET https://d:443/z HTTP/1.0", &b"d"[..]));
    assert_eq!(invalid(&spdy("/x".into(), "GET".into(), &[])), "`request.url` has no scheme");
    assert_eq!(invalid(&spdy("/x".into(), "GET".into(), &[(":host", "a b")])), "`request.url` has no scheme");
}

#[test]
fn a_value_of_several_lines_is_several_fields() {
    let fields = |headers: Value| shown(&response(&with("/response/headers", headers)).fields);
    let cookies = "sid=abc; Path=/; HttpOnly\ncsrf=tok; Path=/";
    assert_eq!(
        fields(json!([header("set-cookie", cookies), header("a", "b\nc: d"), header("n", "1\n")])),
        ["set-cookie: sid=abc; Path=/; HttpOnly", "set-cookie: csrf=tok; Path=/", "a: b", "a: c: d", "n: 1"]
    );
    assert_eq!(fields(json!([["a", "b\nc"], {"name": "n", "value": 1}])), ["a: b", "a: c", "n: 1"]);
    assert_eq!(fields(json!([{"name": "a", "value": ["b", "c\nd"]}, {"name": "n"}])), ["a: b", "a: c", "a: d", "n: "]);
    let asked = exchange(&with("/request/headers", json!([header("cookie", "a=1\nb=2")]))).flow.request;
    assert_eq!(shown(&asked.fields), ["cookie: a=1", "cookie: b=2"]);
    let nested = invalid(&with("/response/headers", json!([{"name": "a", "value": [[]]}])));
    assert_eq!(nested, "`response.headers[0].value` should be a string, found a list");
}

#[test]
fn cookies_that_are_joined_by_commas_are_several_fields() {
    let cookies =
        |value: &str| shown(&response(&with("/response/headers", json!([header("Set-Cookie", value)]))).fields);
    let dated = "b=2; Expires=Fri, 01 Mar 2030 10:00:00 GMT";
    assert_eq!(cookies(&format!("a=1; Path=/,{dated}")), ["Set-Cookie: a=1; Path=/", &format!("Set-Cookie: {dated}")]);
    assert_eq!(cookies(&format!("{dated}, a=1; Path=/")), [&format!("Set-Cookie: {dated}"), "Set-Cookie: a=1; Path=/"]);
    for one in [dated, "a=1,b=2; Path=/", "a=1; Path=/x,y", "a={b:1,c:2}; Secure", ""] {
        assert_eq!(cookies(one), [format!("Set-Cookie: {one}")]);
    }
}

#[test]
fn fields_that_no_server_sent_are_left_out() {
    let fields = json!([["X-Firefox-Spdy", "h2"], ["x-firefox-http3", "h3"], ["X-Firefox", "a"]]);
    assert_eq!(shown(&response(&with("/response/headers", fields)).fields), ["X-Firefox: a"]);
}

#[test]
fn a_requests_line_that_is_there_twice_counts_once() {
    let twice = json!([["Content-Type", "a/b"], ["X", "1"], ["content-type", "a/b"], ["X", "2"], ["X", "1"]]);
    let asked = exchange(&with("/request/headers", twice.clone())).flow.request;
    assert_eq!(shown(&asked.fields), ["Content-Type: a/b", "X: 1", "X: 2"]);
    assert_eq!(shown(&response(&with("/response/headers", twice)).fields).len(), 5);
}

#[test]
fn a_field_may_be_a_pair() {
    assert_eq!(shown(&response(&with("/response/headers", json!([["A", "b"]]))).fields), ["A: b"]);
    let short = invalid(&with("/response/headers", json!([["A", "b"], ["A"]])));
    assert_eq!(short, "`response.headers[1]` is not a name and a value");
}

#[test]
fn versions_have_many_names() {
    for (name, version) in [
        ("HTTP/1.0", Version::HTTP_10),
        ("HTTP/1.1", Version::HTTP_11),
        ("http/1.1", Version::HTTP_11),
        ("h2", Version::HTTP_2),
        ("HTTP/2", Version::HTTP_2),
        ("HTTP/2.0", Version::HTTP_2),
        ("http/2.0", Version::HTTP_2),
        ("h3", Version::HTTP_3),
        ("HTTP/3", Version::HTTP_3),
        ("", Version::HTTP_11),
        ("unknown", Version::HTTP_11),
    ] {
        assert_eq!(response(&with("/response/httpVersion", name.into())).version, version, "{name}");
    }
    assert_eq!(response(&without("/response/httpVersion")).version, Version::HTTP_11);
}

#[test]
fn what_is_no_exchange_is_counted_with_the_reason() {
    assert_eq!(other(&with("/request/url", "javascript:alert(1)".into())), ["1 entry: the scheme is `javascript`"]);
    assert_eq!(other(&with("/request/url", "ftp://a/".into())), ["1 entry: the scheme is `ftp`"]);
    assert_eq!(other(&with("/request/method", "CONNECT".into())), ["1 entry: the request opens a tunnel"]);
    let nothing = ["1 entry: the request got no response"];
    for none in [json!(0), json!(-1), Value::Null] {
        assert_eq!(other(&with("/response/status", none)), nothing);
    }
    assert_eq!(other(&with("/response", Value::Null)), nothing);
    assert_eq!(other(&with("/response", json!({}))), nothing);
    let failed = with("/response/_error", "net::ERR_ABORTED\n".into());
    let reason = "the request failed: net::ERR_ABORTED ";
    assert_eq!(other(&failed), [format!("1 entry: {reason}")]);
    assert_eq!(other(&with("/_error", json!({"code": 1}))), ["1 entry: the request failed"]);
    assert_eq!(exchange(&with("/response/_error", Value::Null)).number, 1);
    let recording = open(&har(&[failed.clone(), entry(), failed])).unwrap();
    assert_eq!(recording.exchanges()[0].number, 2);
    assert_eq!(recording.skipped().reasons(), [format!("2 entries: {reason}")]);
}

#[test]
fn what_could_break_a_head_leaves_the_entry_out() {
    let field = |name: &str, value: &str| invalid(&with("/response/headers", json!([header(name, value)])));
    let at = "(`response.headers[0]`)";
    assert_eq!(field("a", "b\r\nc: d"), format!("the response's field has a `\\r` in it {at}"));
    assert_eq!(field("a", "b\0"), format!("the response's field has a `\\x00` in it {at}"));
    assert_eq!(field("a b", "c"), format!("the response's field has a ` ` in it {at}"));
    assert_eq!(field("", "c"), format!("the response's field has no name {at}"));
    assert_eq!(field("a", &"x".repeat(600_000)), format!("the head is larger than 524288 bytes {at}"));
    assert_eq!(invalid(&with("/response/statusText", "OK\r\na: b".into())), "the response's reason has a `\\r` in it");
    assert_eq!(invalid(&with("/request/url", "http://a/\r\nb".into())), "the request's path has a `\\r` in it");
    assert_eq!(invalid(&with("/request/url", "http://a\n/".into())), "`request.url` has a host that is none");
    assert_eq!(invalid(&with("/request/method", "GET /".into())), "the request's method has a ` ` in it");
    for status in [99, 1000] {
        let expected = format!("the response's status should be within 100 to 999, found `{status}`");
        assert_eq!(invalid(&with("/response/status", status.into())), expected);
    }
}

#[test]
fn a_wrong_type_leaves_the_entry_out_and_is_named() {
    for (pointer, value, expected) in [
        ("/request", json!([]), "`request` should be an object, found a list"),
        ("/request/method", Value::Null, "`request.method` is missing"),
        ("/request/url", json!(1), "`request.url` should be a string, found a number"),
        ("/request/headers", json!("a: b"), "`request.headers` should be a list, found a string"),
        ("/request/headers", json!([7]), "`request.headers[0]` should be an object, found a number"),
        ("/request/headers", json!([{"name": {}}]), "`request.headers[0].name` should be a string, found an object"),
        ("/response/status", json!("200"), "`response.status` should be a number, found a string"),
        ("/response/status", json!(200.5), "`response.status` should be a whole number, found `200.5`"),
        ("/response/content/text", json!(true), "`response.content.text` should be a string, found a boolean"),
        ("/time", json!("1"), "`time` should be a number, found a string"),
    ] {
        assert_eq!(invalid(&with(pointer, value)), expected);
    }
    assert_eq!(invalid(&json!([])), "the entry should be an object, found a list");
    assert_eq!(invalid(&json!({})), "`request.method` is missing");
    let bytes = har(&[json!(1), entry(), json!(null)]);
    let recording = open(&bytes).unwrap();
    assert_eq!(recording.exchanges()[0].number, 2);
    let invalid = &recording.skipped().invalid;
    assert_eq!(invalid.iter().map(|invalid| invalid.number).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(recording.warning(), None);
}

#[test]
fn times_come_from_the_start_and_the_phases() {
    let started = |entry: &Value| response(entry).started_at - exchange(entry).request.started_at;
    assert_eq!(started(&entry()), 2.0);
    let timings =
        json!({"blocked": 250, "dns": -1, "connect": 500, "ssl": 400, "send": 0, "wait": 250.0, "receive": 9});
    assert_eq!(started(&with("/timings", timings)), 1.0);
    assert_eq!(started(&with("/time", Value::Null)), 0.0);
    assert_eq!(started(&with("/time", 1e300.into())), 0.0);
    let unknown = exchange(&with("/startedDateTime", "yesterday".into()));
    assert_eq!((unknown.recorded_at(), unknown.request.started_at), (0.0, 0.0));
    assert_eq!(unknown.flow.response.unwrap().started_at, 2.0);
}

#[test]
fn without_a_time_of_recording_the_date_is_the_time() {
    let times = |written: Value, date: &str| {
        let entry = with("/response/headers", json!([["Date", date]]));
        let found = exchange(&set(entry, "/startedDateTime", written));
        (found.request.started_at, found.recorded_at())
    };
    for date in ["Fri, 01 Mar 2024 10:00:00 GMT", "Friday, 01-Mar-24 10:00:00 GMT", "Fri, 1 Mar 2024 12:00:00 +0200"] {
        for none in [Value::Null, "".into(), "01/03/2024 10:00".into()] {
            assert_eq!(times(none, date), (1_709_287_198.0, 1_709_287_200.0), "{date}");
        }
    }
    // It counts only where nothing else does.
    let recorded = times("2023-11-14T22:13:20.250Z".into(), "Fri, 01 Mar 2024 10:00:00 GMT");
    assert_eq!(recorded, (1_700_000_000.25, 1_700_000_002.25));
    for none in ["", "now", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:01 GMT"] {
        assert_eq!(times(Value::Null, none), (0.0, 0.0), "{none}");
    }
}

#[test]
fn hosts_in_unicode_are_as_they_are_sent() {
    let entry = with("/request/url", "https://b\u{fc}cher.example:81/\u{fc}".into());
    let found = exchange(&set(entry, "/request/headers", json!([header("Host", "b\u{fc}cher.example:81")])));
    assert_eq!(
        (&found.request.host[..], &found.request.path[..]),
        (&b"xn--bcher-kva.example"[..], "/\u{fc}".as_bytes())
    );
    assert_eq!(shown(&found.request.fields), ["Host: xn--bcher-kva.example:81"]);
    let escaped = with("/request/url", "http://b%C3%BCcher.example/".into());
    let escaped = set(escaped, "/request/headers", json!([header(":authority", "b\u{fc}cher.example")]));
    let found = exchange(&escaped).flow.request;
    assert_eq!((&found.host[..], &found.authority[..]), (&b"xn--bcher-kva.example"[..], &b"xn--bcher-kva.example"[..]));
}

#[test]
fn websockets_are_marked() {
    assert!(exchange(&with("/response/status", 101.into())).is_websocket);
    assert!(exchange(&with("/_webSocketMessages", json!([]))).is_websocket);
}

/// As Chrome writes one.
fn websocket(messages: Value) -> Value {
    set(
        set(with("/request/url", "wss://chat.example/ws".into()), "/response/status", 101.into()),
        "/_webSocketMessages",
        messages,
    )
}

#[test]
fn a_websocket_of_chrome_is_read_with_its_messages() {
    let said = |kind: &str, time: f64, opcode: i64, data: &str| json!({"type": kind, "time": time, "opcode": opcode, "data": data});
    let found = exchange(&websocket(json!([
        said("send", 1_709_287_200.1, 1, "hi \u{e9}"),
        said("receive", 1_709_287_200.2, 2, "AAEC"),
        // Neither of these is a message.
        said("error", 1_709_287_200.3, -1, "reset"),
        said("receive", 1_709_287_200.3, 9, "ping"),
        json!({"type": "receive", "data": "late"}),
    ])));
    assert!(found.is_websocket && found.is_playable());
    let request = &found.request;
    assert_eq!((&request.scheme[..], &request.host[..], request.port), (&b"https"[..], &b"chat.example"[..], 443));
    let websocket = found.websocket.as_ref().unwrap();
    let messages: Vec<_> = websocket
        .messages
        .iter()
        .map(|message| (message.is_text, message.from_client, held(&message.content), message.at))
        .collect();
    let expected = [
        (true, true, "hi \u{e9}".as_bytes(), 1_709_287_200.1),
        (false, false, &[0, 1, 2], 1_709_287_200.2),
        (true, false, b"late", 1_709_287_200.2),
    ];
    assert_eq!(messages, expected);
    assert_eq!((websocket.closed_by_client, websocket.close_code, websocket.ended_at), (None, None, None));
    // Without a time of its own, it has that of its first message.
    let timeless = exchange(&set(
        self::websocket(json!([
            said("receive", 1_709_287_200.1, 1, "hi"),
            said("receive", 1_709_287_200.2, 1, "there")
        ])),
        "/startedDateTime",
        Value::Null,
    ));
    assert_eq!(
        (timeless.recorded_at(), timeless.websocket.as_ref().unwrap().messages[1].at),
        (1_709_287_200.1, 1_709_287_200.2)
    );
    // Nothing was said, but it was one.
    assert!(exchange(&websocket_of("ws://chat.example/", Value::Null)).is_websocket);
}

fn websocket_of(url: &str, messages: Value) -> Value {
    set(websocket(messages), "/request/url", url.into())
}

#[test]
fn a_session_with_a_gap_is_none() {
    for gap in [
        json!([{"type": "receive", "opcode": 2, "data": "!"}]),
        json!([{"type": "receive", "opcode": 1, "data": 1}]),
        json!([{"opcode": 1, "data": "whose?"}]),
        json!([1]),
        json!({}),
        json!(true),
    ] {
        let found = exchange(&websocket(gap.clone()));
        assert!(found.is_websocket && found.websocket.is_none() && !found.is_answered(), "{gap}");
    }
}

#[test]
fn any_number_of_messages_costs_no_entry() {
    let messages = vec![json!({"type": "send", "time": 1, "opcode": 1, "data": "x"}); 100_000];
    assert_eq!(exchange(&websocket(messages.into())).websocket.as_ref().unwrap().messages.len(), 100_000);
}

#[test]
fn half_a_character_in_a_message_is_replaced() {
    let lone = websocket(json!([{"type": "send", "opcode": 1, "data": "hello!"}]));
    let lone = lone.to_string().replace("hello!", r"\ud83d!");
    let recording = open(format!(r#"{{"log": {{"entries": [{lone}]}}}}"#).as_bytes()).unwrap();
    let websocket = recording.exchanges()[0].websocket.as_ref().unwrap();
    assert_eq!(held(&websocket.messages[0].content), "\u{fffd}!".as_bytes());
}

#[test]
fn a_member_of_ours_that_is_something_else_says_nothing() {
    for other in [json!(1), json!("x"), json!({"request": {"startedAt": "now"}}), json!([])] {
        let entry = set(entry(), "/_proxyhost", other.clone());
        assert_eq!(exchange(&entry).request.started_at, 1_700_000_000.25, "{other}");
        assert_eq!(super::super::samples::other(&set(entry, "/response/status", 0.into())).len(), 1);
    }
}

#[test]
fn what_was_edited_beside_our_member_counts() {
    let extra = json!({
        "request": {"path": "/a#b", "startedAt": 1_700_000_000.250_4, "endedAt": 1_700_000_000.5},
        "response": {"startedAt": 1_700_000_001.0, "pieces": [2, 0, 3, 9]},
    });
    let ours = set(with("/request/url", "https://example.com/a%23b".into()), "/_proxyhost", extra);
    let found = exchange(&ours);
    assert_eq!((&found.request.path[..], found.request.started_at), (&b"/a#b"[..], 1_700_000_000.250_4));
    assert_eq!(found.request.ended_at, Some(1_700_000_000.5));
    let response = found.response.as_ref().unwrap();
    assert_eq!((response.started_at, response.pieces.len()), (1_700_000_001.0, 2));
    let moved = exchange(&set(ours.clone(), "/request/url", "https://example.com/other".into()));
    assert_eq!(moved.request.path, "/other");
    let later = exchange(&set(ours.clone(), "/startedDateTime", "2024-01-01T00:00:00Z".into()));
    assert_eq!((later.request.started_at, later.request.ended_at), (1_704_067_200.0, None));
    let other_body = exchange(&set(ours, "/response/content/text", "other body".into()));
    assert_eq!(other_body.response.as_ref().unwrap().pieces, []);
}
