//! The only place that opens connections outwards.
//!
//! `egress` says where to, by the rules of `policy`, and `connector` connects: names by `resolver`, TLS by `tls`, to a
//! `stream`. `forward` makes of a flow's request what a server gets, `receive` makes a flow's response of what it answers,
//! within the time of `first_byte`, `relay` passes its interim responses on, and `failure` says what went wrong. The pool and
//! the choice between HTTP/1 and HTTP/2 are `hyper-util`'s. `waiting` bounds how many wait for servers; connections are read in `portions`, and `request_line`
//! writes targets that no URI can have.

mod connector;
mod egress;
mod failure;
mod first_byte;
mod forward;
mod policy;
mod portions;
mod receive;
mod relay;
mod request_line;
mod resolver;
mod stream;
pub mod tls;
mod waiting;

use std::{sync::Arc, time::Duration};

use http::Method;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tracing::debug;

pub use egress::Egress;
pub use forward::Via;
pub use policy::{InvalidRule, Policy, Rule};

use crate::flow::{ByteStream, Destination, Fault, FaultKind, InterimSink, Outgoing, Request, Response, Scheme};
use connector::{Connector, Protocols};
use first_byte::{FirstByteTimeout, Timed};
use forward::Spoken;
use relay::Relay;
use resolver::Resolver;
use stream::Usage;
use waiting::Waiting;

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To accept a connection, TLS included.
    pub connect: Duration,
    /// To begin its answer, after it has the whole request.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
}

/// Connections to servers.
pub struct Upstream {
    egress: Arc<Egress>,
    connector: Connector,
    /// Connections that are kept for the next request.
    kept: Clients,
    /// A connection for each request, for those that a kept one failed.
    fresh: Clients,
    timeouts: Timeouts,
    via: Option<Via>,
    waiting: Waiting,
}

/// Who sends requests.
struct Clients {
    any: Client<Connector, Timed<Outgoing>>,
    /// For servers without HTTP/2, and for what it cannot carry here: upgrades, and hosts of another name.
    http1: Client<Connector, Timed<Outgoing>>,
    /// For servers that speak HTTP/2 without TLS.
    http2: Client<Connector, Timed<Outgoing>>,
    /// For targets with bytes that no URI can have. No connection of it is kept.
    raw: Client<Connector, Timed<Outgoing>>,
}

/// Connections kept for the next request, for each server.
const IDLE_CONNECTIONS: usize = 64;

/// How long they are kept. Servers often close after 60 seconds or more.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Most header fields of a response, and most bytes of its head.
const MOST_FIELDS: usize = 256;
const HEAD_BYTES: usize = 256 * 1024;

/// HTTP/2: bytes of a response that wait here when its client takes nothing, and so many of all together that those do not
/// stop the others on the connection.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// HTTP/2: bytes of a request that wait for the server.
const UNSENT: usize = 64 * 1024;

impl Upstream {
    /// Servers are reached as the egress policy and the TLS settings say.
    pub fn new(egress: Arc<Egress>, tls: rustls::ClientConfig, timeouts: Timeouts, via: Option<Via>) -> Self {
        Self::resolving(Resolver::new(), egress, tls, timeouts, via)
    }

    fn resolving(
        resolver: Resolver,
        egress: Arc<Egress>,
        tls: rustls::ClientConfig,
        timeouts: Timeouts,
        via: Option<Via>,
    ) -> Self {
        let connector = Connector::new(egress.clone(), resolver, tls, timeouts.connect);
        let (kept, fresh) = (Clients::new(&connector, IDLE_CONNECTIONS), Clients::new(&connector, 0));
        Self { egress, connector, kept, fresh, timeouts, via, waiting: Waiting::of_process() }
    }
}

/// What reaches servers.
pub trait Forward: Send + Sync + 'static {
    /// Sends a request, and waits for the head of the response. Interim responses go to `interim`.
    ///
    /// # Errors
    /// When no response can be had, with the reason.
    fn send(
        &self,
        request: Request,
        interim: Option<Arc<dyn InterimSink>>,
    ) -> impl Future<Output = Result<Response, Fault>> + Send;

    /// Opens a connection for a tunnel, without TLS of ours.
    ///
    /// # Errors
    /// When the server cannot be reached, with the reason.
    fn tunnel(&self, destination: &Destination) -> impl Future<Output = Result<ByteStream, Fault>> + Send;
}

impl Forward for Upstream {
    async fn send(&self, request: Request, interim: Option<Arc<dyn InterimSink>>) -> Result<Response, Fault> {
        let (flow, again) = (request.flow.0, repeatable(&request));
        let _waiting = self.waiting.begin()?;
        let relay = Relay::new(interim);
        match (self.exchange(request, &relay, &self.kept).await, again) {
            (Err(Failure { is_stale: true, fault }), Some(again)) => {
                debug!(flow, "a kept connection ended as the request went out, which is sent once more: {fault}");
                self.exchange(again, &relay, &self.fresh).await.map_err(|failure| failure.fault)
            }
            (sent, _) => sent.map_err(|failure| failure.fault),
        }
    }

    async fn tunnel(&self, destination: &Destination) -> Result<ByteStream, Fault> {
        match self.connector.tcp(destination).await {
            Ok(server) => Ok(Box::new(server.into_inner())),
            Err(fault) => Err(fault.explain(destination)),
        }
    }
}

/// The request, for sending it once more, if that does no harm (RFC 9110 §9.2.2) and its content is here.
fn repeatable(request: &Request) -> Option<Request> {
    let is_idempotent = request.head.method.is_safe() || matches!(request.head.method, Method::PUT | Method::DELETE);
    let body = is_idempotent.then(|| request.body.kept())??;
    Some(Request { body, ..request.clone() })
}

/// Why there is no answer.
struct Failure {
    fault: Fault,
    /// Whether that was the end of a connection which had been fine before.
    is_stale: bool,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, is_stale: false }
    }
}

impl Upstream {
    /// Sends a request once, and waits for the head of the response.
    async fn exchange(&self, request: Request, relay: &Relay, clients: &Clients) -> Result<Response, Failure> {
        // A connection that is kept needs no connector, which would ask.
        self.egress.check_seal()?;
        let destination = request.head.destination.clone();
        let asked = receive::Asked { server: destination.clone(), upgrade: request.head.upgrade.is_some() };
        let server = match destination.scheme() {
            Scheme::Http => Spoken::without_tls(&request.head),
            Scheme::Https if self.connector.is_without_http2(&destination) => Spoken::Http1,
            Scheme::Https => Spoken::Any,
        };
        let (mut outgoing, spoken) = forward::outgoing(request, self.via.as_ref(), self.timeouts.idle, server)?;
        relay.watch(&mut outgoing);
        let client = match spoken {
            Spoken::Any => &clients.any,
            Spoken::Http1 => &clients.http1,
            Spoken::Http2 => &clients.http2,
            Spoken::Http1Raw => &clients.raw,
        };
        let timeout = FirstByteTimeout::new(self.timeouts.first_byte);
        let answer = client.request(outgoing.map(|body| timeout.watch(body)));
        let answer = tokio::select! {
            answer = answer => answer.map_err(|error| Failure {
                fault: failure::explain(&destination, &error),
                is_stale: failure::is_lost(&error) && Usage::of_failure(&error).is_some_and(|usage| usage.is_kept()),
            })?,
            () = timeout.elapsed() => return Err(Fault::new(
                FaultKind::ResponseTimeout,
                format!("`{}` did not answer within {:?}", destination.host_and_port(), self.timeouts.first_byte),
            ).into()),
            () = relay.too_many() => return Err(Fault::new(
                FaultKind::Protocol,
                format!("`{}` sent more than {} interim responses", destination.host_and_port(), relay::MOST),
            ).into()),
        };
        Ok(receive::received(answer, &asked)?)
    }
}

impl Clients {
    /// Ones that keep so many connections to each server.
    fn new(connector: &Connector, idle: usize) -> Self {
        let http1 = connector.clone().offering(Protocols::Http1);
        Self {
            any: client(connector.clone().offering(Protocols::Any), idle, false),
            http1: client(http1.clone(), idle, false),
            http2: client(http1.clone(), idle, true),
            raw: client(http1.restoring_targets(), 0, false),
        }
    }
}

fn client(connector: Connector, idle: usize, knows_http2: bool) -> Client<Connector, Timed<Outgoing>> {
    Client::builder(TokioExecutor::new())
        .http2_only(knows_http2)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(KEPT_FOR)
        .pool_max_idle_per_host(idle)
        // Where HTTP/2 was expected, only the URI says it.
        .set_host(true)
        .http1_preserve_header_case(true)
        .http1_max_headers(MOST_FIELDS)
        .http1_max_buf_size(HEAD_BYTES)
        .http2_max_header_list_size(HEAD_BYTES as u32)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_send_buf_size(UNSENT)
        .build(connector)
}

#[cfg(test)]
mod tests;
