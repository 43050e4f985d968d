//! Faults that no other file is about; `tests/faults.md` is the list of all of them.

use std::fs;

use crate::harness::{Origin, Proxyhost, Target, Wire, get, recording, soon};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Sends the beginning of a response that is much longer.
async fn begins(wire: &mut Wire) {
    wire.request().await.expect("a request");
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nhello").await;
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let origin = Origin::scripted(|mut wire: Wire| async move {
        begins(&mut wire).await;
        wire.read_to_end().await;
    })
    .await;
    // Longer than a test waits.
    let mut proxy = Proxyhost::with([]).config("[limits]\ndrain_seconds = 3600\n").start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    proxy.terminate();
    proxy.wait_for_log("stopping").await;
    proxy.terminate();
    assert_eq!(proxy.ended().await.code(), Some(1));
}

#[tokio::test]
async fn hangups_without_a_recording_do_nothing() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    for _ in 0..20 {
        proxy.signal("HUP");
    }
    assert_eq!(proxy.connect().await.get(&origin.url("/")).await.text(), "hello");
    assert!(proxy.stop().await.success());
}

#[tokio::test]
async fn what_is_not_http_is_refused_or_closed_and_harms_nobody() {
    let origin = Origin::answering(|_| HELLO.to_vec()).await;
    let proxy = Proxyhost::with([]).start().await;
    // A TLS handshake on the plain port, text, zeros, half of the HTTP/2 preface and then something else, a SOCKS greeting.
    let garbage: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        &[0; 100],
        b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"\x05\x01\x00\r\n\r\n",
    ];
    for bytes in garbage {
        let mut wire = proxy.connect().await;
        wire.send(bytes).await;
        // The peer may have closed already.
        let _ = wire.try_send("\r\n\r\n").await;
        let answer = wire.read_to_end().await;
        let is_refusal = answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 ");
        // An HTTP/2 connection begins with SETTINGS, and says goodbye by GOAWAY.
        let is_goodbye = answer.get(3) == Some(&4);
        assert!(is_refusal || is_goodbye, "`{}` after `{}`", answer.escape_ascii(), bytes.escape_ascii());
        assert_eq!(proxy.connect().await.get(&origin.url("/")).await.text(), "hello");
    }
    assert_eq!(origin.received().len(), garbage.len());
}

#[tokio::test]
async fn an_exchange_that_breaks_off_is_recorded_as_such() {
    // Either the server breaks off, or the client does.
    for client_leaves in [false, true] {
        let origin = Origin::scripted(move |mut wire: Wire| async move {
            begins(&mut wire).await;
            // More than anything between here and a client that has left can hold.
            while client_leaves && wire.try_send([b'x'; 65_536]).await.is_ok() {}
        })
        .await;
        let target = Target::new("visit.mitm");
        let proxy = Proxyhost::with([]).record(&target).start().await;
        let mut wire = proxy.connect().await;
        wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
        assert_eq!(wire.head().await.expect("a head").status(), 200);
        assert_eq!(wire.take(5).await, b"hello");
        if client_leaves {
            drop(wire);
        } else {
            assert_eq!(wire.read_to_end().await, b"");
        }
        soon("the end of the server's connection", origin.done()).await;
        assert!(proxy.stop().await.success());
        let bytes = fs::read(target.path()).expect("a recording");
        let reason = b"the response broke off";
        assert!(bytes.windows(reason.len()).any(|window| window == reason), "{}", bytes.escape_ascii());
        assert!(Proxyhost::with(["flows", "check"]).arg(target.path()).run().status.success());
    }
}

#[tokio::test]
async fn a_recorded_length_or_coding_that_is_wrong_is_not_believed() {
    let (short, long, coded) = ("http://a.example/short", "http://a.example/long", "http://a.example/coded");
    let file = recording([
        get(short).field("Content-Length", "2").body("hello"),
        get(long).field("Content-Length", "99999").field("Transfer-Encoding", "chunked").body("hello"),
        get(coded).field("Content-Encoding", "gzip").body("hello"),
    ]);
    let proxy = Proxyhost::with(["-k"]).replay(&file).start().await;
    let mut wire = proxy.connect().await;
    for url in [short, long, coded] {
        let answer = wire.get(url).await;
        assert_eq!((answer.status(), answer.text()), (200, "hello".to_owned()), "{url}");
    }
}

#[tokio::test]
async fn a_har_file_cannot_put_lines_into_a_head() {
    let entry = |url: &str, status: &str, name: &str, value: &str| {
        format!(
            r#"{{"request":{{"method":"GET","url":"{url}","httpVersion":"HTTP/1.1","headers":[]}},
               "response":{{"status":{status},"statusText":"OK","httpVersion":"HTTP/1.1",
               "headers":[{{"name":"{name}","value":"{value}"}}],"content":{{"size":2,"mimeType":"","text":"ok"}}}}}}"#
        )
    };
    let entries = [
        entry("http://a.example/good", "200", "X-Good", "1"),
        entry("http://a.example/value", "200", "X-Bad", r"1\r\nX-Injected: 1"),
        entry("http://a.example/nul", "200", "X-Bad", r"1\u0000"),
        entry("http://a.example/name", "200", r"X-Bad: 1\r\nX-Injected", "1"),
        entry(r"http://a.example/\r\nX-Injected: 1", "200", "X-Bad", "1"),
        entry("http://a.example/status", "-7", "X-Bad", "1"),
        entry("http://a.example/zero", "0", "X-Bad", "1"),
        entry("javascript:alert(1)", "200", "X-Bad", "1"),
    ];
    let har = format!(r#"{{"log":{{"version":"1.2","entries":[{}]}}}}"#, entries.join(","));
    let proxy = Proxyhost::with(["--server-replay-extra", "404", "-S", "a.har"]).file("a.har", har.as_bytes()).start();
    let proxy = proxy.await;
    let mut wire = proxy.connect().await;
    assert_eq!(wire.get("http://a.example/good").await.field("x-good"), Some("1"));
    for path in ["value", "nul", "name", "", "status", "zero"] {
        let answer = wire.get(&format!("http://a.example/{path}")).await;
        assert_eq!((answer.status(), answer.field("x-injected")), (404, None), "{path}");
    }
    let said = proxy.wait_for_log("1 response to replay").await;
    assert!(said.contains("a.har"), "{said}");
}

#[tokio::test]
async fn old_versions_of_tls_are_refused() {
    let proxy = Proxyhost::with([]).start().await;
    // TLS 1.0 to 1.2, as the versions of the record and of the greeting: only the last one is spoken.
    for (version, expected) in [(1, ALERT), (2, ALERT), (3, HANDSHAKE)] {
        let mut wire = proxy.tunnel("old.example:443").await;
        wire.send(greeting(version)).await;
        assert_eq!(wire.take(1).await, [expected], "3.{version}");
    }
}

/// Types of records (RFC 8446 §5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// The greeting of a client that speaks a version, 3.1 for TLS 1.0, and none after it.
fn greeting(version: u8) -> Vec<u8> {
    // What TLS 1.2 needs: a suite, curves, and the algorithms of signatures. Then the host's name.
    let suites = [0x00, 0x06, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x13];
    let host = b"old.example";
    let name_length = u8::try_from(host.len()).expect("it is short");
    let server_name = [&[0, 0, 0, name_length + 5, 0, name_length + 3, 0, 0, name_length][..], host].concat();
    let curves = [0, 10, 0, 6, 0, 4, 0, 29, 0, 23];
    let signatures = [0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1];
    let extensions = [&server_name[..], &curves, &signatures].concat();
    let extensions_length = u16::try_from(extensions.len()).expect("they are few").to_be_bytes();
    let body = [&[3, version][..], &[7; 32], &[0], &suites, &[1, 0], &extensions_length, &extensions].concat();
    let body_length = u16::try_from(body.len()).expect("it is short").to_be_bytes();
    let message = [&[1, 0][..], &body_length, &body].concat();
    let length = u16::try_from(message.len()).expect("it is short").to_be_bytes();
    [&[HANDSHAKE, 3, 1][..], &length, &message].concat()
}

#[tokio::test]
async fn a_client_that_trusts_another_certificate_ends_its_handshake_and_nothing_else() {
    let recording = recording([get("https://pinned.example/").body("replayed")]);
    let proxy = Proxyhost::replaying(&recording).await;
    let refused = proxy.distrusted("pinned.example:443").await;
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    proxy.wait_for_log("does it trust the certificate authority").await;
    let mut trusting = proxy.tls("pinned.example:443").await;
    assert_eq!(trusting.ask("GET", "/", "pinned.example", &[], b"").await.text(), "replayed");
}
