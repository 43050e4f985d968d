//! A flow that is to be written, whatever the format.

use std::{fs::File, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::Version;

use super::recorder::Kept;

/// A flow that is to be written.
#[derive(Debug)]
pub struct NewFlow {
    /// A name that no other flow has: a UUID.
    pub id: String,
    /// The client's address.
    pub client: Option<SocketAddr>,
    /// The server's address.
    pub server: Option<SocketAddr>,
    /// What the client asked.
    pub request: NewRequest,
    /// What the server answered, if it did.
    pub response: Option<NewResponse>,
    /// Why the exchange failed, if it did, and when, in seconds since the epoch.
    pub error: Option<(String, f64)>,
    /// What was said after the protocol was changed to WebSocket.
    pub websocket: Option<NewWebSocket>,
}

impl NewFlow {
    /// Every content of it.
    pub(super) fn contents_mut(&mut self) -> impl Iterator<Item = &mut NewContent> {
        let response = self.response.iter_mut().map(|response| &mut response.content);
        let messages = self.websocket.iter_mut().flat_map(|websocket| &mut websocket.messages);
        let contents = std::iter::once(&mut self.request.content).chain(response);
        contents.chain(messages.map(|message| &mut message.content))
    }
}

/// A request that is to be written.
#[derive(Debug)]
pub struct NewRequest {
    /// The method, case kept.
    pub method: Bytes,
    /// `http` or `https`.
    pub scheme: Bytes,
    /// The host that it was sent to, without brackets.
    pub host: Bytes,
    /// The port that it was sent to.
    pub port: u16,
    /// The `:authority` of HTTP/2; otherwise empty.
    pub authority: Bytes,
    /// The path with its query as sent, or `*`.
    pub path: Bytes,
    /// The protocol version.
    pub version: Version,
    /// The header fields in order.
    pub fields: Vec<(Bytes, Bytes)>,
    /// The body without its transfer coding, still content-encoded.
    pub content: NewContent,
    /// The trailer fields.
    pub trailers: Vec<(Bytes, Bytes)>,
    /// When the head had arrived, in seconds since the epoch.
    pub started_at: f64,
    /// When the last byte had arrived, in seconds since the epoch.
    pub ended_at: Option<f64>,
}

/// A response that is to be written.
#[derive(Debug)]
pub struct NewResponse {
    /// The protocol version.
    pub version: Version,
    /// The status code.
    pub status: u16,
    /// The reason phrase; empty in HTTP/2.
    pub reason: Bytes,
    /// The header fields in order.
    pub fields: Vec<(Bytes, Bytes)>,
    /// The body without its transfer coding, still content-encoded.
    pub content: NewContent,
    /// The trailer fields.
    pub trailers: Vec<(Bytes, Bytes)>,
    /// When the head had arrived, in seconds since the epoch.
    pub started_at: f64,
    /// When the last byte had arrived, in seconds since the epoch.
    pub ended_at: Option<f64>,
    /// The pieces in which the body arrived; empty if nobody knows.
    pub pieces: Vec<Piece>,
}

/// Bytes that are to be written.
#[derive(Clone, Debug)]
pub enum NewContent {
    /// They passed without being stored, or broke off. This is not an empty body.
    NotRecorded,
    /// They are in memory.
    Bytes(Bytes),
    /// They are in a file.
    File {
        /// The file.
        file: Arc<File>,
        /// Where they start in it.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// The recorder has kept them while they passed.
    Kept(Kept),
}

/// A piece of a body, as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How many bytes it has.
    pub len: u64,
    /// When it arrived, in microseconds since the head had arrived.
    pub after_micros: u64,
}

/// What was said over a WebSocket.
#[derive(Debug, Default)]
pub struct NewWebSocket {
    /// The messages in the order in which they passed.
    pub messages: Vec<NewWebSocketMessage>,
    /// Which side closed it, if one did.
    pub closed_by_client: Option<bool>,
    /// The status code of the close frame (RFC 6455 §7.4).
    pub close_code: Option<u16>,
    /// The reason in the close frame.
    pub close_reason: Option<String>,
    /// When it ended, in seconds since the epoch.
    pub ended_at: Option<f64>,
}

/// A whole message of a WebSocket, decompressed.
#[derive(Debug)]
pub struct NewWebSocketMessage {
    /// Whether it is text, and not binary.
    pub is_text: bool,
    /// Whether the client sent it.
    pub from_client: bool,
    /// What it says.
    pub content: NewContent,
    /// When it was whole, in seconds since the epoch.
    pub at: f64,
}
