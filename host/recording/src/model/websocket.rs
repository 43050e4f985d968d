//! What is said over a WebSocket.

use std::convert::Infallible;

/// What was said over a WebSocket.
#[derive(Clone, Debug)]
pub struct WebSocket<C> {
    /// The messages in the order in which they passed. Those that the recorder held back are not among them.
    pub messages: Vec<Message<C>>,
    /// Whether the client closed it; none if it was still open, or nobody knows.
    pub closed_by_client: Option<bool>,
    /// The status code of the close frame (RFC 6455, section 7.4).
    pub close_code: Option<u16>,
    /// The reason in the close frame.
    pub close_reason: Option<String>,
    /// When it ended, in seconds since the epoch.
    pub ended_at: Option<f64>,
}

/// What one side said at once: a whole message of a WebSocket, decompressed, or what came over TCP or UDP.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<C> {
    /// Whether it is text, and not binary.
    pub is_text: bool,
    /// Whether the client sent it.
    pub from_client: bool,
    /// What it says.
    pub content: C,
    /// When it was whole, in seconds since the epoch; the time of the message before it if it was not recorded.
    pub at: f64,
}

impl<C> Default for WebSocket<C> {
    /// One that was opened, and nothing else.
    fn default() -> Self {
        Self { messages: Vec::new(), closed_by_client: None, close_code: None, close_reason: None, ended_at: None }
    }
}

impl<C> WebSocket<C> {
    /// The same session with its contents elsewhere.
    pub fn map_contents<D>(self, mut map: impl FnMut(C) -> D) -> WebSocket<D> {
        let Ok(websocket) = self.try_map_contents(|content| Ok::<_, Infallible>(map(content)));
        websocket
    }

    pub(super) fn try_map_contents<D, E>(self, mut map: impl FnMut(C) -> Result<D, E>) -> Result<WebSocket<D>, E> {
        let Self { messages, closed_by_client, close_code, close_reason, ended_at } = self;
        let messages = messages.into_iter().map(|message| {
            let Message { is_text, from_client, content, at } = message;
            Ok(Message { is_text, from_client, content: map(content)?, at })
        });
        let messages = messages.collect::<Result<_, E>>()?;
        Ok(WebSocket { messages, closed_by_client, close_code, close_reason, ended_at })
    }
}
