//! Making a flow's request of what arrived: where it goes, which host it names, what concerned the connection only.

use std::{sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderValue, Uri, Version, header, request::Parts, uri::Authority};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use crate::flow::{Body, Destination, Fault, FaultKind, Fields, FlowId, Request, RequestHead, Scheme, Spelling};

/// How a request came in.
#[derive(Clone, Debug)]
pub enum Entry {
    /// To a proxy: the request says where it goes.
    Proxy,
    /// To a reverse proxy: all requests go to one server, whatever host they name.
    Reverse(Destination),
    /// Through a tunnel that the client opened to this server.
    Tunnel(Destination),
}

/// A request that was let in.
#[derive(Debug)]
pub struct Admitted {
    /// The request.
    pub request: Request,
    /// The protocol that the client wants to change to, and how to get at the connection then.
    pub upgrade: Option<(HeaderValue, OnUpgrade)>,
}

/// Lets a request in.
///
/// # Errors
/// When it breaks a rule of HTTP that a proxy must enforce, or does not say where it goes.
pub fn admit(flow: FlowId, request: http::Request<Incoming>, entry: &Entry) -> Result<Admitted, Fault> {
    let (mut parts, body) = request.into_parts();
    check_host(&parts)?;
    check_framing(&parts)?;
    let (destination, authority) = target(&parts, entry)?;
    if parts.version == Version::HTTP_2 {
        join_cookies(&mut parts.headers);
    }
    let upgrade =
        wanted_upgrade(&parts.headers).and_then(|protocol| Some((protocol, parts.extensions.remove::<OnUpgrade>()?)));
    let accepts_trailers = names(&parts.headers, header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"));
    let mut fields = Fields::new(parts.headers, Spelling::received(parts.extensions));
    fields.remove_hop_by_hop();
    if let Some(authority) = &authority
        && parts.version < Version::HTTP_2
    {
        let value =
            HeaderValue::try_from(authority.as_str()).map_err(|_| bad("its host has bytes that no host has"))?;
        fields.set(header::HOST, value);
    }
    let head = RequestHead {
        path: path(&parts.uri),
        method: parts.method,
        destination,
        authority,
        version: parts.version,
        fields,
        accepts_trailers,
    };
    let request = Request { flow, received_at: SystemTime::now(), head: Arc::new(head), body: Body::live(body) };
    Ok(Admitted { request, upgrade })
}

fn bad(why: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, format!("the request cannot be taken: {}", why.into()))
}

/// HTTP/1.1 wants exactly one valid `Host` (RFC 9112 §3.2).
fn check_host(parts: &Parts) -> Result<(), Fault> {
    let mut lines = parts.headers.get_all(header::HOST).iter();
    let first = lines.next();
    if lines.next().is_some() {
        return Err(bad("it has more than one host field"));
    }
    match first {
        None if parts.version == Version::HTTP_11 => Err(bad("it has no host field")),
        None => Ok(()),
        Some(value) if value.is_empty() && parts.uri.authority().is_some() => Ok(()),
        Some(value) => parse_authority(value).map(drop),
    }
}

/// What `hyper` accepts but a proxy must not pass on (RFC 9112 §6.1).
fn check_framing(parts: &Parts) -> Result<(), Fault> {
    let codings: Vec<&str> = names(&parts.headers, header::TRANSFER_ENCODING).collect();
    if codings.len() > 1 {
        return Err(bad("it has more than one transfer coding"));
    }
    if !codings.is_empty() && parts.version < Version::HTTP_11 {
        return Err(bad("HTTP/1.0 has no transfer codings"));
    }
    if parts.headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(bad("it has more than one content-length"));
    }
    let te = parts.version == Version::HTTP_2
        && names(&parts.headers, header::TE).any(|coding| !coding.eq_ignore_ascii_case("trailers"));
    if te { Err(bad("te may only be `trailers` in HTTP/2")) } else { Ok(()) }
}

fn parse_authority(value: &HeaderValue) -> Result<Authority, Fault> {
    let wrong = || bad(format!("`{}` is not a host", String::from_utf8_lossy(value.as_bytes()).escape_debug()));
    let authority = Authority::try_from(value.as_bytes()).map_err(|_| wrong())?;
    match authority.as_str().contains('@') || authority.host().is_empty() || !has_valid_port(&authority) {
        true => Err(wrong()),
        false => Ok(authority),
    }
}

/// The parser lets through `host:` and ports that are too large.
fn has_valid_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    after_host.is_empty() || authority.port_u16().is_some()
}

/// Where the request goes, and the host it names.
fn target(parts: &Parts, entry: &Entry) -> Result<(Destination, Option<String>), Fault> {
    let named = match parts.uri.authority() {
        // A client that names a target by URL means that, whatever its host field says (RFC 9112 §3.2.2).
        Some(authority) if parts.version == Version::HTTP_2 || matches!(entry, Entry::Proxy) => {
            let value = HeaderValue::try_from(authority.as_str()).map_err(|_| bad("its target has no valid host"))?;
            Some(parse_authority(&value)?)
        }
        _ => {
            let field = parts.headers.get(header::HOST).filter(|value| !value.is_empty());
            field.map(parse_authority).transpose()?
        }
    };
    match entry {
        Entry::Reverse(destination) => Ok((destination.clone(), Some(destination.authority()))),
        Entry::Tunnel(destination) => Ok((destination.clone(), named.map(|named| named.as_str().to_owned()))),
        Entry::Proxy => {
            let scheme = match parts.uri.scheme_str() {
                None => Scheme::Http,
                Some(name) => Scheme::parse(name)
                    .ok_or_else(|| bad(format!("the scheme `{}` is not http or https", name.escape_debug())))?,
            };
            let named = named.ok_or_else(|| bad("it does not say which host it is for"))?;
            let host = named.host().trim_matches(['[', ']']).to_owned();
            let port = named.port_u16().unwrap_or(scheme.default_port());
            Ok((Destination { scheme, host, port }, Some(named.as_str().to_owned())))
        }
    }
}

/// Path and query. A URL without a path means `/`, which is what the URL type reports.
fn path(uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path.starts_with('?') { format!("/{path}") } else { path.to_owned() }
}

/// HTTP/2 clients may split the cookie field (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return };
    let joined = [first, second].into_iter().chain(lines).collect::<Vec<_>>().join(&b"; "[..]);
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(header::COOKIE, joined);
    }
}

/// The protocol to change to (RFC 9110 §7.8). HTTP/2 is not offered this way (RFC 9113 §3.1).
fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = names(headers, header::CONNECTION).any(|name| name.eq_ignore_ascii_case("upgrade"));
    let protocol = headers.get(header::UPGRADE).filter(|_| asked)?;
    (!protocol.as_bytes().to_ascii_lowercase().starts_with(b"h2c")).then(|| protocol.clone())
}

/// The members of a field that is a list.
fn names(headers: &HeaderMap, field: http::HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(field).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|name| !name.is_empty())
}
