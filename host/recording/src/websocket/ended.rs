//! How playing a session ends.

use std::io;

/// How a session ended that was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What ended it.
    pub by: EndedBy,
    /// How many recorded messages of the server were not sent.
    pub unsent: usize,
    /// How many recorded messages of the client did not come.
    pub missing: usize,
}

/// What ended a session that was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The server, as it was recorded.
    Server,
    /// The client, with a close frame that was answered.
    Client,
    /// The client left without a close frame.
    Departure,
    /// The client said something else than in the recording.
    Difference,
}

/// Why a session cannot be played to its end. `Display` is one level; the cause is the `source`.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A recorded message cannot be read.
    #[error("cannot read message {number} of the recorded session")]
    Content {
        /// The message's position in the session, from 1.
        number: usize,
        /// Why.
        source: io::Error,
    },
    /// The client does not speak as RFC 6455 says, or sends a message of more than 64 MiB.
    #[error("the client broke the WebSocket protocol")]
    Client(#[source] Box<tungstenite::Error>),
}
