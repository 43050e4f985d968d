//! WebSocket sessions (RFC 6455): recorded while they pass, and played back to clients.
//!
//! A session is never changed on its way. [`SessionRecorder`] is given a copy of the bytes of both sides and makes messages
//! of them; [`play`] takes the server's part in a recorded session, and checks what the client says against the recording.
//!
//! The modules, from the outside in: `session_recorder` puts the messages of both sides in order, `decoder` finds them in the
//! bytes of one side, `deflate` is what was negotiated about compression (RFC 7692) and `inflate` undoes it. `session` is what
//! is played and how, `player` plays it, `schedule` says what comes next and when, `difference` compares messages,
//! `ended` is how it ends.

mod decoder;
mod deflate;
mod difference;
mod ended;
mod inflate;
mod player;
mod schedule;
mod session;
mod session_recorder;

pub use decoder::{Decoder, Event, MESSAGE_LIMIT, Side};
pub use deflate::{Deflate, UnknownExtension};
pub use difference::Difference;
pub use ended::{Ended, EndedBy, PlayError};
pub use player::play;
pub use session::{ABNORMAL, Manner, NO_STATUS, OnDifference, Session, SessionContent, Turn};
pub use session_recorder::{MessageStore, SessionRecorder};

/// The `Sec-WebSocket-Accept` that answers the `Sec-WebSocket-Key` of a client (RFC 6455 §4.2.2).
///
/// A recorded one is of no use: every client draws a new key, and leaves if the answer is not for its own.
pub fn accept_key(key: &[u8]) -> String {
    tungstenite::handshake::derive_accept_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_in_the_rfc() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
