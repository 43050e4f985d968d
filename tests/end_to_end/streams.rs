//! Streams, WebSockets and gRPC: recorded as they pass, replayed as they were.

use std::{fs, sync::Arc};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue};
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, handshake::derive_accept_key, protocol::Role},
};

use crate::harness::{Origin, Proxyhost, RecordingFile, Stream, Target, get, recording, soon};

/// What a proxy wrote, as a recording.
fn recorded(target: &Target) -> RecordingFile {
    RecordingFile::of_bytes(&fs::read(target.path()).expect("something was recorded"))
}

#[tokio::test]
async fn recording_neither_delays_nor_joins_the_pieces_of_a_stream() {
    let (seen, next) = mpsc::unbounded_channel();
    let next = Arc::new(Mutex::new(next));
    // Sends an event only when the client has the one before it.
    let origin = Origin::scripted(move |mut wire| {
        let next = next.clone();
        async move {
            wire.request().await.expect("a request");
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for event in EVENTS {
                soon("a client that has seen the event before", next.lock().await.recv()).await;
                wire.send(format!("{:x}\r\n{event}\r\n", event.len())).await;
            }
            wire.send("0\r\n\r\n").await;
        }
    })
    .await;
    let target = Target::new("events.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    let mut wire = proxy.connect().await;
    wire.send(format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.url("/"), origin.authority())).await;
    wire.head().await.expect("a head");
    for event in EVENTS {
        seen.send(()).expect("the origin waits");
        let chunk = format!("{:X}\r\n{event}\r\n", event.len());
        assert_eq!(wire.take(chunk.len()).await, chunk.as_bytes());
    }
    assert_eq!(wire.take(5).await, b"0\r\n\r\n");
    drop(proxy);
    let bytes = fs::read(target.path()).expect("a recording");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("proxyhost_response_pieces"), "{}", bytes.escape_ascii());
    assert!(holds(&EVENTS.concat()));
}

const EVENTS: [&str; 4] = ["data: one\n\n", "data: two\n\n", "event: x\ndata: three\n\n", "data: four\n\n"];

/// A stream of two events, the second one an hour after the first.
fn slow_stream() -> RecordingFile {
    let hour = 3_600_000_000_i64;
    let first = i64::try_from(EVENTS[0].len()).expect("short");
    let second = i64::try_from(EVENTS[1].len()).expect("short");
    let flow = get("http://slow.example/").field("Content-Type", "text/event-stream").body(EVENTS[..2].concat());
    recording([flow.pieces(&[(first, 1000), (second, hour)])])
}

#[tokio::test]
async fn a_stream_keeps_its_recorded_pieces_and_waits() {
    let recording = slow_stream();
    let proxy = Proxyhost::with(["-k", "--server-replay-timing", "original"]).replay(&recording).start().await;
    let mut wire = proxy.connect().await;
    wire.send("GET http://slow.example/ HTTP/1.1\r\nHost: slow.example\r\n\r\n").await;
    wire.head().await.expect("a head");
    let chunk = format!("{:X}\r\n{}\r\n", EVENTS[0].len(), EVENTS[0]);
    assert_eq!(wire.take(chunk.len()).await, chunk.as_bytes());
    assert!(wire.is_quiet().await, "the second event is an hour away");
}

#[tokio::test]
async fn a_factor_shortens_the_waits_and_none_leaves_them_out() {
    for timing in ["0.00001x", "none", "1ms"] {
        let proxy = Proxyhost::with(["-k", "--server-replay-timing", timing]).replay(&slow_stream()).start().await;
        let answer = proxy.connect().await.get("http://slow.example/").await;
        assert_eq!(answer.text(), EVENTS[..2].concat());
    }
}

#[tokio::test]
async fn a_timing_that_makes_no_sense_is_refused() {
    let said = Proxyhost::with(["--server-replay-timing", "slowly"]).replay(&slow_stream()).refusal();
    assert!(said.contains("`slowly`") && said.contains("original"), "{said}");
}

/// A WebSocket through the proxy.
async fn websocket(proxy: &Proxyhost, origin: &str) -> WebSocketStream<Box<dyn Stream>> {
    let mut request = format!("ws://{origin}/chat").into_client_request().expect("a URL");
    // As clients of a proxy ask in plain HTTP.
    let uri = format!("http://{origin}/chat");
    let mut stream = proxy.connect().await;
    request.headers_mut().insert("host", HeaderValue::try_from(origin).expect("a host"));
    let lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("ascii")))
        .collect();
    stream.send(format!("GET {uri} HTTP/1.1\r\n{}\r\n", lines.concat())).await;
    let answer = stream.head().await.expect("an answer");
    assert_eq!(answer.status(), 101, "{answer:?}");
    let key = request.headers().get("sec-websocket-key").expect("a key").as_bytes();
    let accept = derive_accept_key(key);
    assert_eq!(answer.field("sec-websocket-accept"), Some(accept.as_str()));
    assert_eq!(answer.field("upgrade"), Some("websocket"));
    let (stream, received) = stream.into_parts();
    WebSocketStream::from_partially_read(stream, received, Role::Client, None).await
}

/// Greets, answers every text with the same in capitals, and closes on `bye`.
async fn chat_server() -> Origin {
    Origin::scripted(|mut wire| async move {
        let request = wire.request().await.expect("a handshake");
        let accept = derive_accept_key(request.field("sec-websocket-key").expect("a key").as_bytes());
        wire.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: \
             {accept}\r\n\r\n"
        ))
        .await;
        let (stream, received) = wire.into_parts();
        let mut socket = WebSocketStream::from_partially_read(stream, received, Role::Server, None).await;
        socket.send(Message::text("welcome")).await.expect("a client");
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) if text.as_str() == "bye" => break,
                Message::Text(text) => {
                    socket.send(Message::text(text.as_str().to_uppercase())).await.expect("a client");
                }
                Message::Binary(bytes) => socket.send(Message::Binary(bytes)).await.expect("a client"),
                _ => {}
            }
        }
        drop(socket.close(None).await);
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await
}

async fn chat(socket: &mut WebSocketStream<Box<dyn Stream>>, says: &[&str]) -> Vec<String> {
    let mut heard = vec![hear(socket).await];
    for text in says {
        socket.send(Message::text(*text)).await.expect("the proxy listens");
        heard.push(hear(socket).await);
    }
    socket.send(Message::binary(vec![0_u8, 159, 146, 150])).await.expect("the proxy listens");
    heard.push(hear(socket).await);
    socket.send(Message::text("bye")).await.expect("the proxy listens");
    heard.push(hear(socket).await);
    heard
}

async fn hear(socket: &mut WebSocketStream<Box<dyn Stream>>) -> String {
    match soon("a message", socket.next()).await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        Some(Ok(Message::Binary(bytes))) => format!("{bytes:?}"),
        Some(Ok(Message::Close(_))) => "closed".to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn recorded_chat() -> (RecordingFile, String) {
    let origin = chat_server().await;
    let target = Target::new("chat.mitm");
    let proxy = Proxyhost::with([]).record(&target).start().await;
    let mut socket = websocket(&proxy, &origin.authority()).await;
    let heard = chat(&mut socket, &["hello", "how are you"]).await;
    assert_eq!(heard[..3], ["welcome", "HELLO", "HOW ARE YOU"]);
    assert_eq!(heard.last().map(String::as_str), Some("closed"));
    drop(socket);
    assert!(proxy.stop().await.success());
    (recorded(&target), origin.authority())
}

#[tokio::test]
async fn a_recorded_websocket_answers_the_client_in_turn() {
    let (recording, authority) = recorded_chat().await;
    let proxy = Proxyhost::with(["-k", "--server-replay-websocket", "request"]).replay(&recording).start().await;
    let mut socket = websocket(&proxy, &authority).await;
    let heard = chat(&mut socket, &["hello", "how are you"]).await;
    assert_eq!(heard, ["welcome", "HELLO", "HOW ARE YOU", r#"b"\0\x9f\x92\x96""#, "closed"]);
}

#[tokio::test]
async fn a_recorded_websocket_speaks_at_its_time() {
    let (recording, authority) = recorded_chat().await;
    let proxy = Proxyhost::with(["-k"]).replay(&recording).start().await;
    let mut socket = websocket(&proxy, &authority).await;
    let heard = chat(&mut socket, &["hello", "how are you"]).await;
    assert_eq!(heard, ["welcome", "HELLO", "HOW ARE YOU", r#"b"\0\x9f\x92\x96""#, "closed"]);
}

#[tokio::test]
async fn a_websocket_client_that_says_something_else_follows_the_miss_policy() {
    let (recording, authority) = recorded_chat().await;
    for (policy, outcome) in [("kill", None), ("404", Some(1008))] {
        let proxy = Proxyhost::with(["--server-replay-websocket", "request", "--server-replay-extra", policy]);
        let proxy = proxy.replay(&recording).start().await;
        let mut socket = websocket(&proxy, &authority).await;
        assert_eq!(hear(&mut socket).await, "welcome");
        socket.send(Message::text("something else")).await.expect("the proxy listens");
        let closed = match soon("an end", socket.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => Some(u16::from(frame.code)),
            Some(Err(_)) | None => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(closed, outcome, "{policy}");
        let line = proxy.wait_for_log("WebSocket is not as in flow 1").await;
        assert!(!line.contains("something else"), "messages may be secret: {line}");
    }
}

#[tokio::test]
async fn a_recorded_websocket_is_no_answer_to_a_plain_request() {
    let (recording, authority) = recorded_chat().await;
    let proxy = Proxyhost::with(["--server-replay-extra", "404"]).replay(&recording).start().await;
    let answer = proxy.connect().await.get(&format!("http://{authority}/chat")).await;
    assert_eq!(answer.status(), 404);
    assert!(answer.text().contains("WebSocket"), "{}", answer.text());
}

/// A message of gRPC: not compressed, its length, its bytes.
fn message(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short").to_be_bytes();
    [&[0][..], &length, content].concat()
}

#[tokio::test]
async fn a_grpc_call_replays_with_its_trailers() {
    let origin = Origin::http2(|request| {
        let answer = [message(b"answer to "), message(&request.body()[5..])].concat();
        let mut response = http::Response::new(Bytes::from(answer));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        // Servers of gRPC insist on it.
        if let Some(te) = request.headers().get("te") {
            response.headers_mut().insert("x-te", te.clone());
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        response.extensions_mut().insert(trailers);
        response
    })
    .await;
    let target = Target::new("grpc.mitm");
    let fields = [("content-type", "application/grpc"), ("te", "trailers")];
    let url = origin.url("/shop.Cart/Get");
    let proxy = Proxyhost::with(["--upstream-ca"]).arg(origin.ca()).record(&target).start().await;
    let mut client = proxy.tls_http2(&origin.authority()).await;
    let live = client.ask("POST", &url, &fields, &message(b"question")).await;
    assert_eq!(live.field("x-te"), Some("trailers"));
    assert_eq!(live.trailers, [("grpc-status".to_owned(), "0".to_owned())]);
    drop(proxy);

    let proxy = Proxyhost::replaying(&recorded(&target)).await;
    let mut client = proxy.tls_http2(&origin.authority()).await;
    let replayed = client.ask("POST", &url, &fields, &message(b"question")).await;
    assert_eq!((replayed.field("content-type"), replayed.field("trailer")), (Some("application/grpc"), None));
    assert_eq!((replayed.body, replayed.trailers), (live.body, live.trailers));
}
