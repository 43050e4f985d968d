//! Flows, as they can be looked at.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

/// A flow in a line. All that is in it may be shown to whoever may see content; the query is part of the path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlowSummary {
    /// The number of the flow, unique while the proxy runs; its log lines carry it.
    pub id: u64,
    /// The session it belongs to; empty for the one that all clients have that name none.
    pub session: String,
    /// The client's address.
    pub client: Option<String>,
    /// The method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host that the client named, with its port where that is not the scheme's.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// When the request's head was received, in seconds since 1970-01-01T00:00:00Z.
    pub started_at: f64,
    /// How far it has come.
    pub stage: Stage,
    /// What became of it, as far as that is known.
    pub outcome: Outcome,
    /// The status of the response.
    pub status: Option<u16>,
    /// The media type of the response, without parameters.
    pub media_type: Option<String>,
    /// Bytes of content received from the client.
    pub request_bytes: u64,
    /// Bytes of content sent to the client.
    pub response_bytes: u64,
    /// Seconds from the request's head to the response's head.
    pub head_after: Option<f64>,
    /// Seconds from the request's head to the end of the flow.
    pub ended_after: Option<f64>,
    /// Whether it became a WebSocket.
    pub is_websocket: bool,
    /// What addons noted, in order.
    pub notes: Vec<Note>,
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// There is no response yet.
    Waiting,
    /// The response's head was sent, and its content is on its way.
    Streaming,
    /// Nothing more will come.
    Ended,
}

/// What became of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// Not known yet.
    Open,
    /// An addon answered.
    Answered {
        /// Its name.
        addon: String,
    },
    /// A server answered.
    Forwarded,
    /// An addon ended it without an answer.
    Killed {
        /// Its name.
        addon: String,
    },
    /// Something failed.
    Failed {
        /// One of the proxy error types of RFC 9209, such as `connection_refused`.
        error: String,
        /// What failed, for people.
        detail: String,
    },
}

/// What an addon noted of a flow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Note {
    /// The addon.
    pub addon: String,
    /// What the note is about: `replayed`, `missed`, or whatever the addon chose.
    pub name: String,
    /// What it says to people, on one line.
    pub text: String,
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// A flow with all that is kept of it.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The flow in a line.
    pub summary: FlowSummary,
    /// The request as the client sent it.
    pub request: Message,
    /// The response as the client got it.
    pub response: Option<Message>,
    /// The messages of a WebSocket, in order.
    pub frames: Vec<Frame>,
    /// The server's address, if one was asked.
    pub server: Option<String>,
    /// When what happened.
    pub timing: Timing,
}

/// A request or a response.
#[derive(Clone, Debug)]
pub struct Message {
    /// The protocol, such as `HTTP/1.1`.
    pub version: String,
    /// The reason phrase of a response, where it is not the usual one.
    pub reason: Option<String>,
    /// The field lines, in order.
    pub fields: Vec<(String, Bytes)>,
    /// The content.
    pub content: Content,
    /// The fields after the content.
    pub trailers: Vec<(String, Bytes)>,
}

impl Message {
    /// The first value of a field, if it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        let line = self.fields.iter().find(|(line, _)| line.eq_ignore_ascii_case(name));
        line.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The content with its content coding undone. Nothing where the content is not all here, or that is not possible.
    pub fn decoded(&self) -> Option<Bytes> {
        let Content::Kept(bytes) = &self.content else { return None };
        let Some(codings) = self.field("content-encoding") else { return Some(bytes.clone()) };
        match coding::decode(bytes, codings.as_bytes(), MOST_DECODED)? {
            Cow::Borrowed(_) => Some(bytes.clone()),
            Cow::Owned(decoded) => Some(decoded.into()),
        }
    }
}

/// Most bytes that are made of a coded content.
const MOST_DECODED: usize = 64 << 20;

/// The content of a message, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Kept(Bytes),
    /// What has come so far of more.
    Partial(Bytes),
    /// More than is kept, or it passed before anybody looked; its size as far as that is known.
    NotKept(Option<u64>),
}

/// A message of a WebSocket.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Whether the client sent it.
    pub is_from_client: bool,
    /// Whether it is text.
    pub is_text: bool,
    /// What it says.
    pub content: Bytes,
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub at: f64,
}

/// When what happened in a flow, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// The request's head was received.
    pub request_head: f64,
    /// The request's content had arrived.
    pub request_end: Option<f64>,
    /// The response's head was there.
    pub response_head: Option<f64>,
    /// The response's content had been passed on.
    pub response_end: Option<f64>,
}
