//! How much a client may send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::harness::{Served, TOKEN};
use crate::input::{LARGEST_DOCUMENT, LARGEST_UPLOAD};

#[tokio::test]
async fn bodies_are_bounded() {
    let served = Served::start().await;
    for (method, path, kind, most) in [
        ("PATCH", "/v1/options", "application/json", LARGEST_DOCUMENT),
        ("POST", "/v1/addons/x", "application/wasm", LARGEST_UPLOAD),
    ] {
        // One byte too much, said and not said beforehand.
        let said = format!("authorization: Bearer {TOKEN}\r\ncontent-type: {kind}\r\n");
        let reply = served.ask_with(method, path, &said, &vec![b' '; most + 1]).await;
        let reason = format!("the body of the request is longer than {most} bytes");
        assert_eq!((reply.status, reply.error()), (413, ("invalid".to_owned(), reason)), "{path}");
        assert_eq!(served.fake.asked(), [""; 0]);
    }
    let fits = served.ask("POST", "/v1/addons/x", "application/wasm", &vec![b' '; LARGEST_UPLOAD]).await;
    assert_eq!(fits.status, 200);
}

#[tokio::test]
async fn documents_need_their_media_type() {
    let served = Served::start().await;
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let reply = served.ask("PATCH", "/v1/options", kind, b"{}").await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    let reply = served.ask("PATCH", "/v1/options", "Application/JSON ; charset=utf-8", b"{}").await;
    assert_eq!(reply.status, 200);
    let reply = served.ask("PATCH", "/v1/options", "application/json", b"{").await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn heads_are_bounded() {
    let served = Served::start().await;
    let long = format!("x-long: {}\r\n", "x".repeat(64 << 10));
    let many: String = (0..100).map(|number| format!("x-{number}: x\r\n")).collect();
    for fields in [long, many] {
        assert_eq!(served.ask_with("GET", "/healthz", &fields, b"").await.status, 431);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_not_waited_for() {
    let served = Served::start().await;
    let body = format!(
        "PATCH /v1/options HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: \
         application/json\r\ncontent-length: 9\r\n\r\n{{"
    );
    for (sent, answered) in [("", ""), ("GET /healthz HTTP/1.1\r\nhost", ""), (body.as_str(), "HTTP/1.1 408")] {
        let mut stream = served.connect().await;
        stream.write_all(sent.as_bytes()).await.expect("it reads");
        let mut answer = Vec::new();
        // Time passes as soon as all wait, so this is no time at all.
        let ended = timeout(Duration::from_secs(100), stream.read_to_end(&mut answer)).await;
        ended.expect("the connection is closed").expect("it is not reset");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(answered), "{sent:?}: {answer}");
    }
}
