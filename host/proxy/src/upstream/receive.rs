//! What a flow gets of a server's response.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use hyper::{
    body::Incoming,
    ext::ReasonPhrase,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tracing::debug;

use crate::{
    flow::{Body, ByteStream, Completion, Endpoint, Fields, FlowId, Response, ResponseHead},
    spelling::Spelling,
};

/// Makes a flow's response of what a server sent. One that upgrades the connection has the server as its endpoint.
pub(super) fn received(mut answer: http::Response<Incoming>) -> Response {
    let received_at = SystemTime::now();
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
    let mut response = Response::received(received_at, Arc::new(head), Body::live(body));
    response.upgrade.endpoint = upgraded.map(|server| Arc::new(Server(Mutex::new(Some(server)))) as Arc<dyn Endpoint>);
    response
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
