//! What a server gets of a flow's request.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderValue, Method, Uri, Version, header,
    uri::{Authority, PathAndQuery},
};

use crate::flow::{Fault, FaultKind, Outgoing, Request, Sender};

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
    pub fn append(&self, fields: &mut crate::flow::Fields, version: Version) {
        let mut value = fields.joined(header::VIA.as_str()).unwrap_or_default();
        if !value.is_empty() {
            value.extend_from_slice(b", ");
        }
        value.extend_from_slice(self.entry(version).as_bytes());
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            fields.set(header::VIA, value);
        }
    }

    fn is_in(&self, fields: &crate::flow::Fields) -> bool {
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
    /// HTTP/2, unless the server turns out not to.
    Any,
}

/// Makes of a flow's request what the client library sends, and over what. `server` is what the server may speak.
pub(super) fn outgoing(
    request: Request,
    upgrade: Option<&HeaderValue>,
    via: Option<&Via>,
    idle: Duration,
    server: Spoken,
) -> Result<(http::Request<Outgoing>, Spoken), Fault> {
    let Request { head, body, .. } = request;
    let mut head = Arc::unwrap_or_clone(head);
    let uri = Uri::builder()
        .scheme(head.destination.scheme.name())
        // In HTTP/2 this becomes `:authority`, which names the host as the `host` field does: without a default port.
        .authority(authority(&head.destination.authority())?)
        .path_and_query(path(&head.path)?)
        .build()
        .map_err(|error| Fault::new(FaultKind::BadRequest, format!("the request has no valid target: {error}")))?;
    let fields = &mut head.fields;
    if let Some(via) = via {
        if via.is_in(fields) {
            return Err(Fault::new(FaultKind::Loop, "the request came through this proxy before"));
        }
        via.append(fields, head.version);
    }
    // This hop's credentials are not for the server (RFC 9110 §11.7.1).
    fields.remove(&header::PROXY_AUTHORIZATION);
    spend_forward(&head.method, fields)?;
    if fields.get(&header::HOST).is_none() {
        let named = head.authority.unwrap_or_else(|| head.destination.authority());
        if let Ok(value) = HeaderValue::try_from(named) {
            fields.set(header::HOST, value);
        }
    }
    // Upgrades are not for HTTP/2. Its `:authority` comes from the URI, by which the pool knows servers: another name than
    // theirs needs a `Host` field.
    let spoken = match upgrade.is_some() || names_another(fields, &uri) {
        true => Spoken::Http1,
        false => server,
    };
    if spoken == Spoken::Any {
        // The same name twice is refused by some servers (RFC 9113 §8.3.1). In HTTP/1, the client library adds it again.
        fields.remove(&header::HOST);
    }
    let body = body.into_outgoing(Sender::Client, idle).map_err(|failure| {
        Fault::new(FaultKind::BadRequest, format!("the request's body cannot be sent: {failure}"))
    })?;
    frame(fields, &body);
    if head.accepts_trailers {
        fields.set(header::TE, HeaderValue::from_static("trailers"));
        // HTTP/1 needs this (RFC 9110 §10.1.4); from HTTP/2, the client library would remove both.
        if spoken == Spoken::Http1 {
            fields.set(header::CONNECTION, HeaderValue::from_static("te"));
        }
    }
    if let Some(protocol) = upgrade {
        fields.set(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.set(header::UPGRADE, protocol.clone());
    }
    let (map, spelling) = head.fields.into_parts();
    let mut outgoing = http::Request::new(body);
    *outgoing.method_mut() = head.method;
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = map;
    *outgoing.extensions_mut() = spelling.into_extensions();
    Ok((outgoing, spoken))
}

/// Whether a request names another host than the one it is sent to.
fn names_another(fields: &crate::flow::Fields, sent_to: &Uri) -> bool {
    let named = fields.get(&header::HOST).map(HeaderValue::as_bytes);
    let sent_to = sent_to.authority().map(|authority| authority.as_str().as_bytes());
    match (named, sent_to) {
        (Some(named), Some(sent_to)) => !named.eq_ignore_ascii_case(sent_to),
        _ => false,
    }
}

/// The length is what the body has, not what the client or an addon said.
fn frame(fields: &mut crate::flow::Fields, body: &Outgoing) {
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
fn spend_forward(method: &Method, fields: &mut crate::flow::Fields) -> Result<(), Fault> {
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

fn authority(text: &str) -> Result<Authority, Fault> {
    text.parse().map_err(|_| Fault::new(FaultKind::BadRequest, format!("`{}` is not a host", text.escape_debug())))
}

fn path(text: &str) -> Result<PathAndQuery, Fault> {
    text.parse().map_err(|_| Fault::new(FaultKind::BadRequest, format!("`{}` is not a path", text.escape_debug())))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::flow::{Body, Destination, Fields, FlowId, RequestHead, Scheme};

    fn sent(port: u16, named: Option<&str>, server: Spoken) -> (http::Request<Outgoing>, Spoken) {
        let destination = Destination { scheme: Scheme::Https, host: "shop.example".to_owned(), port };
        let head = RequestHead {
            method: Method::GET,
            destination,
            authority: named.map(str::to_owned),
            path: "/a?b".to_owned(),
            version: Version::HTTP_2,
            fields: Fields::default(),
            accepts_trailers: true,
        };
        let request =
            Request { flow: FlowId(1), received_at: SystemTime::now(), head: Arc::new(head), body: Body::Empty };
        outgoing(request, None, None, Duration::from_secs(1), server).expect("it can be sent")
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
