//! What a side of a WebSocket says, whole and byte by byte. The first byte says which side, and what was negotiated.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recording::{Decoder, Deflate, Event, Side};

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    // As a field, it must be read or refused.
    let _ = Deflate::negotiated(bytes);
    let side = if mode & 1 == 0 { Side::Client } else { Side::Server };
    let no_context_takeover = mode & 4 != 0;
    let deflate = (mode & 2 != 0).then_some(Deflate {
        server_no_context_takeover: no_context_takeover,
        client_no_context_takeover: no_context_takeover,
    });
    let decoder = || Decoder::new(side, deflate, LIMIT);
    let whole = events(decoder(), [bytes]);
    assert_eq!(events(decoder(), bytes.chunks(1)), whole);
    let step = usize::from(mode >> 3) + 2;
    assert_eq!(events(decoder(), bytes.chunks(step)), whole);
    check(&whole);
});

fn events<'b>(mut decoder: Decoder, pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<Event> {
    let mut events = Vec::new();
    for mut piece in pieces {
        while let Some(event) = decoder.next(&mut piece) {
            events.push(event);
        }
        assert!(piece.is_empty(), "bytes that were not taken off");
    }
    events
}

/// Only messages come before the end, and none is larger than it may be.
fn check(events: &[Event]) {
    let Some((last, before)) = events.split_last() else { return };
    assert!(before.iter().all(|event| matches!(event, Event::Message { .. })), "an event after the end");
    for event in before.iter().chain([last]) {
        if let Event::Message { content, .. } = event {
            assert!(content.len() <= LIMIT);
        }
    }
}

/// The largest message that is decoded here.
const LIMIT: usize = 256 * 1024;
