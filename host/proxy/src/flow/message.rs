//! Requests and responses.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Method, StatusCode, Version};

use super::{Body, Fields, Switch};

/// The number of a flow, unique while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowId(pub u64);

impl FlowId {
    /// The next number.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The schemes that can be proxied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme of a name, without regard to case.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            _ if name.eq_ignore_ascii_case("http") => Some(Self::Http),
            _ if name.eq_ignore_ascii_case("https") => Some(Self::Https),
            _ => None,
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where none is given.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Where a request is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The scheme.
    pub scheme: Scheme,
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Destination {
    /// `host`, or `host:port` when the port is not the scheme's own.
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        match self.port == self.scheme.default_port() {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }

    /// `host:port`, always with the port.
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }
}

/// An IPv6 address needs brackets beside a port (RFC 3986 §3.2.2).
fn bracketed(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => format!("[{host}]"),
        _ => host.to_owned(),
    }
}

/// Everything of a request but its body.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method as sent.
    pub method: Method,
    /// Where the request goes.
    pub destination: Destination,
    /// The host the client named: the `Host` field, or `:authority`.
    pub authority: Option<String>,
    /// Path and query as sent; `*` for the asterisk form, empty for CONNECT.
    pub path: String,
    /// The version the client used.
    pub version: Version,
    /// The fields, with `Host` in HTTP/1 and without hop-by-hop fields.
    pub fields: Fields,
    /// Whether the client takes trailers (`TE: trailers`, RFC 9110 §10.1.4).
    pub accepts_trailers: bool,
}

/// A request. Copies share head and body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The flow it belongs to.
    pub flow: FlowId,
    /// When the head was received.
    pub received_at: SystemTime,
    /// Everything but the body. Use [`Arc::make_mut`] to change it.
    pub head: Arc<RequestHead>,
    /// The content.
    pub body: Body,
}

impl Request {
    /// The URL for people, without the query's values, which may be secret.
    pub fn shown(&self) -> String {
        let head = &self.head;
        let path = match head.path.split_once('?') {
            Some((path, _)) => format!("{path}?…"),
            None => head.path.clone(),
        };
        if head.method == Method::CONNECT {
            return head.destination.host_and_port();
        }
        let authority = head.authority.clone().unwrap_or_else(|| head.destination.authority());
        format!("{}://{authority}{path}", head.destination.scheme.name())
    }
}

/// Everything of a response but its body.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase, where HTTP/1 carried one that is not the usual one.
    pub reason: Option<Bytes>,
    /// The version it was received in.
    pub version: Version,
    /// The fields.
    pub fields: Fields,
}

/// A response. Copies share head and body.
#[derive(Clone, Debug)]
pub struct Response {
    /// When the head was received.
    pub received_at: SystemTime,
    /// Everything but the body. Use [`Arc::make_mut`] to change it.
    pub head: Arc<ResponseHead>,
    /// The content.
    pub body: Body,
    /// How long it is held back before the client gets it.
    pub delay: Duration,
    /// What follows if it changes the connection's protocol.
    pub switch: Switch,
}

impl Response {
    /// A response that was received.
    pub fn received(received_at: SystemTime, head: Arc<ResponseHead>, body: Body) -> Self {
        Self { received_at, head, body, delay: Duration::ZERO, switch: Switch::default() }
    }

    /// A response made here and now.
    pub fn new(status: StatusCode, fields: Fields, body: Body) -> Self {
        let head = ResponseHead { status, reason: None, version: Version::HTTP_11, fields };
        Self::received(SystemTime::now(), Arc::new(head), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_host_is_bracketed_and_a_default_port_left_out() {
        let destination = Destination { scheme: Scheme::Https, host: "::1".to_owned(), port: 443 };
        assert_eq!(destination.authority(), "[::1]");
        assert_eq!(destination.host_and_port(), "[::1]:443");
        let destination = Destination { scheme: Scheme::Http, host: "a.example".to_owned(), port: 443 };
        assert_eq!(destination.authority(), "a.example:443");
    }
}
