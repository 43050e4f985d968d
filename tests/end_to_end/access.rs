//! Who may use the proxy.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::harness::{Message, Origin, Proxyhost, Target};

const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const CHALLENGE: &str = "Basic realm=\"proxyhost\", charset=\"UTF-8\"";

fn basic(user: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(user))
}

fn assert_asked(refused: &Message, field: &str, status: u16) {
    assert_eq!((refused.status(), refused.field(field)), (status, Some(CHALLENGE)), "{refused:?}");
    assert_eq!(refused.field("proxy-status"), Some("proxyhost; error=http_request_denied"));
}

#[tokio::test]
async fn a_proxy_with_users_serves_nobody_else() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let proxy = Proxyhost::with(["--proxy-auth", "ann:s3cret", "--proxy-auth", "bob:x"]).start().await;
    let (url, host) = (origin.url("/"), origin.authority());
    let (good, bad) = (basic("ann:s3cret"), basic("ann:s3cre"));
    let mut wire = proxy.connect().await;
    for fields in [&[][..], &[("Proxy-Authorization", bad.as_str())], &[("Authorization", good.as_str())]] {
        assert_asked(&wire.ask("GET", &url, &host, fields, b"").await, "proxy-authenticate", 407);
        assert_asked(&wire.ask("CONNECT", &host, &host, fields, b"").await, "proxy-authenticate", 407);
        assert_asked(&proxy.http2().await.ask("GET", &url, fields, b"").await, "proxy-authenticate", 407);
    }
    assert_eq!(origin.connections().await, 0);

    // The connection goes on, and what is for the server goes there.
    let fields = [("Proxy-Authorization", good.as_str()), ("Authorization", "Bearer x")];
    assert_eq!(wire.ask("GET", &url, &host, &fields, b"").await.status(), 200);
    assert_eq!(proxy.http2().await.ask("GET", &url, &fields, b"").await.status(), 200);
    // Within a tunnel that a user opened, nobody is asked again.
    let mut tunnel = proxy.connect().await;
    tunnel.send(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: {good}\r\n\r\n")).await;
    assert_eq!(tunnel.head().await.expect("an answer").status(), 200);
    assert_eq!(tunnel.ask("GET", "/", &host, &fields[1..], b"").await.status(), 200);
    let received = origin.received();
    assert_eq!(received.len(), 3);
    for request in received {
        assert_eq!((request.field("proxy-authorization"), request.field("authorization")), (None, Some("Bearer x")));
    }
}

#[tokio::test]
async fn a_reverse_proxy_with_users_asks_as_a_server_does() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let reverse = format!("reverse:{}", origin.url(""));
    let proxy = Proxyhost::with(["--proxy-auth", "ann:s3cret"]).mode(&reverse).start().await;
    let good = basic("ann:s3cret");
    let mut wire = proxy.connect_reverse().await;
    for fields in [&[][..], &[("Proxy-Authorization", good.as_str())], &[("Authorization", "Bearer x")]] {
        assert_asked(&wire.ask("GET", "/", "a", fields, b"").await, "www-authenticate", 401);
    }
    assert_eq!(wire.ask("GET", "/", "a", &[("Authorization", &good)], b"").await.status(), 200);
    let received = origin.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].field("authorization"), None);
}

#[tokio::test]
async fn passwords_are_neither_logged_nor_recorded() {
    let origin = Origin::answering(|_| EMPTY.to_vec()).await;
    let target = Target::new("visit.mitm");
    let proxy = Proxyhost::with(["-vv", "--proxy-auth", "ann:s3cret"]).record(&target).start().await;
    let mut wire = proxy.connect().await;
    let (good, bad) = (basic("ann:s3cret"), basic("ann:wr0ng"));
    for given in [&good, &bad] {
        wire.ask("GET", &origin.url("/"), "a", &[("Proxy-Authorization", given)], b"").await;
    }
    let log = proxy.log();
    assert!(proxy.stop().await.success());
    let recorded = fs::read(target.path()).expect("something was recorded");
    let recorded = String::from_utf8_lossy(&recorded);
    for secret in ["s3cret", "wr0ng", &good[6..], &bad[6..]] {
        assert!(!log.contains(secret) && !recorded.contains(secret), "{secret}");
    }
}
