//! Recorded conversations, read from files and written to them.
//!
//! A [`Recording`] is opened once and shared. It keeps the heads of its exchanges in memory and leaves the bodies in the
//! file, so opening a file of gigabytes costs little; [`Recording::read`] fetches a body when it is needed. The file is read
//! at positions and never mapped: a file that shrinks later fails the exchanges that it lost, not the process. Of HAR files,
//! bodies of more than a kibibyte are left in the file too, and decoded when they are read; those of other JSON documents,
//! and of packed ones, are kept in memory.
//!
//! A [`Recorder`] is handed flows as they pass, and gets them into a file without losing any.
//!
//! The modules, each of which knows only those before it:
//!
//! - `piece`: bytes of a file, from an offset on;
//! - `media_type`: what `Content-Type` fields say;
//! - `json_string`: strings of JSON that are left in their file;
//! - `model`: what a recording holds, whatever the format;
//! - `reading`: what the readers of all formats share;
//! - `flow_file`: flow files of mitmproxy;
//! - `document`: the items of JSON documents, of which `har`, `wprgo` and `wiremock` make exchanges;
//! - `load`: which of them reads a file;
//! - `recording`: a recording that is open;
//! - `collection`: which recordings lie in a folder;
//! - `writers`: the formats that are written;
//! - `recorder`: getting flows into a file while they pass, with `redaction` for the secrets in them;
//! - `websocket`: the protocol itself, for recording sessions and for playing them.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    reason = "files that anybody may have written reach all of it"
)]

mod collection;
mod document;
mod flow_file;
mod har;
mod in_use;
mod json_string;
mod load;
pub mod media_type;
mod model;
mod piece;
mod reading;
mod recorder;
mod recording;
mod redaction;
mod websocket;
mod wiremock;
mod wprgo;
mod writers;

#[cfg(test)]
mod samples;

pub use collection::recordings_in;
pub use flow_file::{Details, FlowFile, FlowFrame, FlowFrames, FlowProtocol, RESPONSE_PIECES};
pub use json_string::JsonString;
pub use model::{
    Beat, Comparison, Content, Exchange, Failure, Fields, Flow, Message, Pace, Piece, Request, Response, Source, Span,
    WebSocket,
};
pub use reading::{BrokenTail, Format, Invalid, Progress, RecordingError, Skipped};
pub use recorder::{Existing, Input, Kept, Opened, Recorder, RecorderError, Redactor, Tally};
pub use recording::Recording;
pub use redaction::Redaction;
pub use websocket::{
    ABNORMAL, Decoder, Deflate, Difference, Ended, EndedBy, Event, MESSAGE_LIMIT, Manner, MessageStore, NO_STATUS,
    OnDifference, PlayError, Session, SessionContent, SessionRecorder, Side, Turn, UnknownExtension, accept_key, play,
};
pub use writers::{AppendError, HarFile, write_flow};
