//! Interim responses (1xx), which come before the response (RFC 9110 §15.2).

use http::{HeaderMap, StatusCode};

/// Takes a server's interim responses to the client.
pub trait InterimSink: Send + Sync {
    /// Sends an interim response. What cannot be sent safely is left out, as a client must expect.
    fn send(&self, status: StatusCode, fields: &HeaderMap);
}
