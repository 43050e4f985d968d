//! Answers of servers that must not be passed on.

use crate::harness::{Origin, Proxyhost, Wire, soon};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_head_that_breaks_http_is_refused_and_its_connection_closed() {
    let table: [(&[u8], &str); 6] = [
        (b"HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n", "answered with the status 999"),
        (b"HTTP/1.1 600 Strange\r\nContent-Length: 0\r\n\r\n", "answered with the status 600"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "answered with both a transfer coding and a length, which contradict each other",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "answered with both a transfer coding and a length, which contradict each other",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
            "answered with both a transfer coding and a length, which contradict each other",
        ),
        (
            b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            "answered with both a transfer coding and a length, which contradict each other",
        ),
    ];
    for (answer, why) in table {
        let origin = Origin::scripted(move |mut wire: Wire| async move {
            let request = wire.request().await.expect("a request");
            wire.send(if request.first.contains("/bad") { answer } else { HELLO }).await;
            // The proxy closes the connection, and sends nothing more on it.
            if request.first.contains("/bad") {
                assert_eq!(soon("the end of the connection", wire.read_to_end()).await, b"");
            }
        })
        .await;
        let proxy = Proxyhost::with([]).start().await;
        let mut wire = proxy.connect().await;
        let response = wire.get(&origin.url("/bad")).await;
        assert_eq!(response.status(), 502, "{why}");
        assert_eq!(response.field("proxy-status"), Some("proxyhost; error=http_protocol_error"), "{why}");
        assert_eq!(response.text(), format!("proxyhost: `{}` {why} (flow 1)\n", origin.authority()));
        assert_eq!(wire.get(&origin.url("/")).await.text(), "hello");
        origin.done().await;
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_its_limits() {
    let many: String = (0..300).map(|number| format!("X-{number}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(300_000));
    for fields in [many, long] {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        let origin = Origin::scripted(move |mut wire: Wire| {
            let head = head.clone();
            async move {
                wire.request().await.expect("a request");
                // The proxy leaves before it has all of it.
                let _ = wire.try_send(head).await;
            }
        })
        .await;
        let proxy = Proxyhost::with([]).start().await;
        let response = proxy.connect().await.get(&origin.url("/")).await;
        assert_eq!(response.status(), 502);
        assert_eq!(response.field("proxy-status"), Some("proxyhost; error=http_response_header_section_size"));
        let server = origin.authority();
        let text = format!(
            "proxyhost: the head of the answer of `{server}` has more than 256 fields or 262144 bytes (flow 1)\n"
        );
        assert_eq!(response.text(), text);
    }
}

#[tokio::test]
async fn http2_has_the_same_limits() {
    let origin = Origin::http2(|request| {
        let mut response = http::Response::builder();
        match request.uri().path() {
            "/many" => (0..300).for_each(|number| {
                response.headers_mut().expect("no error").insert(
                    http::HeaderName::try_from(format!("x-{number}")).expect("a name"),
                    http::HeaderValue::from_static("1"),
                );
            }),
            "/strange" => response = response.status(999),
            path => {
                let size = if path == "/long" { 300_000 } else { 100_000 };
                response = response.header("x-long", "a".repeat(size));
            }
        }
        response.body(bytes::Bytes::new()).expect("a valid response")
    })
    .await;
    let proxy = Proxyhost::with([]).arg("--upstream-ca").arg(origin.ca()).start().await;
    let mut wire = proxy.connect().await;
    let error = |kind: &str| Some(format!("proxyhost; error={kind}"));
    let many = wire.get(&origin.url("/many")).await;
    assert_eq!(many.field("proxy-status").map(str::to_owned), error("http_response_header_section_size"));
    let long = wire.get(&origin.url("/long")).await;
    assert_eq!(long.status(), 502);
    let strange = wire.get(&origin.url("/strange")).await;
    assert_eq!(strange.field("proxy-status").map(str::to_owned), error("http_protocol_error"));
    assert_eq!(origin.connections().await, 1);
    let large = wire.get(&origin.url("/large")).await;
    assert_eq!((large.status(), large.field("x-long").map(str::len)), (200, Some(100_000)));
}

#[tokio::test]
async fn a_head_does_not_wait_for_its_body() {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let origin = Origin::scripted(move |mut wire: Wire| {
        let mut read = receiver.clone();
        async move {
            wire.request().await.expect("a request");
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            // The first event only comes when the client has the head.
            soon("the client", read.wait_for(|read| *read)).await.expect("the test runs");
            wire.send("5\r\nhello\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/"))).await;
    assert_eq!(wire.head().await.expect("a head").status(), 200);
    sender.send(true).expect("the origin runs");
    assert_eq!(wire.take(5).await, b"5\r\nhe");
    origin.done().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_at_once_is_never_silence() {
    let origin = Origin::scripted(move |mut wire: Wire| async move {
        let request = wire.head().await.expect("a request");
        let _ = wire.try_send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
        // Of a GET nothing is unread; with unread content, the system resets the connection.
        assert!(request.first.starts_with("GET ") || request.first.starts_with("POST "));
    })
    .await;
    let proxy = Proxyhost::with([]).start().await;
    let content = "a".repeat(1_000_000);
    for round in 0..100 {
        let mut wire = proxy.connect().await;
        let request = match round % 2 {
            0 => format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", origin.url("/")),
            _ => format!(
                "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{content}",
                origin.url("/")
            ),
        };
        let _ = wire.try_send(request).await;
        // Whether it is known in time that the rest does not come is a matter of luck.
        let head = wire.head().await.expect("an answer");
        match head.status() {
            200 => assert!(b"half".starts_with(&wire.read_to_end().await[..])),
            status => assert_eq!(status, 502),
        }
    }
}
