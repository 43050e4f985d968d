//! The only place that opens connections outwards.
//!
//! `egress` says where to, by the rules of `policy`, and `connector` connects: names by `resolver`, TLS by `tls`, to a
//! `stream` over a `wire`, which may lead `through` another proxy, where `credentials` say who this one is. `ways` has the
//! connections of those that are not direct. `forward` makes of a flow's request what a server gets, `receive` makes a flow's response of what it answers,
//! within the time of `first_byte`, `relay` passes its interim responses on, and `failure` says what went wrong. The pool and
//! the choice between HTTP/1 and HTTP/2 are `hyper-util`'s. `waiting` bounds how many wait for servers; connections are read in
//! `portions`, `preface` is what those of HTTP/2 without TLS begin with, and `request_line` writes targets that no URI can have.

mod connector;
mod credentials;
mod egress;
mod failure;
mod first_byte;
mod forward;
mod policy;
mod portions;
mod preface;
mod receive;
mod relay;
mod request_line;
mod resolver;
mod stream;
mod through;
pub mod tls;
mod waiting;
mod ways;
mod wire;

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode, header};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tracing::debug;

pub use credentials::Credentials;
pub use egress::Egress;
pub use forward::Via;
pub use policy::{InvalidRule, Policy, Rule};

use crate::{
    connections::Connections,
    flow::{
        ByteStream, Destination, Fault, FaultKind, InterimSink, Outgoing, Request, Response, Route, Scheme, Target,
    },
};
use connector::{Connector, Protocols};
use first_byte::{FirstByteTimeout, Timed};
use forward::Spoken;
use relay::Relay;
use resolver::Resolver;
use stream::Usage;
use through::NextProxy;
use waiting::Waiting;
use ways::Ways;

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
    /// The same for ways that are not direct.
    ways: Ways,
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
    /// On the way by a proxy: that one, and who sends what it would not pass on.
    through: Option<(NextProxy, Client<Connector, Timed<Outgoing>>)>,
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
        Self { egress, connector, kept, fresh, ways: Ways::new(None), timeouts, via, waiting: Waiting::of_process() }
    }

    /// The same, where proxies on the way and the servers that the operator named are told this user.
    pub fn authorized(self, credentials: Option<Credentials>) -> Self {
        Self { ways: Ways::new(credentials), ..self }
    }

    /// All connections that it opens.
    pub fn connections(&self) -> Connections {
        self.connector.connections()
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

    /// Opens a connection for a tunnel by a route, without TLS of ours with the server.
    ///
    /// # Errors
    /// When the server cannot be reached, with the reason.
    fn tunnel(
        &self,
        destination: &Destination,
        route: &Route,
    ) -> impl Future<Output = Result<ByteStream, Fault>> + Send;
}

impl Forward for Upstream {
    async fn send(&self, request: Request, interim: Option<Arc<dyn InterimSink>>) -> Result<Response, Fault> {
        let (flow, again) = (request.flow.0, repeatable(&request));
        let _waiting = self.waiting.begin()?;
        let relay = Relay::new(interim);
        let taken = self.ways.taken(&request.route, &request.head.destination, &self.connector);
        let (kept, fresh) = match &taken {
            None => (&self.kept, &self.fresh),
            Some(taken) => (&taken.kept, &taken.fresh),
        };
        match (self.exchange(request, &relay, kept).await, again) {
            (Err(Failure { is_stale: true, fault }), Some(again)) => {
                debug!(flow, "a kept connection ended as the request went out, which is sent once more: {fault}");
                self.exchange(again, &relay, fresh).await.map_err(|failure| failure.fault)
            }
            (sent, _) => sent.map_err(|failure| failure.fault),
        }
    }

    async fn tunnel(&self, destination: &Destination, route: &Route) -> Result<ByteStream, Fault> {
        let taken = self.ways.taken(route, destination, &self.connector);
        let connector = taken.as_ref().map_or(&self.connector, |taken| &taken.connector);
        match connector.wire(destination).await {
            Ok(server) => Ok(Box::new(server)),
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
        let authorization = self.ways.authorization(&request).map(Credentials::field);
        let needs_tunnel = request.head.upgrade.is_some() || request.head.target == Target::Asterisk;
        let (mut outgoing, spoken) = forward::outgoing(request, self.via.as_ref(), self.timeouts.idle, server)?;
        if let Some(authorization) = authorization {
            outgoing.headers_mut().insert(header::AUTHORIZATION, authorization);
        }
        relay.watch(&mut outgoing);
        let (client, proxy) = clients.sending(spoken, &destination, needs_tunnel);
        if let Some(authorization) = proxy.and_then(NextProxy::authorization) {
            outgoing.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization);
        }
        let timeout = FirstByteTimeout::new(self.timeouts.first_byte);
        let answer = client.request(outgoing.map(|body| timeout.watch(body)));
        let by = |fault: Fault| match proxy {
            Some(proxy) => proxy.named_in(fault),
            None => fault,
        };
        let answer = tokio::select! {
            answer = answer => answer.map_err(|error| {
                let usage = Usage::of_failure(&error).unwrap_or_default();
                Failure {
                    fault: by(failure::explain(&destination, &error, usage.fault())),
                    is_stale: failure::is_lost(&error) && usage.is_kept(),
                }
            })?,
            () = timeout.elapsed() => return Err(by(Fault::new(
                FaultKind::ResponseTimeout,
                format!("`{}` did not answer within {:?}", destination.host_and_port(), self.timeouts.first_byte),
            )).into()),
            () = relay.too_many() => return Err(by(Fault::new(
                FaultKind::Protocol,
                format!("`{}` sent more than {} interim responses", destination.host_and_port(), relay::MOST),
            )).into()),
        };
        if let Some(proxy) = proxy.filter(|_| answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            return Err(proxy.refusal(answer.status()).explain(&destination).into());
        }
        Ok(receive::received(answer, &asked).map_err(by)?)
    }
}

impl Clients {
    /// Who sends a request, and the proxy that gets it, unless it goes in a tunnel.
    fn sending(
        &self,
        spoken: Spoken,
        server: &Destination,
        needs_tunnel: bool,
    ) -> (&Client<Connector, Timed<Outgoing>>, Option<&NextProxy>) {
        let proxy = self.through.as_ref().filter(|_| server.scheme() == Scheme::Http);
        let (client, is_sent) = match (spoken, proxy) {
            (Spoken::Any, _) => (&self.any, false),
            (Spoken::Http2, _) => (&self.http2, false),
            (Spoken::Http1Raw, _) => (&self.raw, true),
            (Spoken::Http1, Some((_, tunnelled))) if needs_tunnel => (tunnelled, false),
            (Spoken::Http1, _) => (&self.http1, true),
        };
        (client, proxy.map(|(proxy, _)| proxy).filter(|_| is_sent))
    }

    /// Ones that keep so many connections to each server.
    fn new(connector: &Connector, idle: usize) -> Self {
        let http1 = connector.clone().offering(Protocols::Http1);
        let through = connector.proxy().cloned();
        Self {
            any: client(connector.clone().offering(Protocols::Any), idle, false),
            http1: client(http1.clone(), idle, false),
            // A proxy would not pass it on.
            http2: client(http1.clone().tunnelling().expecting_http2(), idle, true),
            through: through.map(|proxy| (proxy, client(http1.clone().tunnelling(), idle, false))),
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
