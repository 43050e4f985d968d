//! Who may ask for anything.
//!
//! The server is reached by programs of its user, and so by the user's browser: a page of anybody could send requests to it, and
//! by rebinding the page's own name to this address even read the answers. So a request has to call the server by a name that
//! no page has, may not come from a page of another origin, and, but for what is open, has to know the token.

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use control::ErrorKind;
use futures_util::FutureExt;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE},
    uri::Authority,
};
use tokio::sync::watch;
use tracing::error;

use super::{Access, failure::Failure, routes};

/// The connection that a request came over: an extension of each request.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The address of the server as the client reached it.
    pub(crate) reached_at: SocketAddr,
    /// Fails to be waited for when the server stops.
    pub(crate) stopping: watch::Receiver<()>,
}

/// Lets a request through to its handler, or answers in its place.
pub(crate) async fn admit(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let mut response = match check(&access, &request) {
        Ok(()) => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
            error!("a request to the control API failed: its handler panicked");
            let reason = "the request failed by a mistake in the proxy; its log says more";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorKind::Failed, reason).into_response()
        }),
        Err(failure) => failure.into_response(),
    };
    let fields = response.headers_mut();
    for (name, value) in PROTECTING {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What keeps browsers from making anything of an answer but what it is.
const PROTECTING: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

fn check(access: &Access, request: &Request) -> Result<(), Failure> {
    let fields = request.headers();
    let reached_at = request.extensions().get::<Connection>().map(|connection| connection.reached_at.ip());
    let host = host(access, fields, reached_at)?;
    // The form of a target that proxies get.
    if request.uri().authority().is_some_and(|authority| !is_known(access, authority, reached_at)) {
        return Err(misdirected());
    }
    if is_of_another_origin(fields, host) {
        let reason = "a page of another origin cannot use the control API";
        return Err(Failure::new(StatusCode::FORBIDDEN, ErrorKind::Refused, reason));
    }
    if !routes::is_open(request.uri().path()) {
        authorise(access, fields)?;
    }
    Ok(())
}

/// The `host` field, if it calls the server by a name that no page of somebody else has.
fn host<'r>(access: &Access, fields: &'r HeaderMap, reached_at: Option<IpAddr>) -> Result<&'r str, Failure> {
    let mut lines = fields.get_all(HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(misdirected()) };
    let text = line.to_str().map_err(|_| misdirected())?;
    let authority: Authority = text.parse().map_err(|_| misdirected())?;
    if is_known(access, &authority, reached_at) { Ok(text) } else { Err(misdirected()) }
}

/// An address is never that of a page by rebinding, which needs a name. Those of other machines cannot be meant, though.
fn is_known(access: &Access, authority: &Authority, reached_at: Option<IpAddr>) -> bool {
    // What stands before an at sign is no part of a host field.
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    // The type takes any text behind the host.
    let rest = authority.as_str().get(host.len()..).unwrap_or_default();
    let port = if rest.is_empty() { Some("") } else { rest.strip_prefix(':') };
    if !port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        return false;
    }
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = address.parse::<IpAddr>() {
        let address = address.to_canonical();
        return address.is_loopback() || reached_at.is_some_and(|reached_at| reached_at.to_canonical() == address);
    }
    host.eq_ignore_ascii_case("localhost") || access.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(host))
}

fn misdirected() -> Failure {
    let reason = "the host of the request is not this server: use its address, or localhost";
    Failure::new(StatusCode::MISDIRECTED_REQUEST, ErrorKind::Refused, reason)
}

/// Whether a browser says that a page of another origin sent it (Fetch Standard §3.2, Fetch Metadata Request Headers §2.3).
fn is_of_another_origin(fields: &HeaderMap, host: &str) -> bool {
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
    };
    // `none` is what the user asked for, such as by the address bar. Other ports of this machine are of the same site.
    let is_own_site = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
    !fields.get_all(ORIGIN).iter().all(is_own) || !fields.get_all(SEC_FETCH_SITE).iter().all(is_own_site)
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn authorise(access: &Access, fields: &HeaderMap) -> Result<(), Failure> {
    let mut lines = fields.get_all(AUTHORIZATION).iter();
    let refused = |reason: &str| {
        let failure = Failure::new(StatusCode::UNAUTHORIZED, ErrorKind::Refused, reason);
        Err(failure.with_field(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"proxyhost\"")))
    };
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return refused("this needs the token of the proxy: `Authorization: Bearer TOKEN`");
    };
    let given = line.as_bytes().split_at_checked(BEARER.len());
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER)).map(|(_, token)| token.trim_ascii());
    match given {
        Some(given) if access.token.is(given) => Ok(()),
        Some(_) => refused("this is not the token of the proxy"),
        None => refused("this needs the token of the proxy: `Authorization: Bearer TOKEN`"),
    }
}

/// The scheme, whose name's case does not matter (RFC 9110 §11.1), and what stands behind it.
const BEARER: &[u8] = b"Bearer ";
