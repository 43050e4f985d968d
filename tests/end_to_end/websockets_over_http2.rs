//! WebSockets that clients open on streams of HTTP/2 (RFC 8441).

use std::path::Path;

use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    client::{SendRequest, handshake},
    ext::Protocol,
};
use http::{Method, Request, StatusCode};

use crate::harness::{Origin, Proxyhost, Target, Wire, soon};

/// A text message of a client, and one of a server.
const HI: &[u8] = b"\x81\x82\0\0\0\0hi";
const WELCOME: &[u8] = b"\x81\x07welcome";

/// HTTP/2 on a connection, once the proxy has said that it knows of WebSockets there.
async fn http2(wire: Wire, url: &str) -> SendRequest<Bytes> {
    let (client, connection) = soon("HTTP/2", handshake(wire.into_stream())).await.expect("HTTP/2");
    tokio::spawn(async { drop(connection.await) });
    let mut client = soon("room for a stream", client.ready()).await.expect("a connection");
    // What it says first has come when it answers.
    let (answer, _) = client.send_request(Request::get(url).body(()).expect("a request"), true).expect("a stream");
    drop(soon("an answer", answer).await);
    assert!(client.is_extended_connect_protocol_enabled());
    client
}

/// Opens a WebSocket; its status and streams.
async fn open(client: &mut SendRequest<Bytes>, url: &str) -> (StatusCode, SendStream<Bytes>, RecvStream) {
    let request = Request::builder().method(Method::CONNECT).uri(url).extension(Protocol::from_static("websocket"));
    let request = request.header("sec-websocket-version", "13").body(()).expect("a request");
    let (answer, sender) = client.send_request(request, false).expect("a stream");
    let answer = soon("an answer", answer).await.expect("an answer");
    assert!(["connection", "upgrade", "sec-websocket-accept"].iter().all(|name| !answer.headers().contains_key(*name)));
    (answer.status(), sender, answer.into_body())
}

/// Says hello on a WebSocket, and is welcomed.
async fn talk(client: &mut SendRequest<Bytes>, url: &str) {
    let (status, mut sender, mut receiver) = open(client, url).await;
    assert_eq!(status, 200);
    sender.send_data(Bytes::from_static(HI), false).expect("an open stream");
    let mut said = Vec::new();
    while said.len() < WELCOME.len() {
        said.extend(soon("a message", receiver.data()).await.expect("a message").expect("a message"));
    }
    assert!(said.starts_with(WELCOME), "{}", said.escape_ascii());
}

#[tokio::test]
async fn a_recorded_websocket_is_played_on_a_stream() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/public/chrome-websocket.har");
    let proxy = Proxyhost::with(["-S"]).arg(recording).arg("--server-replay-extra").arg("404");
    let proxy = proxy.arg("--server-replay-websocket").arg("request").start().await;
    let tunnel = proxy.tunnel("chat.example:443").await;
    let (wire, _) = proxy.tls_to(tunnel, "chat.example", b"h2").await;
    let mut client = http2(wire, "https://chat.example/").await;
    talk(&mut client, "https://chat.example/ws").await;
    assert_eq!(open(&mut client, "https://chat.example/other").await.0, 404);
}

#[tokio::test]
async fn a_websocket_on_a_stream_is_forwarded_recorded_and_played() {
    let origin = Origin::scripted(|mut wire| async move {
        while let Some(request) = wire.request().await {
            match request.first.as_str() {
                "GET /ws HTTP/1.1" => {
                    assert_eq!(request.field("upgrade"), Some("websocket"));
                    assert_eq!(request.field("sec-websocket-key").map(str::len), Some(24));
                    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n";
                    wire.send(format!("{head}Sec-WebSocket-Accept: x\r\n\r\n")).await;
                    assert_eq!(wire.take(HI.len()).await, HI);
                    wire.send(WELCOME).await;
                    wire.read_to_end().await;
                    return;
                }
                _ => wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await,
            }
        }
    })
    .await;
    let target = Target::new("visit.mitm");
    let recording = Proxyhost::with([]).record(&target).start().await;
    let url = origin.url("/ws");
    let mut client = http2(recording.connect().await, &origin.url("/")).await;
    talk(&mut client, &url).await;
    // A server that does not know of it gives an answer, which opens nothing.
    assert_eq!(open(&mut client, &origin.url("/other")).await.0, 502);
    drop(client);
    assert!(recording.stop().await.success());
    soon("the end of the server's connections", origin.done()).await;

    let replaying = Proxyhost::with(["-S"]).arg(target.path()).arg("--server-replay-extra").arg("404").start().await;
    let mut client = http2(replaying.connect().await, &origin.url("/")).await;
    talk(&mut client, &url).await;
}
