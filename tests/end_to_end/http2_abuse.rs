//! Clients that abuse HTTP/2: their connection is closed, and others are served.

use tokio::io::{AsyncReadExt, AsyncWriteExt, split};

use crate::harness::{Origin, Proxyhost, soon};

/// More than any of these attacks may last.
const PIECES: usize = 4_000;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).expect("a short text");
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The head of a request on a stream.
fn head(stream: u32, flags: u8, method: &str, authority: &str) -> Vec<u8> {
    let fields = [(":method", method), (":scheme", "http"), (":path", "/"), (":authority", authority)];
    frame(1, flags, stream, &fields.map(|(name, value)| field(name, value)).concat())
}

/// The streams that a client may open, a hundred at a time.
fn streams(piece: usize) -> impl Iterator<Item = u32> {
    let first = u32::try_from(piece * 200 + 1).expect("few pieces");
    (first..first + 200).step_by(2)
}

/// Sends pieces until the proxy closes the connection, while a neighbour is served.
async fn is_closed(attack: &str, opening: Vec<u8>, piece: impl Fn(usize) -> Vec<u8>) {
    let proxy = Proxyhost::with(["--offline"]).start().await;
    let mut neighbour = proxy.connect().await;
    let (mut reader, mut writer) = split(proxy.connect().await.into_stream());
    let reading = tokio::spawn(async move {
        // Fails when the proxy closes what it has not read.
        drop(reader.read_to_end(&mut Vec::new()).await);
    });
    let settings = frame(4, 0, 0, b"");
    let opening = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), settings, opening].concat();
    writer.write_all(&opening).await.expect("a connection");
    let mut is_closed = false;
    for number in 0..PIECES {
        if soon(attack, writer.write_all(&piece(number))).await.is_err() {
            is_closed = true;
            break;
        }
        if number % 100 == 0 {
            assert_eq!(neighbour.get("http://neighbour.example/").await.status(), 502, "{attack}");
        }
    }
    assert!(is_closed, "{attack} goes on");
    soon(attack, reading).await.expect("nothing panics");
    assert_eq!(neighbour.get("http://neighbour.example/").await.status(), 502, "{attack}");
}

#[tokio::test]
async fn a_rapid_reset_closes_the_connection() {
    let cancel = 8_u32.to_be_bytes();
    is_closed("rapid reset", Vec::new(), |piece| {
        let reset =
            |stream| [head(stream, END_STREAM | END_HEADERS, "GET", "a"), frame(3, 0, stream, &cancel)].concat();
        streams(piece).flat_map(reset).collect()
    })
    .await;
}

#[tokio::test]
async fn continuations_without_end_close_the_connection() {
    let fields = field("x-a", &"v".repeat(120)).repeat(8);
    is_closed("CONTINUATION", head(1, END_STREAM, "GET", "a"), |_| frame(9, 0, 1, &fields).repeat(10)).await;
    is_closed("empty CONTINUATION", head(1, END_STREAM, "GET", "a"), |_| frame(9, 0, 1, b"").repeat(100)).await;
}

#[tokio::test]
async fn errors_that_the_proxy_has_to_reset_close_the_connection() {
    // A window that opens by nothing is an error of its stream.
    is_closed("errors", Vec::new(), |piece| {
        let wrong = |stream| [head(stream, END_HEADERS, "GET", "a"), frame(8, 0, stream, &[0; 4])].concat();
        streams(piece).flat_map(wrong).collect()
    })
    .await;
}

#[tokio::test]
async fn empty_data_without_end_closes_the_connection() {
    is_closed("empty DATA", head(1, END_HEADERS, "POST", "a"), |_| frame(0, 0, 1, b"").repeat(100)).await;
}

#[tokio::test]
async fn frames_without_end_that_ask_for_nothing_close_the_connection() {
    let flood = [
        ("PING", frame(6, 0, 0, &[7; 8])),
        ("SETTINGS", frame(4, 0, 0, b"")),
        ("WINDOW_UPDATE", frame(8, 0, 0, &[0, 0, 0, 1])),
        ("PRIORITY", frame(2, 0, 1, &[0, 0, 0, 0, 1])),
    ];
    for (attack, frame) in flood {
        is_closed(attack, Vec::new(), |_| frame.repeat(1000)).await;
    }
}

/// The library drops them (RFC 9113 §8.1 would have the request refused).
#[tokio::test]
async fn pseudo_fields_in_trailers_are_passed_on_to_nobody() {
    let origin = Origin::answering(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let authority = origin.authority();
    let proxy = Proxyhost::with([]).mode(&format!("reverse:http://{authority}")).start().await;
    for (name, value) in [(":path", "/x"), (":authority", "a"), (":method", "GET"), (":scheme", "https")] {
        let mut wire = proxy.connect_reverse().await;
        let trailers = [field(name, value), field("x-checksum", "1")].concat();
        let request = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            frame(4, 0, 0, b""),
            head(1, END_HEADERS, "POST", &authority),
            frame(0, 0, 1, b"abc"),
            frame(1, END_STREAM | END_HEADERS, 1, &trailers),
        ];
        wire.send(request.concat()).await;
        // Up to the response, or the end of the stream or of the connection.
        loop {
            let start = wire.take(9).await;
            wire.take(usize::from(start[1]) << 8 | usize::from(start[2])).await;
            if matches!(start[3], 1 | 3 | 7) {
                break;
            }
        }
    }
    for request in origin.received() {
        assert_eq!(request.first, "POST / HTTP/1.1");
        assert_eq!(request.field("host"), Some(authority.as_str()));
        let names = request.fields.iter().chain(&request.trailers);
        assert!(names.clone().all(|(name, _)| !name.starts_with(':')), "{request:?}");
    }
}
