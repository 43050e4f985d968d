//! The form in which a client gets a recorded response: what it has already, the part that it wants, the coding that it takes,
//! the addresses that it knows, and how its end is told.

use std::{io::Write, path::PathBuf};

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use crate::harness::{Flow, Framing, Message, Proxyhost, RecordingFile, Start, Wire, get, recording};

/// An input found in public reports.
fn public(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/public").join(name)
}

/// Replays again and again, without moving dates.
fn replaying(recording: &RecordingFile) -> Start {
    Proxyhost::with(["-k", "--norefresh", "--server-replay-reuse"]).replay(recording)
}

async fn ask(wire: &mut Wire, url: &str, fields: &[(&str, &str)]) -> Message {
    let host = url.split('/').nth(2).expect("a URL with a host");
    wire.ask("GET", url, host, fields, b"").await
}

/// The status and the content of an answer.
fn said(answer: &Message) -> (u16, String) {
    (answer.status(), answer.text())
}

fn is(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

const OLD: &str = "Tue, 14 Nov 2023 20:00:00 GMT";
const NEW: &str = "Tue, 14 Nov 2023 21:00:00 GMT";

#[tokio::test]
async fn a_recorded_304_is_for_who_has_the_content() {
    let public = Proxyhost::with(["-k", "-S"]).arg(public("304-then-200.mitm")).start().await;
    let (mut wire, url) = (public.connect().await, "http://cache.example/app.js");
    assert_eq!(said(&wire.get(url).await), is(200, "fresh"));
    assert_eq!(ask(&mut wire, url, &[("If-None-Match", "\"v1\"")]).await.status(), 304);

    let not_modified = |url: &str| get(url).status(304, "Not Modified");
    let recording = recording([
        not_modified("http://a.example/tag").request_field("If-None-Match", "W/\"a\", \"b\""),
        not_modified("http://a.example/date").request_field("If-Modified-Since", OLD),
        get("http://a.example/date").field("Last-Modified", NEW).body("new"),
        not_modified("http://a.example/only").field("ETag", "\"a\""),
        not_modified("http://a.example/unknown"),
        get("http://a.example/failed").status(412, "Precondition Failed").request_field("If-Match", "\"a\""),
        get("http://a.example/failed").body("all"),
    ]);
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "--server-replay-reuse", "--norefresh"]);
    let proxy = proxy.replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    for (path, fields, status) in [
        ("tag", [("If-None-Match", "\"a\"")], 304),
        ("tag", [("If-None-Match", "\"c\", W/\"b\"")], 304),
        ("tag", [("If-None-Match", "*")], 304),
        ("tag", [("If-None-Match", "\"c\"")], 404),
        ("tag", [("If-Modified-Since", NEW)], 404),
        ("tag", [("X-Other", "1")], 404),
        ("date", [("If-Modified-Since", OLD)], 304),
        ("date", [("If-Modified-Since", "Tue, 14 Nov 2023 19:00:00 GMT")], 200),
        ("only", [("If-None-Match", "\"a\"")], 304),
        ("unknown", [("If-None-Match", "\"a\"")], 304),
        ("unknown", [("X-Other", "1")], 404),
        ("failed", [("If-Match", "\"a\"")], 412),
        ("failed", [("If-Match", "\"b\"")], 200),
        ("failed", [("X-Other", "1")], 200),
    ] {
        let answer = ask(&mut wire, &format!("http://a.example/{path}"), &fields).await;
        assert_eq!(answer.status(), status, "{path} {fields:?}");
    }
    let missed = wire.get("http://a.example/only").await.text();
    let why = "its recorded response is a 304, which only answers requests with its own preconditions";
    assert!(missed.contains(why), "{missed}");
}

#[tokio::test]
async fn a_recorded_content_is_not_sent_to_who_has_it() {
    let page = |path: &str| {
        let page = get(format!("http://a.example/{path}")).field("ETag", "\"a\"").field("Last-Modified", OLD);
        page.field("Content-Type", "text/plain").field("Cache-Control", "no-cache").body("text")
    };
    let recording = recording([
        page("page"),
        page("ignores").request_field("If-None-Match", "\"a\""),
        page("newer").request_field("If-Modified-Since", "Tue, 14 Nov 2023 19:00:00 GMT"),
        page("page").method("POST"),
        page("gone").status(404, "Not Found"),
    ]);
    let proxy = replaying(&recording).start().await;
    let mut wire = proxy.connect().await;
    for (method, path, fields, status) in [
        ("GET", "page", [("If-None-Match", "\"a\"")], 304),
        ("GET", "page", [("If-None-Match", "\"b\", W/\"a\"")], 304),
        ("GET", "page", [("If-None-Match", "\"b\"")], 200),
        ("GET", "page", [("If-Modified-Since", OLD)], 304),
        ("GET", "page", [("If-Modified-Since", NEW)], 304),
        ("GET", "page", [("If-Modified-Since", "Tue, 14 Nov 2023 19:00:00 GMT")], 200),
        ("GET", "page", [("If-Match", "\"b\"")], 412),
        ("GET", "page", [("If-Unmodified-Since", OLD)], 200),
        // The server did not heed such fields when it was asked.
        ("GET", "ignores", [("If-None-Match", "\"a\"")], 200),
        // It was newer than what the client had.
        ("GET", "newer", [("If-Modified-Since", NEW)], 200),
        ("GET", "newer", [("If-Modified-Since", OLD)], 304),
        // These do not ask for the content that the tag is of.
        ("POST", "page", [("If-None-Match", "\"a\"")], 200),
        ("GET", "gone", [("If-None-Match", "\"a\"")], 404),
    ] {
        let url = format!("http://a.example/{path}");
        let answer = wire.ask(method, &url, "a.example", &fields, b"").await;
        assert_eq!(answer.status(), status, "{method} {path} {fields:?}");
    }
    let unchanged = ask(&mut wire, "http://a.example/page", &[("If-None-Match", "\"a\"")]).await;
    let expected = [("ETag", "\"a\""), ("Cache-Control", "no-cache")];
    assert_eq!(unchanged.first, "HTTP/1.1 304 Not Modified");
    assert_eq!(unchanged.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let off = replaying(&recording).set("server_replay_conditional", "false").start().await;
    let answer = ask(&mut off.connect().await, "http://a.example/page", &[("If-None-Match", "\"a\"")]).await;
    assert_eq!(said(&answer), is(200, "text"));
    // Dates are moved, and the client gives back those that it was given.
    let moving = Proxyhost::with(["-k", "--server-replay-reuse"]).replay(&recording).start().await;
    let mut wire = moving.connect().await;
    let moved = wire.get("http://a.example/page").await.field("last-modified").expect("it is there").to_owned();
    assert_ne!(moved, OLD);
    assert_eq!(ask(&mut wire, "http://a.example/page", &[("If-Modified-Since", &moved)]).await.status(), 304);
}

#[tokio::test]
async fn a_browsers_cache_answers_who_has_not_its_content() {
    let entry = |path: &str, cached: &str| {
        format!(
            r#"{{"startedDateTime": "2023-11-14T22:13:20Z", "time": 1, "request": {{"method": "GET",
            "url": "http://a.example/{path}", "httpVersion": "HTTP/1.1", "headers": [{{"name": "If-None-Match",
            "value": "\"a\""}}]}}, "response": {{"status": 304, "statusText": "Not Modified", "httpVersion": "HTTP/1.1",
            "headers": [{{"name": "ETag", "value": "\"a\""}}, {{"name": "Content-Encoding", "value": "gzip"}}],
            "content": {cached}}}}}"#
        )
    };
    let cached = entry("cached", r#"{"size": 6, "mimeType": "text/css", "text": "cached"}"#);
    let har = format!(r#"{{"log": {{"version": "1.2", "entries": [{cached}, {}]}}}}"#, entry("forgotten", "{}"));
    let recording = RecordingFile::of_bytes(har.as_bytes());
    let proxy = replaying(&recording).start().await;
    let mut wire = proxy.connect().await;
    let answer = wire.get("http://a.example/cached").await;
    assert_eq!(said(&answer), is(200, "cached"));
    assert_eq!((answer.field("content-type"), answer.field("content-encoding")), (Some("text/css"), None));
    let known = ask(&mut wire, "http://a.example/cached", &[("If-None-Match", "\"a\"")]).await;
    assert_eq!((known.status(), known.framing), (304, Framing::Bodiless));
    assert_eq!(said(&ask(&mut wire, "http://a.example/cached", &[("Range", "bytes=-2")]).await), is(206, "ed"));
    wire.send("GET http://a.example/forgotten HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert_eq!(wire.read_to_end().await, b"", "nothing answers it");
}

const TEXT: &str = "a text that is long enough to be coded, and that is long enough to be coded again";

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

/// A frame with one block that is not compressed (RFC 8878).
fn zstd(content: &[u8]) -> Vec<u8> {
    let size = u8::try_from(content.len()).expect("a short text");
    let header = ((u32::from(size)) << 3 | 1).to_le_bytes();
    [&b"\x28\xb5\x2f\xfd\x20"[..], &[size], &header[..3], content].concat()
}

fn coded(path: &str, coding: &str, content: Vec<u8>) -> Flow {
    let flow = get(format!("http://a.example/{path}")).field("Content-Encoding", coding);
    flow.field("Content-Length", &content.len().to_string())
        .field("ETag", "\"a\"")
        .field("Vary", "Origin")
        .body(content)
}

#[tokio::test]
async fn a_content_is_decoded_for_who_does_not_take_its_coding() {
    let public_file = public("br-only.mitm");
    let public = Proxyhost::with(["-k", "--server-replay-reuse", "-S"]).arg(&public_file).start().await;
    let mut wire = public.connect().await;
    let coded_bytes = ask(&mut wire, "http://cdn.example/", &[("Accept-Encoding", "gzip, br")]).await;
    assert_eq!(coded_bytes.field("content-encoding"), Some("br"));
    let plain = ask(&mut wire, "http://cdn.example/", &[("Accept-Encoding", "gzip")]).await;
    assert_eq!((plain.status(), plain.field("content-encoding")), (200, None));
    assert!(plain.body != coded_bytes.body && plain.text().starts_with('<'), "{plain:?}");

    let recording = recording([
        coded("gzip", "gzip", gzip(TEXT.as_bytes())),
        coded("x-gzip", "X-GZIP", gzip(TEXT.as_bytes())),
        coded("zlib", "deflate", zlib(TEXT.as_bytes())),
        coded("deflate", "deflate", deflate(TEXT.as_bytes())),
        coded("zstd", "zstd", zstd(TEXT.as_bytes())),
        coded("both", "deflate, gzip", gzip(&zlib(TEXT.as_bytes()))),
        coded("unknown", "compress", b"coded".to_vec()),
        coded("damaged", "gzip", b"not gzip".to_vec()),
        coded("head", "gzip", Vec::new()).method("HEAD"),
        coded("part", "gzip", b"part".to_vec()).status(206, "Partial Content"),
        coded("large", "gzip", gzip(&vec![b'a'; 3 << 20])),
        coded("bomb", "gzip", gzip(&vec![0; 17 << 20])),
    ]);
    let proxy = replaying(&recording).start().await;
    let mut wire = proxy.connect().await;
    for path in ["gzip", "x-gzip", "zlib", "deflate", "zstd", "both"] {
        let url = format!("http://a.example/{path}");
        for accepted in ["identity", "gzip;q=0, br", "*;q=0", ""] {
            let answer = ask(&mut wire, &url, &[("Accept-Encoding", accepted)]).await;
            assert_eq!((said(&answer), answer.framing), (is(200, TEXT), Framing::Length), "{path} {accepted}");
            let fields = ["content-encoding", "etag", "vary"].map(|name| answer.field(name));
            assert_eq!(fields, [None, Some("W/\"a\""), Some("Origin, Accept-Encoding")]);
        }
        for accepted in [&[("Accept-Encoding", "*")][..], &[("Accept-Encoding", "gzip, deflate, zstd")], &[]] {
            let answer = ask(&mut wire, &url, accepted).await;
            assert!(answer.text() != TEXT && answer.field("etag") == Some("\"a\""), "{path} {accepted:?}");
        }
    }
    let identity = [("Accept-Encoding", "identity")];
    for (path, text, coding) in
        [("unknown", "coded", "compress"), ("damaged", "not gzip", "gzip"), ("part", "part", "gzip")]
    {
        let answer = ask(&mut wire, &format!("http://a.example/{path}"), &identity).await;
        assert_eq!((answer.text().as_str(), answer.field("content-encoding")), (text, Some(coding)));
    }
    proxy.wait_for_log("the client does not take the coding compress, and gets it nevertheless").await;
    let head = wire.ask("HEAD", "http://a.example/head", "a.example", &identity, b"").await;
    assert_eq!((head.field("content-encoding"), head.field("content-length")), (None, None));
    let part = ask(&mut wire, "http://a.example/gzip", &[identity[0], ("Range", "bytes=0-5")]).await;
    assert_eq!((said(&part), part.field("content-range")), (is(206, "a text"), Some("bytes 0-5/81")));
    let large = ask(&mut wire, "http://a.example/large", &identity).await;
    assert!(large.framing == Framing::Chunked && large.body == vec![b'a'; 3 << 20]);
    let large = proxy.http2().await.ask("GET", "http://a.example/large", &identity, b"").await;
    assert!(large.body == vec![b'a'; 3 << 20]);
    wire.send("GET http://a.example/bomb HTTP/1.1\r\nHost: a.example\r\nAccept-Encoding: br\r\n\r\n").await;
    let sent = wire.read_to_end().await;
    assert!(sent.len() < 17 << 20 && !sent.ends_with(b"\r\n0\r\n\r\n"), "it is cut");

    let off = replaying(&recording).set("server_replay_decode", "false").start().await;
    let answer = ask(&mut off.connect().await, "http://a.example/gzip", &identity).await;
    assert_eq!((answer.field("content-encoding"), answer.field("vary")), (Some("gzip"), Some("Origin")));
}

#[tokio::test]
async fn a_request_for_a_range_gets_that_part() {
    let digits = |path: &str| get(format!("http://a.example/{path}")).field("ETag", "\"a\"").body("0123456789");
    let part = |range: &str, wanted: Option<&str>| {
        let part = get("http://a.example/part").status(206, "Partial Content").field("Content-Range", range);
        wanted.map_or(part.clone(), |wanted| part.request_field("Range", wanted))
    };
    let recording = recording([
        digits("whole").field("Content-Type", "text/plain").field("Last-Modified", OLD),
        digits("none").field("Accept-Ranges", "none"),
        digits("ignores").request_field("Range", "bytes=0-3"),
        part("bytes 0-3/10", Some("bytes=0-3")).body("0123"),
        part("bytes 4-9/10", Some("bytes=4-9")).field("ETag", "\"a\"").body("456789"),
        // A recorder that leaves out the fields of requests.
        get("http://a.example/bare").status(206, "").field("Content-Range", "bytes 0-3/10").body("0123"),
        get("http://a.example/all")
            .status(206, "")
            .request_field("Range", "bytes=0-")
            .field("Content-Range", "bytes 0-3/4")
            .body("0123"),
        get("http://a.example/part")
            .status(416, "")
            .request_field("Range", "bytes=10-")
            .field("Content-Range", "bytes */10"),
    ]);
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "--server-replay-reuse", "--norefresh"]);
    let proxy = proxy.replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    for (path, range, condition, expected, content_range) in [
        ("whole", "bytes=0-3", "", is(206, "0123"), Some("bytes 0-3/10")),
        ("whole", "bytes=7-", "", is(206, "789"), Some("bytes 7-9/10")),
        ("whole", "bytes=-2", "", is(206, "89"), Some("bytes 8-9/10")),
        ("whole", "bytes=5-500", "\"a\"", is(206, "56789"), Some("bytes 5-9/10")),
        ("whole", "bytes=5-5", OLD, is(206, "5"), Some("bytes 5-5/10")),
        ("whole", "bytes=5-5", "\"b\"", is(200, "0123456789"), None),
        ("whole", "bytes=5-5", NEW, is(200, "0123456789"), None),
        ("whole", "bytes=10-", "", is(416, ""), Some("bytes */10")),
        ("whole", "lines=0-1", "", is(200, "0123456789"), None),
        ("none", "bytes=0-3", "", is(200, "0123456789"), None),
        ("ignores", "bytes=0-3", "", is(200, "0123456789"), None),
        ("part", "bytes=0-3", "", is(206, "0123"), Some("bytes 0-3/10")),
        ("part", "bytes = 4-9", "", is(206, "456789"), Some("bytes 4-9/10")),
        // The same in other words.
        ("part", "bytes=4-", "\"a\"", is(206, "456789"), Some("bytes 4-9/10")),
        ("part", "bytes=-6", "", is(206, "456789"), Some("bytes 4-9/10")),
        ("part", "bytes=10-", "", is(416, ""), Some("bytes */10")),
        ("bare", "bytes=0-3", "", is(206, "0123"), Some("bytes 0-3/10")),
        ("all", "bytes=0-", "", is(206, "0123"), Some("bytes 0-3/4")),
        ("all", "bytes=1-2", "", is(206, "12"), Some("bytes 1-2/4")),
    ] {
        let fields = [("Range", range), ("If-Range", condition)];
        let fields = if condition.is_empty() { &fields[..1] } else { &fields[..] };
        let answer = ask(&mut wire, &format!("http://a.example/{path}"), fields).await;
        assert_eq!((said(&answer), answer.field("content-range")), (expected, content_range), "{path} {fields:?}");
    }
    for fields in [&[][..], &[("Range", "bytes=0-4")], &[("Range", "bytes=4-9"), ("If-Range", "\"b\"")]] {
        let missed = ask(&mut wire, "http://a.example/part", fields).await;
        let why = "its recorded response is a 206, which only answers requests for its own `range`";
        assert!(missed.status() == 404 && missed.text().contains(why), "{missed:?}");
    }
    let all = wire.get("http://a.example/all").await;
    assert_eq!((said(&all), all.field("content-range")), (is(200, "0123"), None));
    assert_eq!(ask(&mut wire, "http://a.example/bare", &[("Range", "bytes=4-5")]).await.status(), 404);
    let several = ask(&mut wire, "http://a.example/whole", &[("Range", "bytes=0-1,-1")]).await;
    let kind = several.field("content-type").expect("a type");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("a boundary");
    let part = |range, text| {
        format!("--{boundary}\r\nContent-Range: bytes {range}/10\r\nContent-Type: text/plain\r\n\r\n{text}\r\n")
    };
    let expected = format!("{}{}--{boundary}--\r\n", part("0-1", "01"), part("9-9", "9"));
    assert_eq!((said(&several), several.framing), (is(206, &expected), Framing::Length));

    let off = replaying(&recording).set("server_replay_ranges", "false").start().await;
    let answer = ask(&mut off.connect().await, "http://a.example/whole", &[("Range", "bytes=0-3")]).await;
    assert_eq!(said(&answer), is(200, "0123456789"));
}

#[tokio::test]
async fn a_preflight_is_answered_as_the_recorded_responses_allow() {
    let file = public("cors.har");
    let start = || Proxyhost::with(["--server-replay-extra", "404", "-S"]).arg(&file);
    let fields = |origin, method| {
        [
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "content-type"),
        ]
    };
    let proxy = start().arg("--server-replay-preflights").start().await;
    let mut wire = proxy.tls("api.example:443").await;
    let own = fields("https://app.example", "PUT");
    // They are no recorded response that would be used.
    for _ in 0..2 {
        let answer = wire.ask("OPTIONS", "/v1", "api.example", &own, b"").await;
        assert_eq!(answer.status(), 204);
        let allowed =
            ["origin", "methods", "headers"].map(|what| answer.field(&format!("access-control-allow-{what}")));
        assert_eq!(allowed, [Some("https://app.example"), Some("PUT"), Some("content-type")]);
    }
    for (path, fields) in
        [("/v1", fields("https://evil.example", "PUT")), ("/v1", fields("https://app.example", "DELETE")), ("/v2", own)]
    {
        assert_eq!(wire.ask("OPTIONS", path, "api.example", &fields, b"").await.status(), 404, "{path} {fields:?}");
    }
    assert_eq!(wire.ask("OPTIONS", "/v1", "api.example", &[], b"").await.status(), 404);
    let json = [("Content-Type", "application/json"), ("Origin", "https://app.example")];
    assert_eq!(said(&wire.ask("PUT", "/v1", "api.example", &json, b"{}").await), is(200, "{}"));
    let off = start().start().await;
    assert_eq!(off.tls("api.example:443").await.ask("OPTIONS", "/v1", "api.example", &own, b"").await.status(), 404);
}

#[tokio::test]
async fn a_reverse_proxy_names_the_address_that_its_client_knows() {
    let file = public("reverse-redirect.mitm");
    let start =
        || Proxyhost::with(["-k", "--server-replay-reuse", "-S"]).arg(&file).mode("reverse:https://api.example.com");
    let proxy = start().start().await;
    let mut wire = proxy.connect_reverse().await;
    let answer = wire.ask("GET", "/v1", "localhost:4711", &[], b"").await;
    assert_eq!((answer.status(), answer.field("location")), (302, Some("http://localhost:4711/v2")));
    let cookie = answer.field("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.starts_with("sid=1") && !cookie.contains("Domain") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(wire.ask("GET", "/v2", "localhost:4711", &[], b"").await.text(), "v2");
    // The same over TLS, where cookies may stay secure.
    let (mut tls, _) = proxy.tls_to(proxy.connect_reverse().await, "localhost", b"http/1.1").await;
    let answer = tls.ask("GET", "/v1", "localhost:4711", &[], b"").await;
    assert_eq!(answer.field("location"), Some("https://localhost:4711/v2"));
    assert!(answer.field("set-cookie").is_some_and(|cookie| cookie.contains("Secure")), "{answer:?}");
    // One that names no host is told none.
    wire.send("GET /v1 HTTP/1.0\r\n\r\n").await;
    assert_eq!(wire.head().await.expect("a head").field("location"), Some("/v2"));

    let off = start().set("server_replay_map_addresses", "false").start().await;
    let answer = off.connect_reverse().await.ask("GET", "/v1", "localhost:4711", &[], b"").await;
    assert_eq!(answer.field("location"), Some("https://api.example.com/v2"));
    assert!(answer.field("set-cookie").is_some_and(|cookie| cookie.contains("Domain=api.example.com")));
    // Clients of a proxy know the server itself.
    let regular = Proxyhost::with(["-k", "-S"]).arg(&file).start().await;
    let answer = regular.tls("api.example.com:443").await.ask("GET", "/v1", "api.example.com", &[], b"").await;
    assert_eq!(answer.field("location"), Some("https://api.example.com/v2"));
}

#[tokio::test]
async fn every_address_in_a_head_is_mapped() {
    let recording = recording([get("http://a.example/")
        .field("Content-Location", "http://a.example/x")
        .field("Refresh", "5; url=http://a.example/y")
        .field("Link", "<http://a.example/2>; rel=next, <http://cdn.example/>")
        .field("Set-Cookie", "a=1; Domain=.a.example")
        .field("Set-Cookie", "b=2; Secure")
        .body("http://a.example/ stays")]);
    let start = Proxyhost::with(["-k", "--norefresh", "--set", "server_replay_ignore_host=true"]).replay(&recording);
    // Of another server, with the answers of this one.
    let proxy = start.mode("reverse:http://b.example").start().await;
    let answer = proxy.connect_reverse().await.ask("GET", "/", "127.0.0.1:1", &[], b"").await;
    let expected = [
        ("Content-Location", "http://127.0.0.1:1/x"),
        ("Refresh", "5; url=http://127.0.0.1:1/y"),
        ("Link", "<http://127.0.0.1:1/2>; rel=next, <http://cdn.example/>"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ];
    let fields = answer.fields_without(&["content-length"]);
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(answer.text(), "http://a.example/ stays");
}

#[tokio::test]
async fn a_response_ends_as_it_did() {
    let page = |path: &str| get(format!("http://a.example/{path}")).body("content");
    let recording = recording([
        page("length").field("Content-Length", "7"),
        page("chunks").field("Transfer-Encoding", "chunked"),
        page("events").field("Content-Type", "text/event-stream; charset=utf-8").field("Content-Length", "7"),
        get("http://a.example/nothing").field("Transfer-Encoding", "chunked"),
    ]);
    let proxy = replaying(&recording).start().await;
    let (mut wire, mut http2) = (proxy.connect().await, proxy.http2().await);
    for (path, framing, length) in [
        ("length", Framing::Length, Some("7")),
        ("chunks", Framing::Chunked, None),
        ("events", Framing::Chunked, None),
        ("nothing", Framing::Length, None),
    ] {
        let url = format!("http://a.example/{path}");
        let (answer, streamed) = (wire.get(&url).await, http2.get(&url).await);
        assert_eq!((answer.framing, answer.text()), (framing, streamed.text()), "{path}");
        assert_eq!(streamed.field("content-length"), length, "{path}");
    }
    // What has no chunks ends with its connection.
    wire.send("GET http://a.example/chunks HTTP/1.0\r\n\r\n").await;
    let all = wire.read_to_end().await;
    assert!(all.ends_with(b"\r\n\r\ncontent"), "{}", all.escape_ascii());
}

#[tokio::test]
async fn a_body_without_times_of_its_pieces_takes_its_time() {
    let hour = 3_600_000;
    let har = format!(
        r#"{{"log": {{"version": "1.2", "entries": [{{"startedDateTime": "2023-11-14T22:13:20Z", "time": {hour},
        "request": {{"method": "GET", "url": "http://a.example/", "httpVersion": "HTTP/1.1", "headers": []}},
        "response": {{"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [], "content":
        {{"size": 128, "mimeType": "text/plain", "text": "{}"}}}},
        "timings": {{"send": 0, "wait": 1, "receive": {hour}}}}}]}}}}"#,
        "ab".repeat(64)
    );
    let recording = RecordingFile::of_bytes(har.as_bytes());
    let proxy = replaying(&recording).arg("--server-replay-timing").arg("original").start().await;
    let mut wire = proxy.connect().await;
    wire.send("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    wire.head().await.expect("a head");
    assert_eq!(wire.take(2).await, b"ab");
    assert!(wire.is_quiet().await, "the next piece is a minute away");
    for timing in ["none", "0.000001x", "1ms"] {
        let proxy = replaying(&recording).arg("--server-replay-timing").arg(timing).start().await;
        assert_eq!(proxy.connect().await.get("http://a.example/").await.text(), "ab".repeat(64));
    }
}
