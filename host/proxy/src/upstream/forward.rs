//! What a server gets of a flow's request.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderValue, Method, Uri, Version, header,
    uri::{self, Authority},
};

use crate::flow::{Destination, Fault, FaultKind, Fields, Outgoing, Request, RequestHead, Sender, Target};

/// This proxy's entry in `Via` (RFC 9110 §7.6.3).
#[derive(Clone, Debug)]
pub struct Via {
    /// Differs from process to process, so that only this one's requests are taken for a loop.
    pseudonym: Arc<str>,
}

impl Via {
    /// An entry of this process.
    pub fn new(unique: u64) -> Self {
        Self { pseudonym: format!("proxyhost-{unique:x}").into() }
    }

    /// The entry for a message received in a version.
    pub fn entry(&self, version: Version) -> String {
        let received = match version {
            Version::HTTP_09 => "0.9",
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            Version::HTTP_3 => "3",
            _ => "1.1",
        };
        format!("{received} {}", self.pseudonym)
    }

    /// Adds the entry to a message's fields.
    pub fn append(&self, fields: &mut Fields, version: Version) {
        let mut value = fields.joined(header::VIA.as_str()).unwrap_or_default();
        if !value.is_empty() {
            value.extend_from_slice(b", ");
        }
        value.extend_from_slice(self.entry(version).as_bytes());
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            fields.set(header::VIA, value);
        }
    }

    fn is_in(&self, fields: &Fields) -> bool {
        let value = fields.joined(header::VIA.as_str()).unwrap_or_default();
        let pseudonym = self.pseudonym.as_bytes();
        value.windows(pseudonym.len()).any(|window| window == pseudonym)
    }
}

/// What a connection to a server may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// HTTP/1.
    Http1,
    /// HTTP/1, on a connection of its own, on which the target gets its bytes again that no URI can have.
    Http1Raw,
    /// HTTP/2, unless the server turns out not to.
    Any,
    /// HTTP/2 and nothing else, without TLS.
    Http2,
}

impl Spoken {
    fn may_be_http2(self) -> bool {
        matches!(self, Self::Any | Self::Http2)
    }

    /// What a server speaks to a request's client. gRPC has no other protocol than HTTP/2.
    pub(super) fn without_tls(head: &RequestHead) -> Self {
        let is_grpc = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"application/grpc");
        let asks_for_http2 =
            || head.version == Version::HTTP_2 && head.fields.get(&header::CONTENT_TYPE).is_some_and(is_grpc);
        if head.destination.has_http2() || asks_for_http2() { Self::Http2 } else { Self::Http1 }
    }
}

/// Makes of a flow's request what the client library sends, and over what. `server` is what the server may speak.
///
/// # Errors
/// When the request came through this proxy before, ends here, or its body cannot be had.
pub(super) fn outgoing(
    request: Request,
    via: Option<&Via>,
    idle: Duration,
    server: Spoken,
) -> Result<(http::Request<Outgoing>, Spoken), Fault> {
    let Request { head, body, .. } = request;
    let RequestHead { method, destination, authority, target, version, mut fields, accepts_trailers, upgrade } =
        Arc::unwrap_or_clone(head);
    if let Some(via) = via {
        if via.is_in(&fields) {
            return Err(Fault::new(FaultKind::Loop, "the request came through this proxy before"));
        }
        via.append(&mut fields, version);
    }
    // This hop's credentials are not for the server (RFC 9110 §11.7.1).
    fields.remove(&header::PROXY_AUTHORIZATION);
    spend_forward(&method, &mut fields)?;
    if fields.get(&header::HOST).is_none() {
        let named = authority.as_ref().unwrap_or_else(|| destination.authority());
        if let Ok(value) = HeaderValue::try_from(named.as_str()) {
            fields.set(header::HOST, value);
        }
    }
    // Upgrades are not for HTTP/2. Its `:authority` comes from the URI, by which the pool knows servers: another name than
    // theirs needs a `Host` field.
    let spoken = match server {
        // There is nothing else.
        Spoken::Http2 if upgrade.is_none() => Spoken::Http2,
        _ if matches!(target, Target::Raw(_)) => Spoken::Http1Raw,
        _ if upgrade.is_some() || names_another(&fields, destination.authority()) => Spoken::Http1,
        server => server,
    };
    if spoken.may_be_http2() {
        // The same name twice is refused by some servers (RFC 9113 §8.3.1). In HTTP/1, the client library adds it again.
        fields.remove(&header::HOST);
    }
    let body = body.into_outgoing(Sender::Client, idle).map_err(|failure| {
        Fault::new(FaultKind::BadRequest, format!("the request's body cannot be sent: {failure}"))
    })?;
    frame(&mut fields, &body);
    if accepts_trailers {
        fields.set(header::TE, HeaderValue::from_static("trailers"));
        // HTTP/1 needs this (RFC 9110 §10.1.4); from HTTP/2, the client library would remove both.
        if !spoken.may_be_http2() {
            fields.set(header::CONNECTION, HeaderValue::from_static("te"));
        }
    }
    if let Some(protocol) = upgrade {
        fields.set(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.set(header::UPGRADE, protocol);
    }
    let target = if spoken == Spoken::Http2 { target.encoded() } else { target };
    let (map, spelling) = fields.into_parts();
    let mut outgoing = http::Request::new(body);
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = uri(&destination, target)?;
    *outgoing.headers_mut() = map;
    *outgoing.extensions_mut() = spelling.into_extensions();
    Ok((outgoing, spoken))
}

/// The URI of a request. In HTTP/2 its authority becomes `:authority`, which names the host as the `host` field does: without
/// a default port.
fn uri(destination: &Destination, target: Target) -> Result<Uri, Fault> {
    let mut parts = uri::Parts::default();
    parts.scheme = Some(destination.scheme().of_uri());
    parts.authority = Some(destination.authority().clone());
    parts.path_and_query = target.into_path();
    // But for a path that is too long with its stand-ins, all three parts are there and were parsed.
    Uri::from_parts(parts).map_err(|error| Fault::new(FaultKind::Internal, format!("no URI can be made: {error}")))
}

/// Whether a request names another host than the one it is sent to.
fn names_another(fields: &Fields, sent_to: &Authority) -> bool {
    let named = fields.get(&header::HOST).map(HeaderValue::as_bytes);
    named.is_some_and(|named| !named.eq_ignore_ascii_case(sent_to.as_str().as_bytes()))
}

/// The length is what the body has, not what the client or an addon said.
fn frame(fields: &mut Fields, body: &Outgoing) {
    use http_body::Body as _;
    let said = fields.get(&header::CONTENT_LENGTH).is_some();
    match body.size_hint().exact() {
        // Absent stays absent for an empty body; HTTP/1 then has none.
        Some(0) if !said => {}
        Some(size) => fields.set(header::CONTENT_LENGTH, HeaderValue::from(size)),
        None => fields.remove(&header::CONTENT_LENGTH),
    }
}

/// Counts `Max-Forwards` down for the methods it is for (RFC 9110 §7.6.2).
fn spend_forward(method: &Method, fields: &mut Fields) -> Result<(), Fault> {
    if *method != Method::OPTIONS && *method != Method::TRACE {
        return Ok(());
    }
    let name = header::MAX_FORWARDS;
    let left = fields.get(&name).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    match left {
        None => Ok(()),
        Some(0) => Err(Fault::new(FaultKind::NotHere, format!("{method} with max-forwards 0 ends at this proxy"))),
        Some(left) => {
            fields.set(name, HeaderValue::from(left - 1));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Body, FlowId, Scheme};

    fn head(port: u16, named: Option<&str>) -> RequestHead {
        RequestHead {
            method: Method::GET,
            destination: Destination::new(Scheme::Https, "shop.example", port).expect("a host"),
            authority: named.map(|named| named.parse().expect("an authority")),
            target: Target::parse("/a?b").expect("a path"),
            version: Version::HTTP_2,
            fields: Fields::default(),
            accepts_trailers: true,
            upgrade: None,
        }
    }

    fn sent(port: u16, named: Option<&str>, server: Spoken) -> (http::Request<Outgoing>, Spoken) {
        let request = Request::new(FlowId(1), head(port, named), Body::Empty);
        outgoing(request, None, Duration::from_secs(1), server).expect("it can be sent")
    }

    #[test]
    fn the_asterisk_form_stays_one() {
        let head = RequestHead { method: Method::OPTIONS, target: Target::Asterisk, ..head(443, None) };
        let request = Request::new(FlowId(1), head, Body::Empty);
        let (sent, _) = outgoing(request, None, Duration::from_secs(1), Spoken::Http1).expect("it can be sent");
        assert_eq!(sent.uri().path(), "*");
    }

    #[test]
    fn a_default_port_is_left_out_of_the_authority() {
        let uri = |port| sent(port, None, Spoken::Any).0.uri().to_string();
        assert_eq!(uri(443), "https://shop.example/a?b");
        assert_eq!(uri(8443), "https://shop.example:8443/a?b");
    }

    #[test]
    fn only_http1_gets_the_fields_that_only_it_needs() {
        let field = |request: &http::Request<Outgoing>, name: &str| {
            request.headers().get(name).map(|value| value.to_str().expect("ascii").to_owned())
        };
        let (request, spoken) = sent(443, Some("shop.example"), Spoken::Any);
        assert_eq!(spoken, Spoken::Any);
        assert_eq!((field(&request, "host"), field(&request, "connection")), (None, None));
        assert_eq!(field(&request, "te").as_deref(), Some("trailers"));
        for (named, server) in [("shop.example", Spoken::Http1), ("other.example", Spoken::Any)] {
            let (request, spoken) = sent(443, Some(named), server);
            assert_eq!(spoken, Spoken::Http1);
            assert_eq!(field(&request, "host").as_deref(), Some(named));
            assert_eq!(field(&request, "connection").as_deref(), Some("te"));
        }
    }
}
