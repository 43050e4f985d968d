//! WebSocket sessions that are recorded while they pass: what is read of the recording is what the decoder finds.
//!
//! The first byte says what was negotiated. Then a byte has a side in its lowest bit, and the number of bytes that it sends
//! next in the others.

#![no_main]

use std::time::SystemTime;

use bytes::Bytes;
use fuzz::{any_flow, place::Place, reading};
use libfuzzer_sys::fuzz_target;
use recording::{
    Content, Decoder, Deflate, Event, Existing, MESSAGE_LIMIT, MessageStore, Recorder, Recording, SessionRecorder, Side, Source,
    WebSocket,
};

const EXTENSIONS: [&str; 4] = [
    "",
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover",
];

/// Keeps messages in memory.
struct Memory;

impl MessageStore for Memory {
    fn store(&mut self, content: Bytes) -> Source {
        Source::Bytes(content)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let extensions = EXTENSIONS[usize::from(mode % 4)];
    let deflate = Deflate::negotiated(extensions.as_bytes()).expect("an extension that is known");
    let mut session = SessionRecorder::new(deflate, MESSAGE_LIMIT, Memory);
    for (side, piece) in pieces(rest) {
        let now = SystemTime::now();
        // What is wrong with a side is told once, and changes nothing for the other one.
        let _ = match side {
            Side::Client => session.client_bytes(piece, now),
            Side::Server => session.server_bytes(piece, now),
        };
    }
    let mut flow = any_flow::plain();
    flow.websocket = Some(session.finish(SystemTime::now()));
    let path = Place::get().path("session.mitm");
    let opened = Recorder::open(&path.display().to_string(), Existing::Replace, None).expect("a file that can be written");
    drop(opened.recorder.save(1, flow));
    opened.recorder.finish();
    let recording = reading::read(&path).expect("a file that can be read");
    let websocket = recording.exchanges()[0].websocket.as_ref().expect("a WebSocket");
    check(&recording, websocket, rest, deflate);
});

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
fn check(recording: &Recording, found: &WebSocket<Content>, rest: &[u8], deflate: Option<Deflate>) {
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
