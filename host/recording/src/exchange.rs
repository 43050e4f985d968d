//! What a recording holds: exchanges with their heads, and where their bodies are.

use bytes::Bytes;
use http::Version;

use super::Content;
use super::new_flow::Piece;

/// A recorded request and what came of it. Everything in it was checked: no field can break a head.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The position of the flow in its file, from 1. Flows of other protocols count, so numbers may be missing.
    pub number: usize,
    /// What the client asked.
    pub request: RecordedRequest,
    /// What the server answered, if it did.
    pub response: Option<RecordedResponse>,
    /// Why the exchange failed, if it did. A response may be there nevertheless, usually cut short.
    pub error: Option<String>,
    /// Whether the exchange became a WebSocket: its messages were recorded, or it switched protocols to `websocket`.
    pub is_websocket: bool,
    /// What was said over the WebSocket, if it was recorded and every message can be read.
    pub websocket: Option<RecordedWebSocket>,
    /// The recorder's name for the flow, usually a UUID; empty if it has none.
    pub id: String,
}

impl Exchange {
    /// Whether it has a final response that was recorded whole.
    pub fn is_answered(&self) -> bool {
        let Some(response) = &self.response else { return false };
        let bodiless = self.request.method.eq_ignore_ascii_case(b"HEAD") || matches!(response.status, 204 | 304);
        let whole = bodiless || response.content != Content::NotRecorded;
        whole && self.error.is_none() && !self.is_websocket && response.status >= 200
    }

    /// Whether it is a WebSocket whose messages were recorded.
    pub fn is_playable(&self) -> bool {
        let switched = self.response.as_ref().is_some_and(|response| response.status == 101);
        switched && self.websocket.is_some()
    }
}

/// A request as it was recorded.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// The method, case kept.
    pub method: Bytes,
    /// `http` or `https`; empty for CONNECT.
    pub scheme: Bytes,
    /// The host that the recorder connected to, which the `Host` field need not name.
    pub host: Bytes,
    /// The port that the recorder connected to.
    pub port: u16,
    /// The `:authority` of HTTP/2, or the authority-form target of a CONNECT; otherwise empty.
    pub authority: Bytes,
    /// The path with its query as sent, or `*`.
    pub path: Bytes,
    /// The protocol version.
    pub version: Version,
    /// The header fields in order, with their case and repetitions. Pseudo fields of HTTP/2 are not among them.
    pub fields: Vec<(Bytes, Bytes)>,
    /// The body without its transfer coding, still content-encoded.
    pub content: Content,
    /// The trailer fields.
    pub trailers: Vec<(Bytes, Bytes)>,
    /// When the request's head had arrived, in seconds since the epoch; 0 if it was not recorded.
    pub started_at: f64,
    /// When the request's last byte had arrived, in seconds since the epoch, if it was recorded.
    pub ended_at: Option<f64>,
}

/// A response as it was recorded.
#[derive(Clone, Debug)]
pub struct RecordedResponse {
    /// The protocol version.
    pub version: Version,
    /// The status code, within 100 to 999.
    pub status: u16,
    /// The reason phrase; empty in HTTP/2.
    pub reason: Bytes,
    /// The header fields in order, with their case and repetitions. Pseudo fields of HTTP/2 are not among them.
    pub fields: Vec<(Bytes, Bytes)>,
    /// The body without its transfer coding, still content-encoded.
    pub content: Content,
    /// The trailer fields.
    pub trailers: Vec<(Bytes, Bytes)>,
    /// When the response's head had arrived, in seconds since the epoch; the request's start if it was not recorded.
    pub started_at: f64,
    /// When the response's last byte had arrived, in seconds since the epoch, if it was recorded.
    pub ended_at: Option<f64>,
    /// The pieces in which the body arrived, together as long as the body; empty if they were not recorded.
    pub pieces: Vec<Piece>,
}

/// What was said over a WebSocket.
#[derive(Clone, Debug, Default)]
pub struct RecordedWebSocket {
    /// The messages in the order in which they passed. Those that the recorder held back are not among them.
    pub messages: Vec<RecordedWebSocketMessage>,
    /// Whether the client closed it; none if it was still open, or nobody knows.
    pub closed_by_client: Option<bool>,
    /// The status code of the close frame (RFC 6455, section 7.4).
    pub close_code: Option<u16>,
    /// The reason in the close frame.
    pub close_reason: Option<String>,
    /// When it ended, in seconds since the epoch.
    pub ended_at: Option<f64>,
}

/// A whole message of a WebSocket, decompressed.
#[derive(Clone, Debug)]
pub struct RecordedWebSocketMessage {
    /// Whether it is text, and not binary.
    pub is_text: bool,
    /// Whether the client sent it.
    pub from_client: bool,
    /// What it says.
    pub content: Content,
    /// When it was whole, in seconds since the epoch; the time of the message before it if it was not recorded.
    pub at: f64,
}
