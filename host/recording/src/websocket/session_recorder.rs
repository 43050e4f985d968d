//! Recording what passes between the sides of a session.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{
    decoder::{Decoder, Event, Side},
    deflate::Deflate,
    session::ABNORMAL,
};
use crate::model::{Message, Source, WebSocket};

/// Keeps what messages say, so that a session of hours does not fill the memory.
pub trait MessageStore {
    /// Keeps the content of a message, and says where it is. Called once for every message, in their order.
    fn store(&mut self, content: Bytes) -> Source;
}

/// Makes a recording of the bytes that pass between the sides of a session, which it is given after the handshake.
///
/// A side that breaks the protocol is recorded up to there; the other one goes on.
pub struct SessionRecorder<S> {
    client: Decoder,
    server: Decoder,
    store: S,
    session: WebSocket<Source>,
}

impl<S: MessageStore> SessionRecorder<S> {
    /// Begins after a handshake that negotiated `deflate`. Messages of more than `limit` bytes are not recorded, nor is
    /// anything that their side says after them.
    pub fn new(deflate: Option<Deflate>, limit: usize, store: S) -> Self {
        Self {
            client: Decoder::new(Side::Client, deflate, limit),
            server: Decoder::new(Side::Server, deflate, limit),
            store,
            session: WebSocket::default(),
        }
    }

    /// Takes what the client has sent. Says once why the client cannot be recorded from here on, if that is so.
    pub fn client_bytes(&mut self, bytes: &[u8], at: SystemTime) -> Option<String> {
        self.bytes(Side::Client, bytes, at)
    }

    /// Takes what the server has sent. Says once why the server cannot be recorded from here on, if that is so.
    pub fn server_bytes(&mut self, bytes: &[u8], at: SystemTime) -> Option<String> {
        self.bytes(Side::Server, bytes, at)
    }

    /// The client has left. It has closed the session by that, with [`ABNORMAL`], if no side has sent a close frame.
    pub fn client_left(&mut self, at: SystemTime) {
        self.closed(Side::Client, Some(ABNORMAL), String::new(), at);
    }

    /// The server has left. It has closed the session by that, with [`ABNORMAL`], if no side has sent a close frame.
    pub fn server_left(&mut self, at: SystemTime) {
        self.closed(Side::Server, Some(ABNORMAL), String::new(), at);
    }

    /// The recording. It ends at the first close frame, or else when a side left, or else `at`.
    pub fn finish(mut self, at: SystemTime) -> WebSocket<Source> {
        self.session.ended_at.get_or_insert_with(|| seconds(at));
        self.session
    }

    fn bytes(&mut self, side: Side, mut bytes: &[u8], at: SystemTime) -> Option<String> {
        let mut broken = None;
        loop {
            let decoder = match side {
                Side::Client => &mut self.client,
                Side::Server => &mut self.server,
            };
            match decoder.next(&mut bytes) {
                Some(Event::Message { is_text, content }) => {
                    let content = self.store.store(content);
                    let message = Message { is_text, from_client: side == Side::Client, content, at: seconds(at) };
                    self.session.messages.push(message);
                }
                Some(Event::Close { code, reason }) => self.closed(side, code, reason, at),
                Some(Event::Broken(reason)) => broken = Some(reason),
                None => return broken,
            }
        }
    }

    /// The first close counts, the second one answers it.
    fn closed(&mut self, side: Side, code: Option<u16>, reason: String, at: SystemTime) {
        if self.session.closed_by_client.is_none() {
            self.session.closed_by_client = Some(side == Side::Client);
            self.session.close_code = code;
            self.session.close_reason = Some(reason);
            self.session.ended_at = Some(seconds(at));
        }
    }
}

fn seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests;
