//! What a flow gets of a server's response.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, Version, header};
use hyper::{
    body::Incoming,
    ext::ReasonPhrase,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tracing::debug;

use super::{HEAD_BYTES, MOST_FIELDS, failure, stream::Usage};
use crate::{
    flow::{
        Body, ByteStream, Completion, Destination, Endpoint, Fault, FaultKind, Fields, FlowId, Response, ResponseHead,
    },
    spelling::Spelling,
};

/// What an answer has to fit.
pub(super) struct Asked {
    /// Who was asked.
    pub(super) server: Destination,
    /// Whether an upgrade was asked for.
    pub(super) upgrade: bool,
}

/// Makes a flow's response of what a server sent. One that upgrades the connection has the server as its endpoint.
///
/// # Errors
/// When the answer must not be passed on, or has broken off already. An HTTP/1 connection is closed then: nobody knows what
/// follows on it.
pub(super) fn received(mut answer: http::Response<Incoming>, asked: &Asked) -> Result<Response, Fault> {
    let received_at = SystemTime::now();
    let usage = Usage::of_answer(answer.extensions()).cloned();
    if let Err(fault) = check(&answer, asked) {
        if answer.version() < Version::HTTP_2
            && let Some(usage) = usage
        {
            usage.close();
        }
        return Err(fault);
    }
    if let Some(usage) = usage {
        usage.answered();
    }
    let upgraded = (answer.status() == StatusCode::SWITCHING_PROTOCOLS).then(|| hyper::upgrade::on(&mut answer));
    let (mut parts, body) = answer.into_parts();
    let reason = parts.extensions.remove::<ReasonPhrase>().map(|reason| Bytes::copy_from_slice(reason.as_bytes()));
    let mut fields = Fields::new(parts.headers, Spelling::received(parts.extensions));
    fields.remove_hop_by_hop();
    // RFC 9110 §6.6.1
    if fields.get(&header::DATE).is_none()
        && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(received_at))
    {
        fields.add(header::DATE, date);
    }
    let head = ResponseHead { status: parts.status, reason, version: parts.version, fields };
    let body = Body::live(body);
    // While nothing of it has been passed on, the client can still be told.
    body.look_ahead().map_err(|failure| {
        let server = asked.server.host_and_port();
        Fault::new(FaultKind::ResponseIncomplete, format!("the answer of `{server}` broke off: {failure}"))
    })?;
    let mut response = Response::received(received_at, Arc::new(head), body);
    response.upgrade.endpoint = upgraded.map(|server| Arc::new(Server(Mutex::new(Some(server)))) as Arc<dyn Endpoint>);
    Ok(response)
}

/// Whether the head of an answer can be passed on.
fn check<B>(answer: &http::Response<B>, asked: &Asked) -> Result<(), Fault> {
    let server = asked.server.host_and_port();
    let (status, fields) = (answer.status(), answer.headers());
    if status == StatusCode::SWITCHING_PROTOCOLS && !asked.upgrade {
        let detail = format!("`{server}` upgraded the connection without being asked");
        return Err(Fault::new(FaultKind::ResponseIncomplete, detail));
    }
    // RFC 9110 §15: the other interim responses come before an answer, and beyond 599 there are none.
    if status != StatusCode::SWITCHING_PROTOCOLS && !(200..600).contains(&status.as_u16()) {
        return Err(Fault::new(
            FaultKind::Malformed,
            format!("`{server}` answered with the status {}", status.as_u16()),
        ));
    }
    // RFC 9112 §6.3: one of both is a lie, and whoever believes the other one finds another answer behind this one.
    if fields.contains_key(header::TRANSFER_ENCODING) && fields.contains_key(header::CONTENT_LENGTH) {
        let detail =
            format!("`{server}` answered with both a transfer coding and a length, which contradict each other");
        return Err(Fault::new(FaultKind::Malformed, detail));
    }
    // The library has the same limits, but over HTTP/1 reads up to twice the bytes, and over HTTP/2 any number of fields.
    let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if fields.len() > MOST_FIELDS || bytes > HEAD_BYTES {
        return Err(failure::head_too_large(&asked.server));
    }
    Ok(())
}

/// A server whose connection is upgraded.
struct Server(Mutex<Option<OnUpgrade>>);

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Endpoint for Server {
    fn serve(self: Arc<Self>, flow: FlowId, client: ByteStream) -> Completion {
        // Nothing panics while it is held.
        let server = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let Some(server) = server else { return };
            match server.await {
                Ok(server) => splice(flow, client, server).await,
                Err(error) => debug!(flow = flow.0, %error, "server left before the connection was upgraded"),
            }
        })
    }
}

/// Passes bytes both ways until both sides are done.
async fn splice(flow: FlowId, mut client: ByteStream, server: Upgraded) {
    if let Err(error) = copy_bidirectional(&mut client, &mut TokioIo::new(server)).await {
        debug!(flow = flow.0, %error, "upgraded connection ended");
    }
}
