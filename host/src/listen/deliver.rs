//! What a client gets of a flow's response.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderValue, Method, StatusCode, header};
use hyper::ext::ReasonPhrase;

use crate::flow::{Body, Fault, FaultKind, Outgoing, Response, Sender};

/// The flow ends without an answer: `hyper` closes an HTTP/1 connection and resets an HTTP/2 stream.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("killed")]
pub struct Killed;

/// Makes of a flow's response what `hyper` sends. The framing is ours: what the fields say of it does not matter.
///
/// # Errors
/// When the body was kept elsewhere and cannot be read.
pub fn deliver(response: Response, method: &Method, idle: Duration) -> Result<http::Response<Outgoing>, Fault> {
    let Response { head, body, .. } = response;
    let mut head = Arc::unwrap_or_clone(head);
    let bodiless = *method == Method::HEAD || is_bodiless(head.status);
    let body = if bodiless { Body::Empty } else { body };
    let outgoing = body.into_outgoing(Sender::Server, idle).map_err(|failure| {
        Fault::new(FaultKind::ResponseIncomplete, format!("the response's body cannot be had: {failure}"))
    })?;
    let fields = &mut head.fields;
    if is_bodiless(head.status) {
        fields.remove(&header::CONTENT_LENGTH);
    } else if !bodiless {
        use http_body::Body as _;
        match outgoing.size_hint().exact() {
            Some(size) => fields.set(header::CONTENT_LENGTH, HeaderValue::from(size)),
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

/// These have no content whatever the fields say (RFC 9112 §6.3).
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The field for a response that came without one (RFC 9110 §6.6.1).
pub(crate) fn date(now: SystemTime) -> Option<HeaderValue> {
    HeaderValue::try_from(httpdate::fmt_http_date(now)).ok()
}
