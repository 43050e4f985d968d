//! The messages of WebSockets, for those who look at them.

use bytes::Bytes;
use recording::{Decoder, Deflate, Event, Side};

use crate::{flow::Fields, journal::FrameDecoder};

/// Finds messages of at most `limit` bytes after a handshake that was answered with these fields. Nothing if it negotiated an
/// extension that is not known.
pub fn decoder(answer: &Fields, limit: usize) -> Option<Box<dyn FrameDecoder>> {
    let deflate = Deflate::negotiated(&answer.joined("sec-websocket-extensions").unwrap_or_default()).ok()?;
    let side = |side| Decoder::new(side, deflate, limit);
    Some(Box::new(Sides { client: side(Side::Client), server: side(Side::Server) }))
}

struct Sides {
    client: Decoder,
    server: Decoder,
}

impl FrameDecoder for Sides {
    fn decode(&mut self, is_from_client: bool, mut bytes: &[u8]) -> Vec<(bool, Bytes)> {
        let decoder = if is_from_client { &mut self.client } else { &mut self.server };
        let mut messages = Vec::new();
        while let Some(event) = decoder.next(&mut bytes) {
            if let Event::Message { is_text, content } = event {
                messages.push((is_text, content));
            }
        }
        messages
    }
}
