//! Requests.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use http::{Extensions, HeaderValue, Method, Version, uri::Authority};

use super::{Body, Destination, Fields, Notes, Route, Scheme, Session, Target};

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

/// Everything of a request but its body. It was parsed when it came in, so that nothing further on can fail on it.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method as sent.
    pub method: Method,
    /// Where the request goes.
    pub destination: Destination,
    /// The host the client named: the `Host` field, or `:authority`.
    pub authority: Option<Authority>,
    /// What it asks for there.
    pub target: Target,
    /// The version the client used.
    pub version: Version,
    /// The fields, with `Host` in HTTP/1 and without hop-by-hop fields.
    pub fields: Fields,
    /// Whether the client takes trailers (`TE: trailers`, RFC 9110 §10.1.4).
    pub accepts_trailers: bool,
    /// The protocol that the client wants the connection upgraded to (RFC 9110 §7.8).
    pub upgrade: Option<HeaderValue>,
}

impl RequestHead {
    /// The URL for people, without the query's values, which may be secret.
    pub fn shown(&self) -> String {
        let scheme = self.destination.scheme().name();
        let authority = self.authority.as_ref().unwrap_or_else(|| self.destination.authority());
        match &self.target {
            Target::Tunnel => self.destination.host_and_port(),
            Target::Asterisk => format!("{scheme}://{authority}"),
            Target::Path(path) => {
                let query = if path.query().is_some() { "?…" } else { "" };
                format!("{scheme}://{authority}{}{query}", path.path())
            }
            Target::Raw(raw) => {
                let (path, query) = raw.as_str().split_once('?').map_or((raw.as_str(), ""), |(path, _)| (path, "?…"));
                format!("{scheme}://{authority}{path}{query}")
            }
        }
    }
}

/// The address by which a client knows a reverse proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How it talks to the proxy.
    pub scheme: Scheme,
    /// The host that it named, as it wrote it, if it did.
    pub authority: Option<Authority>,
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
    /// By which address the client came to a reverse proxy; nothing where it came to another one.
    pub reached: Option<Reached>,
    /// The way to the server, if it is sent there.
    pub route: Route,
    /// What a capability of addons has attached to the flow, by its type. Copies made later share it.
    pub attached: Extensions,
    /// Whose flow it is.
    pub session: Session,
    /// What addons noted of the flow, and who decided on it.
    pub notes: Notes,
}

impl Request {
    /// A request that was received now.
    pub fn new(flow: FlowId, head: RequestHead, body: Body) -> Self {
        let (route, attached, session, notes) = Default::default();
        let received_at = SystemTime::now();
        Self { flow, received_at, head: Arc::new(head), body, reached: None, route, attached, session, notes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        let mut head = RequestHead {
            method: Method::GET,
            destination: Destination::new(Scheme::Https, "192.0.2.1", 8443).unwrap(),
            authority: None,
            target: Target::parse("/a?token=secret").unwrap(),
            version: Version::HTTP_11,
            fields: Fields::default(),
            accepts_trailers: false,
            upgrade: None,
        };
        assert_eq!(head.shown(), "https://192.0.2.1:8443/a?…");
        head.authority = Some(Authority::from_static("shop.example"));
        assert_eq!(head.shown(), "https://shop.example/a?…");
        head.target = Target::Asterisk;
        assert_eq!(head.shown(), "https://shop.example");
        head.target = Target::Tunnel;
        assert_eq!(head.shown(), "192.0.2.1:8443");
    }
}
