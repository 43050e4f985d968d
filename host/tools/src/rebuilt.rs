//! Recorded exchanges as flows that are to be written, where they cannot be copied.

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::FlowsError;
use recording::{
    Content, Details, Exchange, NewContent, NewFlow, NewRequest, NewResponse, NewWebSocket, NewWebSocketMessage,
    Recording,
};

/// Makes flows of the exchanges of a recording. Their bodies stay where they are until they are written.
pub(super) struct Rebuilder {
    file: Arc<File>,
}

impl Rebuilder {
    /// Makes flows of exchanges of this recording.
    pub(super) fn new(recording: &Recording) -> Result<Self, FlowsError> {
        Ok(Self { file: recording.file()? })
    }

    /// The flow of an exchange; `details` is what else is known of it.
    pub(super) fn flow(&self, exchange: &Exchange, details: Option<&Details>) -> NewFlow {
        let address = |of: fn(&Details) -> &String| details.and_then(|details| socket_address(of(details)));
        let failed_at = exchange.response.as_ref().map_or(exchange.request.started_at, |response| response.started_at);
        NewFlow {
            id: if exchange.id.is_empty() { Uuid::new_v4().to_string() } else { exchange.id.clone() },
            client: address(|details| &details.source),
            server: address(|details| &details.destination),
            request: self.request(exchange),
            response: self.response(exchange),
            error: exchange.error.clone().map(|message| (message, failed_at)),
            websocket: self.websocket(exchange, details),
        }
    }

    fn request(&self, exchange: &Exchange) -> NewRequest {
        let request = exchange.request.clone();
        NewRequest {
            content: self.content(&request.content),
            method: request.method,
            scheme: request.scheme,
            host: request.host,
            port: request.port,
            authority: request.authority,
            path: request.path,
            version: request.version,
            fields: request.fields,
            trailers: request.trailers,
            started_at: request.started_at,
            ended_at: request.ended_at,
        }
    }

    fn response(&self, exchange: &Exchange) -> Option<NewResponse> {
        let response = exchange.response.clone()?;
        Some(NewResponse {
            content: self.content(&response.content),
            version: response.version,
            status: response.status,
            reason: response.reason,
            fields: response.fields,
            trailers: response.trailers,
            started_at: response.started_at,
            ended_at: response.ended_at,
            pieces: response.pieces,
        })
    }

    /// What was said over a WebSocket; files before version 12 have it apart from the handshake, among the details.
    fn websocket(&self, exchange: &Exchange, details: Option<&Details>) -> Option<NewWebSocket> {
        let message = |is_text, from_client, content: &Content, at| NewWebSocketMessage {
            is_text,
            from_client,
            content: self.content(content),
            at,
        };
        if let Some(recorded) = &exchange.websocket {
            let messages = recorded.messages.iter();
            return Some(NewWebSocket {
                messages: messages
                    .map(|said| message(said.is_text, said.from_client, &said.content, said.at))
                    .collect(),
                closed_by_client: recorded.closed_by_client,
                close_code: recorded.close_code,
                close_reason: recorded.close_reason.clone(),
                ended_at: recorded.ended_at,
            });
        }
        let messages = details.map(|details| details.messages.as_slice()).unwrap_or_default().iter();
        let messages = messages.map(|said| message(said.is_text, said.from_client, &said.content, said.at)).collect();
        exchange.is_websocket.then(|| NewWebSocket { messages, ..NewWebSocket::default() })
    }

    fn content(&self, content: &Content) -> NewContent {
        match content {
            Content::NotRecorded => NewContent::NotRecorded,
            Content::Held(bytes) => NewContent::Bytes(bytes.clone()),
            Content::Stored(span) => {
                NewContent::File { file: self.file.clone(), offset: span.offset(), len: span.len() }
            }
        }
    }
}

/// An address that is written as `host:port`, without brackets, if the host is one.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    Some(SocketAddr::new(host.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_become_addresses() {
        assert_eq!(socket_address("127.0.0.1:80"), Some(([127, 0, 0, 1], 80).into()));
        assert_eq!(socket_address("::1:80").unwrap().to_string(), "[::1]:80");
        for other in ["", "a.example:80", "127.0.0.1", "127.0.0.1:http"] {
            assert_eq!(socket_address(other), None, "{other}");
        }
    }
}
