//! Servers that speak HTTP/2 without TLS, such as those of gRPC.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::harness::{Http2, Message, Origin, Proxyhost, Target};

/// A server that answers with the request's method, path and content, and with trailers.
async fn server() -> Origin {
    Origin::h2c(|request| {
        let answer = format!("{} {}: ", request.method(), request.uri().path());
        let answer = [answer.as_bytes(), request.body()].concat();
        let mut response = http::Response::new(Bytes::from(answer));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        response.extensions_mut().insert(trailers);
        response
    })
    .await
}

const MESSAGE: &[u8] = b"\0\0\0\0\x02hi";

/// Calls a method of gRPC, which must answer.
async fn call(http2: &mut Http2, authority: &str, path: &str) {
    let fields = [("content-type", "application/grpc"), ("te", "trailers")];
    let answer = http2.ask("POST", &format!("http://{authority}{path}"), &fields, MESSAGE).await;
    assert_eq!(
        (answer.status(), &answer.body[..]),
        (200, &[format!("POST {path}: ").as_bytes(), MESSAGE].concat()[..])
    );
    assert_eq!(answer.trailers, [("grpc-status".to_owned(), "0".to_owned())]);
}

/// Asks in all ways.
async fn ask(proxy: &Proxyhost, authority: &str) -> Message {
    let mut direct = proxy.http2().await;
    call(&mut direct, authority, "/direct").await;
    call(&mut direct, authority, "/again").await;
    let mut tunnelled = Http2::on(proxy.tunnel(authority).await).await;
    call(&mut tunnelled, authority, "/tunnelled").await;
    let plain = tunnelled.get(&format!("http://{authority}/plain")).await;
    assert_eq!(plain.text(), "GET /plain: ");
    let mut reverse = Http2::on(proxy.connect_reverse().await).await;
    call(&mut reverse, authority, "/reverse").await;
    proxy.connect_reverse().await.ask("GET", "/http1?\"", authority, &[], b"").await
}

#[tokio::test]
async fn grpc_without_tls_is_forwarded_recorded_and_replayed() {
    let origin = server().await;
    let authority = origin.authority();
    let reverse = format!("reverse:h2c://{authority}");
    let target = Target::new("visit.mitm");
    let recording = Proxyhost::with([]).mode("regular").mode(&reverse).record(&target).start().await;
    let answer = ask(&recording, &authority).await;
    assert_eq!(answer.text(), "GET /http1: ");
    assert!(recording.stop().await.success());
    drop(origin);

    let replaying = Proxyhost::with(["-k", "-S"]).arg(target.path()).mode("regular").mode(&reverse).start().await;
    assert_eq!(ask(&replaying, &authority).await.text(), "GET /http1: ");
}

#[tokio::test]
async fn a_server_without_http2_is_said_to_be_one() {
    let answering = Origin::scripted(|mut wire| async move {
        wire.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        wire.finish().await;
        drop(wire.read_to_end().await);
    })
    .await;
    let closing = Origin::scripted(|mut wire| async move { drop(wire.head().await) }).await;
    let silent = Origin::silent().await;
    let proxy = Proxyhost::with([]).config("[limits]\nconnect_seconds = 1\n").start().await;
    let without = "does not speak HTTP/2 without TLS, as this request needs";
    let closed = "closed the connection instead of speaking HTTP/2 without TLS, as this request needs";
    let late = "did not begin to speak HTTP/2 without TLS within 1s, as this request needs";
    for (origin, why) in [(answering, without), (closing, closed), (silent, late)] {
        let authority = origin.authority();
        let mut client = Http2::on(proxy.tunnel(&authority).await).await;
        let answer = client.get(&format!("http://{authority}/")).await;
        assert_eq!(answer.status(), 502);
        assert_eq!(answer.field("proxy-status"), Some("proxyhost; error=http_protocol_error"));
        let text = answer.text();
        assert!(text.starts_with(&format!("proxyhost: `{authority}` {why} (flow ")), "{text}");
    }
    proxy.wait_for_log(without).await;
}
