//! Connecting to a server: name, egress policy, TCP, TLS.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::{Uri, uri::PathAndQuery};
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::Name},
    rt::TokioIo,
};
use lru::LruCache;
use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    Egress,
    failure::ConnectFault,
    portions::Portions,
    resolver::Resolver,
    stream::{ServerStream, Transport},
};
use crate::flow::{Destination, Scheme};

/// The protocols offered to a server in TLS (ALPN).
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocols {
    /// HTTP/2 and HTTP/1.1, as the server likes.
    Any,
    /// HTTP/1.1 only.
    Http1,
}

/// Opens connections for the client.
#[derive(Clone)]
pub(super) struct Connector {
    egress: Arc<Egress>,
    resolver: Resolver,
    tls: Arc<rustls::ClientConfig>,
    within: Duration,
    /// Servers that chose HTTP/1.1 when they could have had HTTP/2.
    without_http2: Arc<Mutex<LruCache<(String, u16), ()>>>,
    restores_targets: bool,
}

/// Servers whose choice is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");

impl Connector {
    pub(super) fn new(egress: Arc<Egress>, resolver: Resolver, tls: rustls::ClientConfig, within: Duration) -> Self {
        let without_http2 = Arc::new(Mutex::new(LruCache::new(REMEMBERED)));
        Self { egress, resolver, tls: Arc::new(tls), within, without_http2, restores_targets: false }
    }

    /// Whether a server with TLS is known to speak HTTP/1 only.
    pub(super) fn is_without_http2(&self, destination: &Destination) -> bool {
        self.known().contains(&(destination.host().to_owned(), destination.port()))
    }

    /// Nothing panics while it is held.
    fn known(&self) -> MutexGuard<'_, LruCache<(String, u16), ()>> {
        self.without_http2.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that offers these protocols.
    pub(super) fn offering(mut self, protocols: Protocols) -> Self {
        Arc::make_mut(&mut self.tls).alpn_protocols = match protocols {
            Protocols::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Protocols::Http1 => vec![b"http/1.1".to_vec()],
        };
        self
    }

    /// One whose connections are for one request each, the target of which has stand-ins.
    pub(super) fn restoring_targets(self) -> Self {
        Self { restores_targets: true, ..self }
    }

    /// A TCP connection to the address of the destination that answers first.
    pub(super) async fn tcp(&self, destination: &Destination) -> Result<TokioIo<TcpStream>, ConnectFault> {
        self.egress.check_seal().and_then(|()| self.egress.check(destination)).map_err(ConnectFault::Egress)?;
        let deadline = Instant::now() + self.within;
        let addresses = timeout_at(deadline, self.addresses(destination)).await;
        let addresses = addresses.map_err(|_| ConnectFault::LookUpTimeout(self.within))??;
        let mut connector = HttpConnector::new_with_resolver(Resolved(addresses));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        // Shared by the addresses of a name, so that a dead one leaves time for the next.
        connector.set_connect_timeout(Some(deadline.saturating_duration_since(Instant::now())));
        let uri = Uri::from(destination.authority().clone());
        let mut parts = uri.into_parts();
        parts.scheme = Some(destination.scheme().of_uri());
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(parts).map_err(|_| ConnectFault::Name(destination.host_and_port()))?;
        let connected = timeout_at(deadline, connector.call(uri)).await;
        let connected = connected.map_err(|_| ConnectFault::Timeout(self.within))?;
        connected.map_err(|error| ConnectFault::of_tcp(error, self.within))
    }

    /// Where the destination is, as far as connections may go there.
    async fn addresses(&self, destination: &Destination) -> Result<Vec<SocketAddr>, ConnectFault> {
        // The library asks no resolver about addresses, and the policy knows them already.
        if destination.host().parse::<IpAddr>().is_ok() {
            return Ok(Vec::new());
        }
        let found = self.resolver.look_up(destination.host()).await.map_err(ConnectFault::LookUp)?;
        // A name with one forbidden address is refused whole: which one is tried must not depend on luck.
        for &ip in found.iter() {
            self.egress.check_address(destination, ip).map_err(ConnectFault::Egress)?;
        }
        Ok(found.iter().map(|&ip| SocketAddr::new(ip, destination.port())).collect())
    }

    async fn connect(self, destination: Destination) -> Result<ServerStream, ConnectFault> {
        let tcp = self.tcp(&destination).await?;
        if destination.scheme() == Scheme::Http {
            let stream = TokioIo::new(Portions::new(tcp.into_inner()));
            return Ok(ServerStream::new(Transport::Plain(stream), self.egress));
        }
        let tcp = tcp.into_inner();
        let server = (destination.host().to_owned(), destination.port());
        let name = ServerName::try_from(server.0.clone()).map_err(|_| ConnectFault::Name(server.0.clone()))?;
        let handshake = TlsConnector::from(self.tls.clone()).connect(name, tcp);
        let tls = timeout(self.within, handshake).await.map_err(|_| ConnectFault::Timeout(self.within))?;
        if let Ok(stream) = &tls {
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => drop(self.known().pop(&server)),
                // Who was not offered it could not choose it.
                _ if self.tls.alpn_protocols.len() > 1 => drop(self.known().put(server, ())),
                _ => {}
            }
        }
        let stream = tls.map_err(|error| {
            let certificate = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match certificate {
                Some(rustls::Error::InvalidCertificate(_)) => ConnectFault::Certificate(error),
                _ => ConnectFault::Tls(error),
            }
        })?;
        Ok(ServerStream::new(Transport::Tls(Box::new(TokioIo::new(Portions::new(stream)))), self.egress))
    }
}

/// The addresses of a name that was looked up already.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

impl Service<Uri> for Connector {
    type Response = ServerStream;
    type Error = ConnectFault;
    type Future = Pin<Box<dyn Future<Output = Result<ServerStream, ConnectFault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let nowhere = || ConnectFault::Name(uri.to_string());
            let scheme = uri.scheme_str().and_then(Scheme::parse).ok_or_else(nowhere)?;
            let host = uri.host().ok_or_else(nowhere)?;
            let port = uri.port_u16().unwrap_or(scheme.default_port());
            let restores_targets = connector.restores_targets;
            let stream = connector.connect(Destination::new(scheme, host, port).map_err(|_| nowhere())?).await?;
            Ok(if restores_targets { stream.restoring_target() } else { stream })
        })
    }
}
