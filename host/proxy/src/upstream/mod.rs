//! The only place that opens connections outwards.
//!
//! `egress` says where to, and `connector` connects: names by `resolver`, TLS by `tls`. `forward` makes of a flow's request what
//! a server gets, `receive` makes a flow's response of what it answers, within the time of `first_byte`, and `relay` passes its
//! interim responses on; connections are read in `portions`. The pool and the choice between HTTP/1 and HTTP/2 are `hyper-util`'s.

mod connector;
mod egress;
mod first_byte;
mod forward;
mod portions;
mod receive;
mod relay;
mod resolver;
pub mod tls;

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

pub use egress::Egress;
pub use forward::Via;

use crate::flow::{ByteStream, Destination, Fault, FaultKind, InterimSink, Outgoing, Request, Response};
use connector::{ConnectFault, Connector, Protocols};
use first_byte::{FirstByteTimeout, Timed};
use forward::Spoken;
use relay::Relay;

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
    connector: Connector,
    any: Client<Connector, Timed<Outgoing>>,
    /// For servers without HTTP/2, and for what it cannot carry here: upgrades, and hosts of another name.
    http1: Client<Connector, Timed<Outgoing>>,
    timeouts: Timeouts,
    via: Option<Via>,
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
        let connector = Connector::new(egress, tls, timeouts.connect);
        Self {
            any: client(connector.clone().offering(Protocols::Any)),
            http1: client(connector.clone().offering(Protocols::Http1)),
            connector,
            timeouts,
            via,
        }
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
        let destination = request.head.destination.clone();
        let wants_upgrade = request.head.upgrade.is_some();
        let server = if self.connector.is_without_http2(&destination) { Spoken::Http1 } else { Spoken::Any };
        let (mut outgoing, spoken) = forward::outgoing(request, self.via.as_ref(), self.timeouts.idle, server)?;
        let relay = Relay::new(interim);
        relay.watch(&mut outgoing);
        let client = if spoken == Spoken::Http1 { &self.http1 } else { &self.any };
        let timeout = FirstByteTimeout::new(self.timeouts.first_byte);
        let answer = client.request(outgoing.map(|body| timeout.watch(body)));
        let answer = tokio::select! {
            answer = answer => answer.map_err(|error| explain(&destination, &error))?,
            () = timeout.elapsed() => return Err(Fault::new(
                FaultKind::ResponseTimeout,
                format!("`{}` did not answer within {:?}", destination.host_and_port(), self.timeouts.first_byte),
            )),
            () = relay.too_many() => return Err(Fault::new(
                FaultKind::Protocol,
                format!("`{}` sent more than {} interim responses", destination.host_and_port(), relay::MOST),
            )),
        };
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS && !wants_upgrade {
            let server = destination.host_and_port();
            let detail = format!("`{server}` upgraded the connection without being asked");
            return Err(Fault::new(FaultKind::ResponseIncomplete, detail));
        }
        Ok(receive::received(answer))
    }

    async fn tunnel(&self, destination: &Destination) -> Result<ByteStream, Fault> {
        match self.connector.tcp(destination).await {
            Ok(server) => Ok(Box::new(server.into_inner())),
            Err(fault) => Err(fault.explain(destination)),
        }
    }
}

fn client(connector: Connector) -> Client<Connector, Timed<Outgoing>> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(KEPT_FOR)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        // Where HTTP/2 was expected, only the URI says it.
        .set_host(true)
        .http1_preserve_header_case(true)
        .http1_max_headers(MOST_FIELDS)
        .http1_max_buf_size(HEAD_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_send_buf_size(UNSENT)
        .build(connector)
}

/// Says why a server gave no response.
fn explain(destination: &Destination, error: &hyper_util::client::legacy::Error) -> Fault {
    let server = destination.host_and_port();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(fault) = error.downcast_ref::<ConnectFault>() {
            return fault.explain(destination);
        }
        // The client's body broke off, or an addon's limit did.
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.clone();
        }
        cause = error.source();
    }
    Fault::new(FaultKind::ResponseIncomplete, format!("`{server}` gave no usable answer: {}", oneline::chain(error)))
}
