//! A flow with all that is kept of it, but the contents of its messages.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use control::{Content, Flow, FlowSummary, Frame, Message, Timing};
use serde::Serialize;

/// A flow with all that is kept of it, but the contents of its messages.
#[derive(Serialize)]
pub(crate) struct FlowView {
    #[serde(flatten)]
    summary: FlowSummary,
    request: MessageView,
    response: Option<MessageView>,
    frames: Vec<FrameView>,
    server: Option<String>,
    timing: Timing,
}

#[derive(Serialize)]
struct MessageView {
    version: String,
    reason: Option<String>,
    fields: Vec<FieldView>,
    content: ContentView,
    trailers: Vec<FieldView>,
}

#[derive(Serialize)]
struct FieldView {
    name: String,
    #[serde(flatten)]
    value: Data,
}

/// What may be text.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Data {
    /// It is.
    Text(String),
    /// It is not UTF-8.
    Base64(String),
}

#[derive(Serialize)]
struct ContentView {
    /// Whether there is a body to ask for.
    state: State,
    /// Bytes, as far as that is known.
    size: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Kept,
    Partial,
    NotKept,
}

#[derive(Serialize)]
struct FrameView {
    is_from_client: bool,
    is_text: bool,
    at: f64,
    #[serde(flatten)]
    content: Data,
}

impl FlowView {
    pub(crate) fn of(flow: &Flow) -> Self {
        Self {
            summary: flow.summary.clone(),
            request: MessageView::of(&flow.request),
            response: flow.response.as_ref().map(MessageView::of),
            frames: flow.frames.iter().map(FrameView::of).collect(),
            server: flow.server.clone(),
            timing: flow.timing,
        }
    }
}

impl MessageView {
    fn of(message: &Message) -> Self {
        let field = |(name, value): &(String, Bytes)| FieldView { name: name.clone(), value: Data::of(value) };
        let (state, size) = match &message.content {
            Content::Kept(bytes) => (State::Kept, Some(bytes.len() as u64)),
            Content::Partial(bytes) => (State::Partial, Some(bytes.len() as u64)),
            Content::NotKept(size) => (State::NotKept, *size),
        };
        Self {
            version: message.version.clone(),
            reason: message.reason.clone(),
            fields: message.fields.iter().map(field).collect(),
            content: ContentView { state, size },
            trailers: message.trailers.iter().map(field).collect(),
        }
    }
}

impl FrameView {
    fn of(frame: &Frame) -> Self {
        Self {
            is_from_client: frame.is_from_client,
            is_text: frame.is_text,
            at: frame.at,
            content: Data::of(&frame.content),
        }
    }
}

impl Data {
    fn of(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(BASE64_STANDARD.encode(bytes)),
        }
    }
}
