use base64::{Engine, engine::general_purpose::STANDARD};
use http::Version;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Content, Exchange, Recording,
    samples::{describe, open, shown},
};

const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello";

fn archived(request: &str, response: &str) -> Value {
    json!({"SerializedRequest": STANDARD.encode(request), "SerializedResponse": STANDARD.encode(response)})
}

fn archive(url: &str, requests: &[Value]) -> Vec<u8> {
    json!({
        "Requests": {"example.com": {url: requests}},
        "Certs": {"example.com": "AAAA"},
        "NegotiatedProtocol": {"example.com": "http/1.1"},
        "DeterministicTimeSeedMs": 1_700_000_000_250_i64,
    })
    .to_string()
    .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn recording(request: &str, response: &str) -> Recording {
    open(&gzip(&archive("https://example.com/a?b=c", &[archived(request, response)]))).unwrap()
}

fn exchange(request: &str, response: &str) -> Exchange {
    let recording = recording(request, response);
    assert_eq!(recording.skipped().reasons(), Vec::<String>::new());
    recording.exchanges()[0].clone()
}

/// Why the only request of an archive is left out.
fn reason(request: &str, response: &str) -> String {
    let recording = recording(request, response);
    assert!(recording.exchanges().is_empty());
    match recording.skipped().invalid.as_slice() {
        [invalid] => invalid.reason.clone(),
        _ => recording.skipped().reasons().concat(),
    }
}

fn response_body(exchange: &Exchange) -> &[u8] {
    match &exchange.response.as_ref().unwrap().content {
        Content::Held(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_time_of_the_archive_the_date_is_the_time() {
    let dated = OK.replacen("X-A: 1", "Date: Fri, 01 Mar 2024 10:00:00 GMT", 1);
    for (response, time) in [(dated.as_str(), 1_709_287_200.0), (OK, 0.0)] {
        let archive = json!({"Requests": {"example.com": {"https://example.com/a?b=c": [archived(GET, response)]}}});
        let found = open(archive.to_string().as_bytes()).unwrap().exchanges()[0].clone();
        assert_eq!((found.request.started_at, found.recorded_at()), (time, time));
    }
}

#[test]
fn a_request_is_read_with_all_its_parts() {
    let found = exchange(GET, OK);
    let request = &found.request;
    assert_eq!(
        (&request.method[..], &request.scheme[..], &request.host[..]),
        (&b"GET"[..], &b"https"[..], &b"example.com"[..])
    );
    assert_eq!((request.port, &request.path[..], request.version), (443, &b"/a?b=c"[..], Version::HTTP_11));
    assert_eq!(shown(&request.fields), ["Host: example.com", "User-Agent: x"]);
    assert_eq!(request.content, Content::Held("".into()));
    assert_eq!(request.started_at, 1_700_000_000.25);
    let response = found.response.as_ref().unwrap();
    assert_eq!((response.status, &response.reason[..], response.started_at), (200, &b"OK"[..], 1_700_000_000.25));
    assert_eq!(shown(&response.fields), ["Content-Length: 5", "X-A: 1", "X-A: 2"]);
    assert_eq!(response_body(&found), b"hello");
    assert!(found.is_answered());
}

#[test]
fn bodies_end_where_their_fields_say() {
    let post = |fields: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
    let asked = |request: &str| exchange(request, OK).flow.request;
    let chunked = asked(&post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"));
    assert_eq!(chunked.content, Content::Held("hello".into()));
    assert_eq!(shown(&chunked.fields), ["Host: a"]);
    assert_eq!(shown(&chunked.trailers), ["X-T: 1"]);
    assert_eq!(asked(&post("Content-Length: 2\r\n", "hello")).content, Content::Held("he".into()));
    assert_eq!(asked(&post("", "hello")).content, Content::Held("".into()));
    let answered = |fields: &str, body: &str| {
        response_body(&exchange(GET, &format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}"))).to_vec()
    };
    assert_eq!(answered("Connection: close\r\n", "hello\r\n"), b"hello\r\n");
    assert_eq!(answered("Transfer-Encoding: chunked\r\nContent-Length: 99\r\n", "2\r\nhi\r\n0\r\n\r\n"), b"hi");
    let head = exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    assert_eq!(
        (response_body(&head), shown(&head.response.as_ref().unwrap().fields)),
        (&b""[..], vec!["Content-Length: 9".into()])
    );
    assert_eq!(response_body(&exchange(GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")), b"");
}

#[test]
fn a_response_of_http_2_is_one() {
    let found = exchange(GET, "HTTP/2.0 404 Not Found\r\nContent-Length: 0\r\n\r\n").flow.response.unwrap();
    assert_eq!((found.version, found.status, &found.reason[..]), (Version::HTTP_2, 404, &b""[..]));
    let found = exchange("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n");
    assert_eq!((found.request.version, found.flow.response.unwrap().version), (Version::HTTP_10, Version::HTTP_10));
}

#[test]
fn the_url_says_what_the_message_does_not() {
    let recording = open(&archive("http://example.com:8080/x", &[archived("GET http://other/y HTTP/1.1\r\n\r\n", OK)]));
    assert_eq!(describe(&recording.unwrap()), "1 GET http://example.com:8080/x HTTP/1.1 200, 5 bytes\n");
}

#[test]
fn the_order_is_that_of_the_file() {
    let (one, two) = (archived(GET, OK), archived("GET /2 HTTP/1.1\r\n\r\n", OK));
    let text = format!(
        r#"{{"Certs": null, "Requests": {{"b": {{"http://b/2": [{two}], "http://b/1": [{one}, {two}]}}, "a": {{"http://a/1": [{one}],
           "http://a/2": null}}, "c": null}}}}"#
    );
    let expected = "1 GET http://b:80/2 HTTP/1.1 200, 5 bytes\n2 GET http://b:80/a?b=c HTTP/1.1 200, 5 bytes\n\
                    3 GET http://b:80/2 HTTP/1.1 200, 5 bytes\n4 GET http://a:80/a?b=c HTTP/1.1 200, 5 bytes\n";
    assert_eq!(describe(&open(text.as_bytes()).unwrap()), expected);
    assert!(open(b"{\"Requests\": null}").unwrap().exchanges().is_empty());
    assert!(open(b"{\"Requests\": {}}").unwrap().exchanges().is_empty());
}

#[test]
fn one_bad_request_costs_no_other() {
    let bad = [json!({}), json!(1), json!({"SerializedRequest": "?", "SerializedResponse": "AA=="}), archived("", OK)];
    let requests = [&bad[..], &[archived(GET, OK)]].concat();
    let recording = open(&archive("http://a/", &requests)).unwrap();
    assert_eq!(recording.exchanges()[0].number, 5);
    let reasons = recording.skipped().reasons();
    assert_eq!(reasons[0], "1 entry: the request got no response");
    let reasons: Vec<_> = recording.skipped().invalid.iter().map(|invalid| &invalid.reason[..]).collect();
    assert_eq!(
        reasons,
        [
            "the entry should be an object, found a number",
            "`SerializedRequest` is not base64: Invalid symbol 63, offset 0.",
            "the request has no whole head",
        ]
    );
    let urls = open(&archive("data:x", &[archived(GET, OK)])).unwrap();
    assert_eq!(urls.skipped().reasons(), ["1 entry: the scheme is `data`"]);
}

#[test]
fn what_is_damaged_says_how() {
    let response = |response: &str| reason(GET, response);
    assert_eq!(response(""), "1 entry: the request got no response");
    assert_eq!(response("HTTP/1.1 200 OK\r\n"), "the response has no whole head");
    assert_eq!(response("HTTP/3 200"), "the response is malformed: invalid HTTP version");
    let length = |length: &str| response(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello"));
    assert_eq!(length("6"), "the response has a body of 5 bytes, and more are announced");
    assert_eq!(length("18446744073709551615"), "the response has a body of 5 bytes, and more are announced");
    assert_eq!(length("-1"), "the response has a `Content-Length` that is none: `-1`");
    let coded = |coding: &str| response(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n5\r\nhel"));
    assert_eq!(coded("chunked"), "the response has a chunked body that does not end");
    assert_eq!(coded("gzip"), "the response has the transfer coding `gzip`, and only `chunked` is read");
    assert_eq!(response("HTTP/1.1 099 No\r\n\r\n"), "the response's status should be within 100 to 999, found `99`");
    assert_eq!(reason("CONNECT a:1 HTTP/1.1\r\n\r\n", OK), "1 entry: the request opens a tunnel");
    let many = "X: y\r\n".repeat(2000);
    assert_eq!(response(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")), "the response is malformed: too many headers");
    let large = "y".repeat(600 * 1024);
    assert_eq!(response(&format!("HTTP/1.1 200 OK\r\nX: {large}\r\n\r\n")), "the head is larger than 524288 bytes");
}

proptest! {
    #[test]
    fn any_message_is_survived(
        request in "(GET|POST|[A-Z]{1,3}) [ -~]{0,8} HTTP/1.[01]\r\n([A-Za-z-]{1,17}: [ -~]{0,8}\r\n){0,3}\r\n.{0,9}",
        response in "HTTP/(1.[01]|2.0) [0-9]{3} [ -~]{0,8}\r\n(Transfer-Encoding: chunked\r\n|Content-Length: [0-9]{1,20}\r\n){0,2}\r\n.{0,20}",
        cut in any::<prop::sample::Index>(),
    ) {
        let recording = recording(&request, &response);
        prop_assert!(recording.exchanges().len() + recording.skipped().reasons().len() == 1);
        let _ = self::recording(&request, response.get(..cut.index(response.len())).unwrap_or_default());
    }

    #[test]
    fn flipped_and_missing_bytes_are_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        len in any::<prop::sample::Index>(),
    ) {
        let mut bytes = archive("https://a/", &[archived(GET, OK), archived(GET, OK)]);
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        let _ = open(&bytes);
        let _ = open(&bytes[..len.index(bytes.len())]);
        let _ = open(&gzip(&bytes)[..len.index(bytes.len()).min(gzip(&bytes).len())]);
    }
}
