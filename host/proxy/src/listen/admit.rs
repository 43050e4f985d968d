//! Making a flow's request of what arrived: where it goes, which host it names, what concerned the connection only.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header,
    request::Parts,
    uri::{self, Authority},
};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use super::HostField;
use crate::{
    flow::{
        Body, Destination, Fault, FaultKind, Fields, FlowId, HOP_BY_HOP, Reached, Request, RequestHead, Scheme, Target,
    },
    spelling::Spelling,
};

/// How a request came in.
#[derive(Clone, Debug)]
pub enum Entry {
    /// To a proxy: the request says where it goes.
    Proxy,
    /// To a reverse proxy: all requests go to one server, whatever host they name.
    Reverse(Destination),
    /// Through a tunnel that the client opened to this server.
    Tunnel(Destination),
    /// Through a connection to this address, which the client chose itself for the server that it names.
    Address(Destination, IpAddr),
}

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The request.
    pub(super) request: Request,
    /// How to get at the client's connection, if the request asks for an upgrade.
    pub(super) client: Option<OnUpgrade>,
}

/// Lets a request in.
///
/// # Errors
/// When it breaks a rule of HTTP that a proxy must enforce, or does not say where it goes.
pub(super) fn admit(
    flow: FlowId,
    request: http::Request<Incoming>,
    entry: &Entry,
    host: HostField,
) -> Result<Admitted, Fault> {
    let (mut parts, body) = request.into_parts();
    let client = parts.extensions.remove::<OnUpgrade>();
    let (head, reached) = parsed(parts, entry, host)?;
    let client = client.filter(|_| head.upgrade.is_some());
    Ok(Admitted { request: Request { reached, ..Request::new(flow, head, Body::live(body)) }, client })
}

/// The head, and how a reverse proxy was reached.
fn parsed(mut parts: Parts, entry: &Entry, host: HostField) -> Result<(RequestHead, Option<Reached>), Fault> {
    let named = host_field(&parts)?;
    let reached = reached(&parts, named.as_ref(), entry);
    let is_plain = !parts.headers.keys().any(is_of_connection);
    if !is_plain {
        check_framing(&parts)?;
    }
    let target = target(&parts)?;
    let (destination, authority) = destination(&parts, named, entry, host)?;
    if parts.version == Version::HTTP_2 {
        join_cookies(&mut parts.headers);
    }
    let upgrade = if is_plain { None } else { wanted_upgrade(&parts.headers) };
    let accepts_trailers =
        !is_plain && names(&parts.headers, header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"));
    let mut fields = Fields::new(parts.headers, Spelling::received(parts.extensions));
    fields.remove_hop_by_hop();
    if let Some(authority) = &authority
        && parts.version < Version::HTTP_2
        && (host == HostField::Rewritten || fields.get(&header::HOST).is_none())
    {
        let value =
            HeaderValue::try_from(authority.as_str()).map_err(|_| bad("its host has bytes that no host has"))?;
        fields.set(header::HOST, value);
    }
    let (method, version) = (parts.method, parts.version);
    let head = RequestHead { method, destination, authority, target, version, fields, accepts_trailers, upgrade };
    Ok((head, reached))
}

/// Whether a field says something of the connection, or of how the request is framed. Most requests have none such, and to
/// look for each of them takes a while.
fn is_of_connection(name: &HeaderName) -> bool {
    *name == header::CONTENT_LENGTH || HOP_BY_HOP.contains(name)
}

fn bad(why: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, format!("the request cannot be taken: {}", why.into()))
}

/// What the host field says, if it says anything. HTTP/1.1 wants exactly one valid one (RFC 9112 §3.2).
fn host_field(parts: &Parts) -> Result<Option<Authority>, Fault> {
    let mut lines = parts.headers.get_all(header::HOST).iter();
    let first = lines.next();
    if lines.next().is_some() {
        return Err(bad("it has more than one host field"));
    }
    if let (Some(field), Some(authority), Version::HTTP_2) = (first, parts.uri.authority(), parts.version) {
        check_same(field, authority, parts.uri.scheme())?;
    }
    match first {
        None if parts.version == Version::HTTP_11 => Err(bad("it has no host field")),
        None => Ok(None),
        Some(value) if value.is_empty() && parts.uri.authority().is_some() => Ok(None),
        Some(value) => parse_authority(value).map(Some),
    }
}

/// In HTTP/2, a host field that says another host than `:authority` makes a request malformed (RFC 9113 §8.3.1).
fn check_same(field: &HeaderValue, authority: &Authority, scheme: Option<&uri::Scheme>) -> Result<(), Fault> {
    let default = scheme.and_then(|scheme| Scheme::parse(scheme.as_str())).map(Scheme::default_port);
    let port = |authority: &Authority| authority.port_u16().or(default);
    let named = parse_authority(field)?;
    let is_same = named.host().eq_ignore_ascii_case(authority.host()) && port(&named) == port(authority);
    if is_same { Ok(()) } else { Err(bad("its host field names another host than its `:authority`")) }
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
    let authority = Authority::try_from(value.as_bytes()).ok().filter(is_host);
    authority.ok_or_else(|| no_host(&String::from_utf8_lossy(value.as_bytes())))
}

/// The text is shown without a user and a password.
fn no_host(text: &str) -> Fault {
    let shown = match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    };
    bad(format!("`{}` is not a host", shown.escape_debug()))
}

/// Whether an authority is a host with or without a port, and nothing else.
///
/// The parser lets through `host:` and ports that are too large.
fn is_host(authority: &Authority) -> bool {
    let text = authority.as_str();
    let is_plain = |byte| !matches!(byte, b'@' | b':' | b'[' | b']');
    if !text.is_empty() && text.bytes().all(is_plain) {
        return true;
    }
    let has_valid_port = || {
        let after_host = text.strip_prefix(authority.host()).unwrap_or_default();
        after_host.is_empty() || authority.port_u16().is_some()
    };
    !text.contains('@') && !authority.host().is_empty() && has_valid_port()
}

/// What the request asks for (RFC 9112 §3.2). The parser lets through more than that.
fn target(parts: &Parts) -> Result<Target, Fault> {
    let uri = &parts.uri;
    let shown = || uri.path().escape_debug().to_string();
    let Some(path) = uri.path_and_query() else {
        return Err(bad("its target is a host, which only CONNECT asks for"));
    };
    if parts.method == Method::OPTIONS && (path == "*" || is_pathless(uri)) {
        return Ok(Target::Asterisk);
    }
    match path.as_str() {
        text if text.starts_with('/') => {
            Target::of_uri(path).ok_or_else(|| bad(format!("its target `{}` is not a path", shown())))
        }
        "*" => Err(bad("its target is `*`, which only OPTIONS asks for")),
        // `http://host?query`
        text if text.starts_with('?') && uri.scheme().is_some() => {
            Target::parse(&format!("/{text}")).ok_or_else(|| bad(format!("its target `{}` is not a path", shown())))
        }
        _ => Err(bad(format!("its target `{}` is not a path", shown()))),
    }
}

/// Whether an absolute URI ends after its authority, which asks for the server as a whole (RFC 9112 §3.2.4). The URI reports
/// `/` as its path then, but that `/` is none of its own bytes.
fn is_pathless(uri: &Uri) -> bool {
    uri.path_and_query().is_some_and(|path| path == "/")
        && uri
            .authority()
            .is_some_and(|authority| authority.as_str().as_bytes().as_ptr_range().end != uri.path().as_bytes().as_ptr())
        && uri.scheme().is_some()
}

/// Where the request goes, and the host it names: `field` is what its host field says.
fn destination(
    parts: &Parts,
    field: Option<Authority>,
    entry: &Entry,
    host: HostField,
) -> Result<(Destination, Option<Authority>), Fault> {
    let named = match parts.uri.authority() {
        // A client that names a target by URL means that, whatever its host field says (RFC 9112 §3.2.2).
        Some(authority) if parts.version == Version::HTTP_2 || matches!(entry, Entry::Proxy) => {
            if !is_host(authority) {
                return Err(no_host(authority.as_str()));
            }
            Some(authority.clone())
        }
        _ => field,
    };
    match entry {
        Entry::Reverse(destination) => {
            let named = named.filter(|_| host == HostField::Kept);
            Ok((destination.clone(), Some(named.unwrap_or_else(|| destination.authority().clone()))))
        }
        // To speak HTTP/2 in a tunnel without TLS, a client knows that the server does (RFC 9113 §3.3).
        Entry::Tunnel(destination) if parts.version == Version::HTTP_2 => Ok((destination.clone().with_http2(), named)),
        Entry::Tunnel(destination) => Ok((destination.clone(), named)),
        Entry::Address(destination, _) => {
            // TLS has named it already. Another address than the one it connected to is not where it wants to go.
            let is_unnamed = destination.scheme() == Scheme::Http && is_address(destination.host());
            let called = named.as_ref().filter(|named| is_unnamed && !is_address(named.host()));
            let called =
                called.and_then(|named| Destination::new(destination.scheme(), named.host(), destination.port()).ok());
            let called = called.unwrap_or_else(|| destination.clone());
            Ok((if parts.version == Version::HTTP_2 { called.with_http2() } else { called }, named))
        }
        Entry::Proxy => {
            let scheme = proxied_scheme(parts)?;
            let named = named.ok_or_else(|| bad("it does not say which host it is for"))?;
            let port = named.port_u16().unwrap_or(scheme.default_port());
            let destination = Destination::new(scheme, named.host(), port).map_err(|error| bad(error.to_string()))?;
            Ok((destination, Some(named)))
        }
    }
}

/// The address by which a client of a reverse proxy knows it. `named` is what its host field says.
fn reached(parts: &Parts, named: Option<&Authority>, entry: &Entry) -> Option<Reached> {
    let Entry::Reverse(_) = entry else { return None };
    let authority = match parts.uri.authority() {
        Some(authority) if parts.version == Version::HTTP_2 => Some(authority.clone()),
        _ => named.cloned(),
    };
    let scheme = parts.uri.scheme_str().and_then(Scheme::parse).filter(|_| parts.version == Version::HTTP_2);
    Some(Reached { scheme: scheme.unwrap_or(Scheme::Http), authority })
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// The scheme of a request to a proxy, which comes with a whole URL (RFC 9112 §3.2.2).
fn proxied_scheme(parts: &Parts) -> Result<Scheme, Fault> {
    match parts.uri.scheme_str() {
        Some(name) => {
            Scheme::parse(name).ok_or_else(|| bad(format!("the scheme `{}` is not http or https", name.escape_debug())))
        }
        None if parts.version == Version::HTTP_2 => Ok(Scheme::Http),
        // To send it where the host field says would be a guess: it may be meant for this host itself.
        None => Err(bad("its target is a path, and this is a proxy: ask it for a whole URL (or use --mode reverse)")),
    }
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
fn names(headers: &HeaderMap, field: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(field).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
