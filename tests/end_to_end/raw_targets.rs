//! Targets with bytes that no URI can have.

use std::{fs, path::Path};

use crate::harness::{Origin, Proxyhost, Target};

/// Such targets, a byte for each character.
const TARGETS: [&str; 5] = [
    "/find?filter={\"a\":\"b\"}",
    "/a<b>`c`{|}^\"d\"?<>`{|}^",
    "/caf\u{e9}?q=\u{ff}\u{fe}\u{80}",
    "/\u{f4}\u{8f}\u{b8}\u{a2}?\u{c3}\u{a9}",
    "/\"",
];

fn raw(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(char).expect("a byte")).collect()
}

#[tokio::test]
async fn raw_bytes_in_targets_are_forwarded_recorded_and_replayed() {
    let origin = Origin::answering(|request| {
        let target = raw(request.first.split(' ').nth(1).unwrap_or_default());
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", target.len()).as_bytes(), &target].concat()
    })
    .await;
    for name in ["visit.mitm", "visit.har"] {
        passes(&origin, &Target::new(name)).await;
    }
}

/// Sends such targets on all roads, and replays what was recorded of that.
async fn passes(origin: &Origin, target: &Target) {
    let authority = origin.authority();
    let mode = format!("reverse:http://{authority}");
    let recording = Proxyhost::with([]).mode("regular").mode(&mode).record(target).start().await;
    let (mut proxied, mut reverse) = (recording.connect().await, recording.connect_reverse().await);
    let mut tunnelled = recording.tunnel(&authority).await;
    for target in TARGETS {
        // With a body behind the first, so that more than the first request of a connection is looked at.
        let head = |target: &str| {
            raw(&format!("POST {target} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 5\r\n\r\nG /\"\n"))
        };
        for (wire, named) in [
            (&mut proxied, format!("http://{authority}{target}")),
            (&mut reverse, target.to_owned()),
            (&mut tunnelled, target.to_owned()),
        ] {
            wire.send(head(&named)).await;
            assert_eq!(wire.response("POST").await.text(), target);
        }
    }
    assert!(origin.received().iter().all(|request| request.body == b"G /\"\n"));
    assert!(recording.stop().await.success());
    let bytes = fs::read(target.path()).expect("a recording");
    let is_har = target.path().extension().is_some_and(|ending| ending == "har");
    for target in TARGETS.map(raw).iter().filter(|_| !is_har) {
        assert!(bytes.windows(target.len()).filter(|window| window == target).count() >= 3);
    }

    let replaying = Proxyhost::with(["-k", "-S"]).arg(target.path()).start().await;
    let mut wire = replaying.connect().await;
    for target in TARGETS {
        let head = format!(
            "POST http://{authority}{target} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 5\r\n\r\nG /\"\n"
        );
        wire.send(raw(&head)).await;
        assert_eq!(wire.response("POST").await.text(), target);
    }
}

/// The frames of a connection on which these paths are asked for, as streams 1, 3 and so on: each written out, and for a
/// path that was there before, from the table of fields.
fn http2_requests(authority: &str, paths: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let mut table: Vec<&[u8]> = Vec::new();
    for (stream, path) in (1_u8..).step_by(2).zip(paths) {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("a short text");
        let mut list = vec![0x82, 0x86, 0x01, length(authority.as_bytes())];
        list.extend_from_slice(authority.as_bytes());
        match table.iter().rev().position(|known| known == path) {
            Some(age) => list.push(0x80 | (62 + u8::try_from(age).expect("a small table"))),
            None => {
                table.push(path);
                list.extend([&[0x44, length(path)], *path].concat());
            }
        }
        bytes.extend([&[0, 0, length(&list), 1, 5, 0, 0, 0, stream], &list[..]].concat());
    }
    bytes
}

#[tokio::test]
async fn raw_bytes_in_targets_are_replayed_over_http1_and_http2() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/public/raw-quote.mitm");
    let proxy = Proxyhost::with(["-k", "--server-replay-reuse", "-S"]).arg(recording).start().await;
    let recorded = "/find?filter={\"a\":\"b\"}";
    let mut wire = proxy.connect().await;
    wire.send(format!("GET http://q.example{recorded} HTTP/1.1\r\nHost: q.example\r\n\r\n")).await;
    let answer = wire.response("GET").await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "quoted"), "{answer:?}");

    let mut http2 = proxy.connect().await;
    http2.send(http2_requests("q.example", &[recorded.as_bytes(), recorded.as_bytes(), recorded.as_bytes()])).await;
    let mut content = Vec::new();
    while content.len() < 3 * "quoted".len() {
        let head = http2.take(9).await;
        let payload = http2.take(usize::from(head[1]) << 8 | usize::from(head[2])).await;
        assert!(!matches!(head[3], 3 | 7), "reset: {}", payload.escape_ascii());
        if head[3] == 0 {
            content.extend(payload);
        }
    }
    assert_eq!(content, b"quotedquotedquoted");
    proxy.wait_for_lines("GET http://q.example/find?… 200", 4).await;
}

#[tokio::test]
async fn what_the_http_library_refuses_is_in_the_log() {
    let proxy = Proxyhost::with(["--offline"]).start().await;
    let mut wire = proxy.connect().await;
    wire.send("GET http://h<ost/ HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(wire.response("GET").await.status(), 400);
    let line = proxy.wait_for_log("what a client sent is refused").await;
    assert!(line.starts_with("WARN ") && line.contains("invalid URI") && line.contains("client=127.0.0.1:"), "{line}");
}
