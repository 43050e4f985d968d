//! What can go wrong with a flow, and what the client is told: the one place that turns errors into responses.

use std::{fmt, io};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{Body, Fields, FlowId, Response};
use crate::spelling::Spelling;

/// Kinds of failure, with their names in the `Proxy-Status` field (RFC 9209 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The client's request breaks a rule of HTTP.
    BadRequest,
    /// The client's body did not arrive in time.
    RequestTimeout,
    /// The host answers this request itself, and the method asks for nothing else.
    NotHere,
    /// The client names no user that may use this proxy.
    ProxyUnauthorized,
    /// The same, where the client takes this proxy for the server.
    Unauthorized,
    /// The name of the server could not be resolved.
    Dns,
    /// Resolving the name of the server took too long.
    DnsTimeout,
    /// The server refused the connection.
    Refused,
    /// There is no way to the server's address.
    Unroutable,
    /// The server broke off while the connection was made.
    Terminated,
    /// The connection could not be made for another reason.
    Unavailable,
    /// The host has no descriptor or port left for another connection.
    Exhausted,
    /// The connection took too long.
    ConnectTimeout,
    /// The server's certificate is not trusted.
    Certificate,
    /// The TLS handshake with the server failed.
    Tls,
    /// The egress policy forbids the destination.
    Denied,
    /// Nothing may be sent to any server.
    Offline,
    /// The server broke off before its answer was complete, or answered nonsense.
    ResponseIncomplete,
    /// The server's answer breaks a rule of HTTP on which proxies and clients have to agree.
    Malformed,
    /// The head of the server's answer is too large.
    ResponseHead,
    /// The server answers without end.
    Protocol,
    /// The server did not answer in time.
    ResponseTimeout,
    /// The request would come back to this host.
    Loop,
    /// An addon failed.
    Addon,
    /// The host itself failed.
    Internal,
    /// The host cannot take the request now.
    Busy,
}

impl FaultKind {
    /// The status that the client gets.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotHere => StatusCode::METHOD_NOT_ALLOWED,
            Self::ProxyUnauthorized => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::DnsTimeout | Self::ConnectTimeout | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy | Self::Exhausted => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// Whether an HTTP/1 connection should not be used further: what follows a request that was not understood may not
    /// be the next request, and a client may have got interim responses of an answer that never came.
    pub fn spoils_connection(self) -> bool {
        matches!(self, Self::BadRequest | Self::RequestTimeout | Self::NotHere | Self::Protocol)
    }

    /// The field that says how to name a user (RFC 9110 §11.6.1, §11.7.1).
    fn challenge(self) -> Option<HeaderName> {
        match self {
            Self::ProxyUnauthorized => Some(header::PROXY_AUTHENTICATE),
            Self::Unauthorized => Some(header::WWW_AUTHENTICATE),
            _ => None,
        }
    }

    /// The name of the proxy error type (RFC 9209 §2.3).
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest | Self::RequestTimeout => "http_request_error",
            Self::NotHere | Self::ProxyUnauthorized | Self::Unauthorized => "http_request_denied",
            Self::Dns => "dns_error",
            Self::DnsTimeout => "dns_timeout",
            Self::Refused => "connection_refused",
            Self::Unroutable => "destination_ip_unroutable",
            Self::Terminated => "connection_terminated",
            Self::Exhausted => "connection_limit_reached",
            Self::ConnectTimeout => "connection_timeout",
            Self::Certificate => "tls_certificate_error",
            Self::Tls => "tls_protocol_error",
            Self::Denied => "destination_ip_prohibited",
            Self::Offline | Self::Unavailable => "destination_unavailable",
            Self::ResponseIncomplete => "http_response_incomplete",
            Self::ResponseHead => "http_response_header_section_size",
            Self::Malformed | Self::Protocol => "http_protocol_error",
            Self::ResponseTimeout => "http_response_timeout",
            Self::Loop => "proxy_loop_detected",
            Self::Addon | Self::Internal => "proxy_internal_error",
            Self::Busy => "proxy_internal_response",
        }
    }
}

/// How users are named (RFC 7617).
const CHALLENGE: &str = "Basic realm=\"proxyhost\", charset=\"UTF-8\"";

/// A failure of a flow: the kind, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure.
    pub kind: FaultKind,
    /// What was attempted, on what, and why it failed; one line without control characters.
    pub detail: String,
}

impl Fault {
    /// A failure of a kind, with a sentence for people. What peers and addons wrote into it is escaped, since it is shown
    /// in terminals.
    pub fn new(kind: FaultKind, detail: impl AsRef<str>) -> Self {
        Self { kind, detail: oneline::escaped(detail.as_ref()) }
    }

    /// A body that was kept elsewhere and can no longer be read.
    pub fn unreadable_body(error: io::Error) -> Self {
        Self::new(FaultKind::ResponseIncomplete, format!("the body broke off: {error}"))
    }

    /// The response that tells the client.
    pub fn response(&self, flow: FlowId) -> Response {
        let text = format!("proxyhost: {} (flow {flow})\n", self.detail);
        let mut map = HeaderMap::with_capacity(3);
        map.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let status = format!("proxyhost; error={}", self.kind.name());
        if let Ok(status) = HeaderValue::try_from(status) {
            map.insert("proxy-status", status);
        }
        if let Some(field) = self.kind.challenge() {
            map.insert(field, HeaderValue::from_static(CHALLENGE));
        }
        Response::new(self.kind.status(), Fields::new(map, Spelling::default()), Body::Bytes(Bytes::from(text)))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}

/// Why a flow ends without a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It was to end so: an HTTP/1 connection is closed, an HTTP/2 stream is reset.
    Killed,
    /// Something failed.
    Failed(Fault),
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_reach_neither_the_log_nor_the_client() {
        let fault = Fault::new(FaultKind::Malformed, "it said `\u{1b}[31m\r\n`");
        assert_eq!(fault.to_string(), r"it said `\u{1b}[31m\r\n`");
        let Body::Bytes(text) = fault.response(FlowId(1)).body else { panic!("a text") };
        assert_eq!(text, "proxyhost: it said `\\u{1b}[31m\\r\\n` (flow 1)\n");
    }
}
