//! What a filter asks about a flow.

use std::{borrow::Cow, net::IpAddr};

/// A flow, as far as filters ask about it. What has a default need not be known.
///
/// A filter asks a question only when its answer depends on it, and may ask the same question again.
pub trait Subject {
    /// What is spoken.
    fn protocol(&self) -> Protocol {
        Protocol::Http
    }

    /// The method as sent; empty if this is no HTTP.
    fn method(&self) -> Cow<'_, [u8]>;

    /// Where the request goes; nothing if this is no HTTP.
    fn target(&self) -> Option<Target<'_>>;

    /// Gives `see` the name and the value of each field of a message, in order.
    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8]));

    /// The status of the response; nothing as long as there is none.
    fn status(&self) -> Option<u16>;

    /// The body of a message with its content coding undone, or as it is if that is not possible; nothing if it is not
    /// there. Only asked by filters that ask for bodies.
    fn content(&self, side: Side) -> Option<Cow<'_, [u8]>>;

    /// Gives `see` the messages of a WebSocket, or of another protocol that has messages, until it answers `true`. Only
    /// asked by filters that ask for bodies.
    fn messages(&self, _see: &mut dyn FnMut(Message<'_>) -> bool) {}

    /// The first name that a DNS request asks for.
    fn question(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Whether there is a response: of HTTP that is whether it has a status.
    fn is_answered(&self) -> bool {
        self.status().is_some()
    }

    /// Whether the exchange failed.
    fn has_failed(&self) -> bool;

    /// Whether the exchange became a WebSocket.
    fn is_websocket(&self) -> bool;

    /// Which side was replayed, if one was.
    fn replayed(&self) -> Option<Side> {
        None
    }

    /// The mark that somebody put on the flow; empty if nobody did.
    fn marker(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    /// What somebody wrote about the flow; empty if nobody did.
    fn comment(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    /// What recorders and addons noted: lines of `key: value`.
    fn metadata(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    /// The client's address as `host:port`, without brackets.
    fn source(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// The server's address as `host:port`, without brackets.
    fn destination(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// What a flow speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP, which may have become a WebSocket.
    Http,
    /// TCP that is nothing else.
    Tcp,
    /// UDP that is nothing else.
    Udp,
    /// DNS.
    Dns,
    /// Something that filters have no word for.
    Other,
}

/// A side of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the client says.
    Request,
    /// What the server says.
    Response,
}

/// A message after a handshake.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// Who says it.
    pub side: Side,
    /// What it says.
    pub content: &'m [u8],
}

/// Where a request goes, in raw form. Filters make of it the URL and the host that they match.
#[derive(Clone, Debug)]
pub struct Target<'t> {
    /// `http` or `https`.
    pub scheme: Cow<'t, [u8]>,
    /// The host that it is sent to, without brackets.
    pub host: Cow<'t, [u8]>,
    /// The port that it is sent to.
    pub port: u16,
    /// The `:authority` of HTTP/2, or the target of a CONNECT; otherwise empty.
    pub authority: Cow<'t, [u8]>,
    /// The path with its query as sent, or `*`.
    pub path: Cow<'t, [u8]>,
    /// Whether the version is HTTP/2 or later, where `:authority` comes before the `Host` field.
    pub prefers_authority: bool,
}

/// The URL that filters match: with the host that the client named, and the one that it was sent to only if it named none.
/// Nothing if this is no HTTP.
pub fn url(subject: &dyn Subject) -> Option<String> {
    let target = subject.target()?;
    if *subject.method() == *b"CONNECT" {
        return Some(text(&target.authority));
    }
    let scheme = text(&target.scheme);
    let usual = match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let path = if *target.path == *b"*" { String::new() } else { text(&target.path) };
    let (host, port) = match named(subject, &target) {
        None => (text(&target.host), target.port),
        Some(named) => {
            let (host, port) = split(named);
            (host, port.filter(|port| *port != 0).or(usual).unwrap_or(443))
        }
    };
    Some(if usual == Some(port) {
        format!("{scheme}://{host}{path}")
    } else {
        format!("{scheme}://{host}:{port}{path}")
    })
}

/// The host that the request is sent to, and the one that the client named.
pub(crate) fn hosts(subject: &dyn Subject) -> Option<[String; 2]> {
    let target = subject.target()?;
    let host = text(&target.host);
    let named = named(subject, &target).map_or_else(|| host.clone(), |named| split(named).0);
    Some([host, named])
}

/// What the client calls the server: the `:authority` where that is preferred, or the `Host` fields.
fn named(subject: &dyn Subject, target: &Target<'_>) -> Option<String> {
    if target.prefers_authority && !target.authority.is_empty() {
        return Some(text(&target.authority));
    }
    let mut values: Vec<String> = Vec::new();
    subject.fields(Side::Request, &mut |name, value| {
        if name.eq_ignore_ascii_case(b"host") {
            values.push(text(value));
        }
    });
    Some(values.join(", ")).filter(|named| !named.is_empty())
}

/// Host and port of an authority. One that is not well-formed is a host as a whole.
fn split(authority: String) -> (String, Option<u16>) {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority.as_str(), None),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if inner.is_none() && host.contains(':') || !is_valid(inner.unwrap_or(host)) {
        return (authority, None);
    }
    let host = inner.unwrap_or(host).to_owned();
    match port.map(str::parse) {
        None => (host, None),
        Some(Ok(port)) => (host, Some(port)),
        Some(Err(_)) => (authority, None),
    }
}

/// Whether it may be the name of a host, or is an address.
fn is_valid(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_allowed = |character: char| matches!(character, '-' | '_') || character.is_alphanumeric();
    let is_label = |label: &str| (1..=63).contains(&label.chars().count()) && label.chars().all(is_allowed);
    let is_address = || host.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
    host.len() <= 255 && name.split('.').all(is_label) || is_address()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_authority_is_split_if_it_is_well_formed() {
        for (authority, host, port) in [
            ("a.example", "a.example", None),
            ("a.example:8080", "a.example", Some(8080)),
            ("[::1]:8080", "::1", Some(8080)),
            ("[::1]", "::1", None),
            ("::1", "::1", None),
            ("a:99999", "a:99999", None),
            ("a b:80", "a b:80", None),
            ("a, b", "a, b", None),
            ("a.", "a.", None),
            ("a:", "a:", None),
            ("[a b]:1", "[a b]:1", None),
        ] {
            assert_eq!(split(String::from(authority)), (String::from(host), port), "{authority}");
        }
    }
}
