//! What a client gets of a flow's response.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use hyper::ext::ReasonPhrase;

use crate::flow::{Body, Fault, FaultKind, Fields, Framing, Outgoing, Response, Sender};

/// Makes of a flow's response what `hyper` sends to a client that asked by this method and version. The framing is ours:
/// what the fields say of it does not matter.
///
/// # Errors
/// When the body was kept elsewhere and cannot be read.
pub(super) fn deliver(
    response: Response,
    method: &Method,
    version: Version,
    idle: Duration,
) -> Result<http::Response<Outgoing>, Fault> {
    let Response { head, body, framing, .. } = response;
    let mut head = Arc::unwrap_or_clone(head);
    let bodiless = *method == Method::HEAD || is_bodiless(head.status);
    let body = if bodiless { Body::Empty } else { body };
    let size = body.size();
    if version < Version::HTTP_2 {
        announce_trailers(&mut head.fields, &body);
    }
    let outgoing = body.into_outgoing(Sender::Server, idle).map_err(|failure| {
        Fault::new(FaultKind::ResponseIncomplete, format!("the response's body cannot be had: {failure}"))
    })?;
    // What has no content has a length.
    let outgoing = if size == Some(0) { outgoing } else { outgoing.framed(framing) };
    let fields = &mut head.fields;
    if is_bodiless(head.status) {
        fields.remove(&header::CONTENT_LENGTH);
    } else if !bodiless {
        use http_body::Body as _;
        let said = fields.get(&header::CONTENT_LENGTH).is_some();
        match outgoing.size_hint().exact() {
            // HTTP/1 gets it from `hyper`, and HTTP/2 does not need it.
            Some(0) if !said => {}
            Some(size) => fields.set(header::CONTENT_LENGTH, HeaderValue::from(size)),
            // In HTTP/2, content with trailers may have a length.
            None if said && framing == Framing::Length && version >= Version::HTTP_2 && size.is_some() => {
                fields.set(header::CONTENT_LENGTH, HeaderValue::from(size.unwrap_or_default()));
            }
            None => fields.remove(&header::CONTENT_LENGTH),
        }
    }
    let (map, spelling) = head.fields.into_parts();
    let mut delivered = http::Response::new(outgoing);
    *delivered.status_mut() = head.status;
    *delivered.headers_mut() = map;
    *delivered.extensions_mut() = spelling.into_extensions();
    if let Some(reason) = head.reason.and_then(|reason| ReasonPhrase::try_from(reason).ok()) {
        delivered.extensions_mut().insert(reason);
    }
    Ok(delivered)
}

/// HTTP/1 only carries trailers that the head announced (RFC 9110 §6.6.2).
fn announce_trailers(fields: &mut Fields, body: &Body) {
    let Some(trailers) = body.known_trailers().filter(|_| fields.get(&header::TRAILER).is_none()) else { return };
    let names: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
    if let Ok(value) = HeaderValue::try_from(names.join(", ")) {
        fields.add(header::TRAILER, value);
    }
}

/// These have no content whatever the fields say (RFC 9112 §6.3).
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}
