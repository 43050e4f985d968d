//! Recorded exchanges as flows that are to be written, where they cannot be copied.

use std::{fs::File, net::SocketAddr, sync::Arc};

use recording::{Details, Exchange, Flow, Recording, Source, WebSocket};
use uuid::Uuid;

use super::FlowsError;

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
    pub(super) fn flow(&self, exchange: &Exchange, details: Option<&Details>) -> Flow<Source> {
        let mut flow = exchange.flow.clone();
        if flow.id.is_empty() {
            flow.id = Uuid::new_v4().to_string();
        }
        if let Some(details) = details {
            flow.client = flow.client.or_else(|| socket_address(&details.source));
            flow.server = flow.server.or_else(|| socket_address(&details.destination));
        }
        // Files before version 12 have it apart from the handshake, among the details.
        if exchange.is_websocket && flow.websocket.is_none() {
            let messages = details.map(|details| details.messages.clone()).unwrap_or_default();
            flow.websocket = Some(WebSocket { messages, ..WebSocket::default() });
        }
        flow.map_contents(|content| content.into_source(&self.file))
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
