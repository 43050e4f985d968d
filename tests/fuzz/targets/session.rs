//! WebSocket sessions that are recorded while they pass: what is read of the recording is what the decoder finds.
//!
//! The first byte says what was negotiated. Then a byte has a side in its lowest bit, and the number of bytes that it sends
//! next in the others.

#![no_main]

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use fuzz::{
    flow::{Body, Destination, Fields, FlowId, Request, RequestHead, Response, ResponseHead, Scheme, Spelling},
    place::Place,
    reading,
    recording::{PassingRecorder, RecordedWebSocket, Recording},
    websocket::{
        decoder::{Decoder, Event, MESSAGE_LIMIT, Side},
        deflate::Deflate,
    },
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use libfuzzer_sys::fuzz_target;

const EXTENSIONS: [&str; 4] = [
    "",
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let extensions = EXTENSIONS[usize::from(mode % 4)];
    let path = Place::get().path("session.mitm");
    let target = path.display().to_string();
    let (recorder, _) = PassingRecorder::open(&target, None).expect("a file that can be written");
    let mut response = accepted(extensions);
    assert!(recorder.save(&request(), &mut response).is_none());
    let [watcher] = &response.switch.watchers[..] else { panic!("nobody watches") };
    for (side, piece) in pieces(rest) {
        match side {
            Side::Client => watcher.client_sent(piece),
            Side::Server => watcher.server_sent(piece),
        }
    }
    drop(watcher.end().expect("an exchange to be written"));
    recorder.finish();
    let recording = reading::read(&path).expect("a file that can be read");
    let websocket = recording.exchanges()[0].websocket.as_ref().expect("a WebSocket");
    check(&recording, websocket, rest, extensions);
});

fn request() -> Request {
    let mut fields = HeaderMap::new();
    fields.insert("sec-websocket-key", HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
    let head = RequestHead {
        method: Method::GET,
        destination: Destination { scheme: Scheme::Http, host: "a.example".into(), port: 80 },
        authority: None,
        path: "/".into(),
        version: Version::HTTP_11,
        fields: Fields::new(fields, Spelling::default()),
        accepts_trailers: false,
    };
    Request { flow: FlowId(1), received_at: SystemTime::now(), head: Arc::new(head), body: Body::Empty }
}

fn accepted(extensions: &'static str) -> Response {
    let mut fields = HeaderMap::new();
    fields.insert("sec-websocket-accept", HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    fields.insert("sec-websocket-extensions", HeaderValue::from_static(extensions));
    let head = ResponseHead {
        status: StatusCode::SWITCHING_PROTOCOLS,
        reason: None,
        version: Version::HTTP_11,
        fields: Fields::new(fields, Spelling::default()),
    };
    Response::received(SystemTime::now(), Arc::new(head), Body::Empty)
}

fn pieces(mut rest: &[u8]) -> impl Iterator<Item = (Side, &[u8])> {
    std::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        let side = if first & 1 == 0 { Side::Client } else { Side::Server };
        let (piece, after) = after.split_at(after.len().min(usize::from(first >> 1)));
        rest = after;
        Some((side, piece))
    })
}

/// Each side has said what its decoder finds, in that order.
fn check(recording: &Recording, found: &RecordedWebSocket, rest: &[u8], extensions: &str) {
    let deflate = Deflate::negotiated(extensions.as_bytes()).expect("an extension that is known");
    for side in [Side::Client, Side::Server] {
        let mut decoder = Decoder::new(side, deflate, MESSAGE_LIMIT);
        let mut messages: Vec<(bool, Bytes)> = Vec::new();
        for (_, mut piece) in pieces(rest).filter(|(other, _)| *other == side) {
            while let Some(event) = decoder.next(&mut piece) {
                if let Event::Message { is_text, content } = event {
                    messages.push((is_text, content));
                }
            }
        }
        let recorded = found.messages.iter().filter(|message| message.from_client == (side == Side::Client));
        let recorded: Vec<(bool, Bytes)> = recorded
            .map(|message| (message.is_text, recording.read(&message.content).expect("a message that was recorded")))
            .collect();
        assert_eq!(recorded, messages);
    }
}
