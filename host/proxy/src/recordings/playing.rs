//! Recorded WebSocket sessions as answers to handshakes.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use tracing::{debug, warn};

use recording::{Content, Difference, Exchange, Manner, Session, SessionContent, accept_key, play};

use super::messages::{RecordedFlows, fields, time};
use crate::{
    flow::{Body, ByteStream, Completion, Endpoint, FlowId, Request, Response, ResponseHead},
    throttle::Throttle,
};

const KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");
const EXTENSIONS: HeaderName = HeaderName::from_static("sec-websocket-extensions");

impl RecordedFlows {
    /// The response that accepts a client's handshake, after which the session of the exchange at a position is played.
    /// Nothing when it has none, or the request is no handshake.
    pub fn websocket(self: &Arc<Self>, position: usize, request: &Request, manner: Manner) -> Option<Response> {
        let exchange = self.recording().exchanges().get(position).filter(|exchange| exchange.is_playable())?;
        let key = request.head.fields.get(&KEY)?;
        let recorded = exchange.response.as_ref()?;
        let mut fields = fields(&recorded.fields);
        // What is sent is not compressed, whatever was recorded.
        fields.remove(&EXTENSIONS);
        fields.set(ACCEPT, HeaderValue::try_from(accept_key(key.as_bytes())).ok()?);
        let status = StatusCode::SWITCHING_PROTOCOLS;
        let head = ResponseHead { status, reason: None, version: recorded.version, fields };
        let mut response = Response::received(time(exchange.recorded_at()), Arc::new(head), Body::Empty);
        let asked_at = exchange.request.ended_at.unwrap_or(exchange.request.started_at);
        response.latency = manner.pace.delay(recorded.started_at - asked_at);
        response.upgrade.endpoint = Some(Arc::new(RecordedSession { recording: self.clone(), position, manner }));
        Some(response)
    }

    /// The session of an exchange.
    fn session(self: &Arc<Self>, exchange: &Exchange) -> Session<MessageContent> {
        let websocket = exchange.websocket.clone().unwrap_or_default();
        Session {
            websocket: websocket.map_contents(|content| MessageContent { recording: self.clone(), content }),
            started_at: exchange.response.as_ref().map_or(exchange.request.started_at, |response| response.started_at),
        }
    }
}

/// What a message says, which stays in the file until it is sent.
#[derive(Clone)]
struct MessageContent {
    recording: Arc<RecordedFlows>,
    content: Content,
}

impl SessionContent for MessageContent {
    fn read(&self) -> io::Result<Bytes> {
        self.recording.recording().read(&self.content).map_err(|error| io::Error::other(oneline::chain(&error)))
    }
}

/// Speaks as the server did in a recorded session.
#[derive(Debug)]
struct RecordedSession {
    recording: Arc<RecordedFlows>,
    position: usize,
    manner: Manner,
}

impl Endpoint for RecordedSession {
    fn serve(self: Arc<Self>, FlowId(flow): FlowId, client: ByteStream) -> Completion {
        Box::pin(async move {
            let Some(exchange) = self.recording.recording().exchanges().get(self.position) else { return };
            let (session, number) = (self.recording.session(exchange), exchange.number);
            let file = self.recording.recording().path().display();
            let report = |difference: Difference| {
                let Difference { number: message, what } = difference;
                if is_new(Trouble::Difference) {
                    warn!(
                        flow,
                        "WebSocket is not as in flow {number} of {file}: message {message} of the client: {what}"
                    );
                } else {
                    debug!(flow, "WebSocket is not as recorded: message {message} of the client: {what}");
                }
            };
            match play(client, &session, self.manner, report).await {
                Ok(ended) => debug!(flow, ?ended, "WebSocket was played"),
                Err(error) if is_new(Trouble::Break) => {
                    warn!(flow, "WebSocket of flow {number} of {file} broke off: {}", oneline::chain(&error))
                }
                Err(error) => debug!(flow, "WebSocket broke off: {}", oneline::chain(&error)),
            }
        })
    }
}

/// What is wrong with a session that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    /// The client says something else than in the recording.
    Difference,
    /// It ended too early.
    Break,
}

/// Whether it is to be written: one of a kind a second is, and the others are counted.
fn is_new(trouble: Trouble) -> bool {
    static TROUBLES: LazyLock<Throttle<Trouble>> = LazyLock::new(|| {
        Throttle::new(1, |trouble, times| match trouble {
            Trouble::Difference => {
                warn!(times, "{times} more messages of WebSocket clients are not as they were recorded")
            }
            Trouble::Break => warn!(times, "{times} more WebSocket sessions broke off"),
        })
    });
    TROUBLES.admits(trouble)
}
