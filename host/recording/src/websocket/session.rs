//! What is played, and how.

use std::io;

use bytes::Bytes;

use crate::model::{Pace, WebSocket};

/// A recorded session.
#[derive(Clone, Debug)]
pub struct Session<C> {
    /// What was said. The close code may be [`NO_STATUS`] or [`ABNORMAL`], which are never in a frame.
    pub websocket: WebSocket<C>,
    /// When the handshake was done, in seconds since the epoch.
    pub started_at: f64,
}

/// Stands for a close frame without a status code, and is never in one (RFC 6455 §7.4.1).
pub const NO_STATUS: u16 = 1005;

/// Stands for an end without a close frame, and is never in one (RFC 6455 §7.4.1).
pub const ABNORMAL: u16 = 1006;

/// What a recorded message says. It is read whenever it is needed, and need not be in memory until then.
pub trait SessionContent: Clone + Send + Sync + 'static {
    /// Reads all of it. May block.
    fn read(&self) -> io::Result<Bytes>;
}

impl SessionContent for Bytes {
    fn read(&self) -> io::Result<Bytes> {
        Ok(self.clone())
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
