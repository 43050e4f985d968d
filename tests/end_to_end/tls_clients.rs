//! Clients that speak TLS with a listener itself, or name no protocol that is spoken here.

use std::path::Path;

use crate::harness::{Origin, Proxyhost, Start};

/// Replays what was recorded of `https://single.example/`, as often as it is asked for.
fn replaying() -> Start {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/public/tls.mitm");
    Proxyhost::with(["-k", "--server-replay-reuse", "-S"]).arg(recording)
}

#[tokio::test]
async fn every_listener_takes_clients_with_and_without_tls() {
    let proxy = replaying().mode("regular").mode("reverse:https://single.example").start().await;
    let mut plain = proxy.connect_reverse().await;
    assert_eq!(plain.ask("GET", "/", "any.example", &[], b"").await.text(), "ok");
    // By its address, a client names nobody: the certificate is for where it connected to.
    for host in ["127.0.0.1", "localhost"] {
        let (mut wire, told) = proxy.tls_to(proxy.connect_reverse().await, host, b"http/1.1").await;
        assert_eq!(told.as_deref(), Some(&b"http/1.1"[..]));
        for _ in 0..2 {
            assert_eq!(wire.ask("GET", "/", host, &[], b"").await.text(), "ok");
        }
        let mut http2 = proxy.tls_http2_to(proxy.connect_reverse().await, host).await;
        assert_eq!(http2.get("https://localhost/").await.text(), "ok");
    }
    // A proxy that is spoken to by TLS, as by `curl -x https://…`.
    let (mut wire, _) = proxy.tls_to(proxy.connect().await, "127.0.0.1", b"http/1.1").await;
    assert_eq!(wire.get("https://single.example/").await.text(), "ok");
    wire.send("CONNECT single.example:443 HTTP/1.1\r\nHost: single.example:443\r\n\r\n").await;
    assert_eq!(wire.head().await.expect("an answer").status(), 200);
    let (mut tunnelled, _) = proxy.tls_to(wire, "single.example", b"http/1.1").await;
    assert_eq!(tunnelled.ask("GET", "/", "single.example", &[], b"").await.text(), "ok");
    let mut http2 = proxy.tls_http2_to(proxy.connect().await, "127.0.0.1").await;
    assert_eq!(http2.get("https://single.example/").await.text(), "ok");
}

#[tokio::test]
async fn a_client_that_names_no_protocol_of_ours_is_served_as_if_it_named_none() {
    let proxy = replaying().mode("regular").mode("reverse:https://single.example").start().await;
    for protocol in [&b"http/1.0"[..], b"http/0.9", b"spdy/3.1", b"acme-tls/1"] {
        let (mut wire, told) = proxy.tls_to(proxy.tunnel("single.example:443").await, "single.example", protocol).await;
        assert_eq!(told, None);
        assert_eq!(wire.ask("GET", "/", "single.example", &[], b"").await.text(), "ok");
        let (mut wire, told) = proxy.tls_to(proxy.connect_reverse().await, "localhost", protocol).await;
        assert_eq!(told, None);
        wire.send("GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!(wire.response("GET").await.text(), "ok");
    }
}

#[tokio::test]
async fn users_are_asked_for_inside_tls_too() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()).await;
    let proxy = Proxyhost::with(["--proxy-auth", "ann:x"]).start().await;
    let (mut wire, _) = proxy.tls_to(proxy.connect().await, "127.0.0.1", b"http/1.1").await;
    assert_eq!(wire.get(&origin.url("/")).await.status(), 407);
    let known = [("Proxy-Authorization", "Basic YW5uOng=")];
    let answer = wire.ask("GET", &origin.url("/"), &origin.authority(), &known, b"").await;
    assert_eq!(answer.text(), "ok");
}
