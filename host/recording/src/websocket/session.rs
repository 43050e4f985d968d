//! What is played, and how.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::Pace;

/// A recorded session. Its times are in seconds since the epoch.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The messages in the order in which they passed.
    pub messages: Vec<SessionMessage>,
    /// Which side closed it, if one did.
    pub closed_by_client: Option<bool>,
    /// The status code in its close frame, if there was one; or else [`NO_STATUS`] or [`ABNORMAL`].
    pub close_code: Option<u16>,
    /// The reason in its close frame.
    pub close_reason: String,
    /// When the handshake was done.
    pub started_at: f64,
    /// When it was closed.
    pub ended_at: Option<f64>,
}

/// Stands for a close frame without a status code, and is never in one (RFC 6455 §7.4.1).
pub const NO_STATUS: u16 = 1005;

/// Stands for an end without a close frame, and is never in one (RFC 6455 §7.4.1).
pub const ABNORMAL: u16 = 1006;

/// A recorded message.
#[derive(Clone)]
pub struct SessionMessage {
    /// Whether it is text, and not binary.
    pub is_text: bool,
    /// Whether the client sent it.
    pub from_client: bool,
    /// What it says.
    pub content: Arc<dyn SessionContent>,
    /// When it was whole.
    pub at: f64,
}

/// What a recorded message says. It is read whenever it is needed, and need not be in memory until then.
pub trait SessionContent: Send + Sync {
    /// Reads all of it. May block.
    fn read(&self) -> io::Result<Bytes>;
}

impl SessionContent for Bytes {
    fn read(&self) -> io::Result<Bytes> {
        Ok(self.clone())
    }
}

impl fmt::Debug for SessionMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_text, from_client, at, .. } = self;
        formatter
            .debug_struct("SessionMessage")
            .field("is_text", is_text)
            .field("from_client", from_client)
            .field("at", at)
            .finish_non_exhaustive()
    }
}

/// How a session is played.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What a message of the server waits for.
    pub turn: Turn,
    /// How long it waits besides. A recorded wait is counted from the handshake on if the turn is [`Turn::Timed`], and from
    /// the message before it if it is [`Turn::Requested`]; a delay from the server's message before it, or from any side's.
    pub pace: Pace,
    /// What happens if the client says something else than in the recording.
    pub on_difference: OnDifference,
}

/// What a message of the server waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// For its time, counted from the handshake on. What the client says is checked as it comes.
    Timed,
    /// For all messages before it, those of the client among them.
    Requested,
}

/// What happens if the client says something else than in the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDifference {
    /// The session goes on, as if the client had said what was recorded.
    Ignore,
    /// The connection is dropped.
    Drop,
    /// The session is closed with status 1008, and the difference as the reason.
    Close,
}
