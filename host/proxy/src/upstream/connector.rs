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
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

use super::{
    Egress,
    failure::ConnectFault,
    portions::Portions,
    preface::Preface,
    resolver::Resolver,
    stream::{ServerStream, Transport, Usage},
    through::NextProxy,
    wire::Wire,
};
use crate::{
    connections::Connections,
    flow::{Destination, Scheme},
    handshake::is_about_certificate,
};

/// The protocols offered to a server in TLS (ALPN).
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocols {
    /// HTTP/2 and HTTP/1.1, as the server likes.
    Any,
    /// HTTP/1.1 only.
    Http1,
}

/// The way that connections take.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// To an address of the server's name.
    Direct,
    /// To this address, whatever the name.
    Pinned(IpAddr),
    /// By way of a proxy.
    Through(NextProxy, Plain),
}

/// How requests without TLS take the way by a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// The proxy gets them, and sends them on.
    Sent,
    /// In a tunnel, as those with TLS.
    Tunnelled,
}

/// Opens connections for the client.
#[derive(Clone)]
pub(super) struct Connector {
    egress: Arc<Egress>,
    resolver: Resolver,
    tls: Arc<rustls::ClientConfig>,
    way: Way,
    within: Duration,
    /// Servers that chose HTTP/1.1 when they could have had HTTP/2.
    without_http2: Arc<Mutex<LruCache<(String, u16), ()>>>,
    restores_targets: bool,
    /// How many connections there are.
    connections: Connections,
    /// Whether servers without TLS have to speak HTTP/2.
    expects_http2: bool,
}

/// Servers whose choice is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");

impl Connector {
    pub(super) fn new(egress: Arc<Egress>, resolver: Resolver, tls: rustls::ClientConfig, within: Duration) -> Self {
        let without_http2 = Arc::new(Mutex::new(LruCache::new(REMEMBERED)));
        Self {
            egress,
            resolver,
            tls: Arc::new(tls),
            way: Way::Direct,
            within,
            without_http2,
            restores_targets: false,
            expects_http2: false,
            connections: Connections::default(),
        }
    }

    /// All connections that it and its clones have opened.
    pub(super) fn connections(&self) -> Connections {
        self.connections.clone()
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

    /// One for servers that speak HTTP/2 without TLS.
    pub(super) fn expecting_http2(self) -> Self {
        Self { expects_http2: true, ..self }
    }

    /// One whose connections go this way.
    pub(super) fn going(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// The proxy on its way.
    pub(super) fn proxy(&self) -> Option<&NextProxy> {
        match &self.way {
            Way::Through(proxy, _) => Some(proxy),
            Way::Direct | Way::Pinned(_) => None,
        }
    }

    /// One that has the proxy on its way open a tunnel for whatever is sent.
    pub(super) fn tunnelling(mut self) -> Self {
        if let Way::Through(_, plain) = &mut self.way {
            *plain = Plain::Tunnelled;
        }
        self
    }

    /// What leads to the destination, before any TLS with that.
    pub(super) async fn wire(&self, destination: &Destination) -> Result<Wire, ConnectFault> {
        let Way::Through(proxy, _) = &self.way else {
            return self.tcp(destination).await;
        };
        let wire = self.to_proxy(proxy, destination).await?;
        let opened = timeout(self.within, proxy.tunnel(wire, destination)).await;
        opened.map_err(|_| ConnectFault::NoTunnelInTime { proxy: proxy.name(), within: self.within })?
    }

    /// What leads to a proxy on the way to the destination, which the proxy finds by its name.
    async fn to_proxy(&self, proxy: &NextProxy, destination: &Destination) -> Result<Wire, ConnectFault> {
        self.egress.check_seal().and_then(|()| self.egress.check(destination)).map_err(ConnectFault::Egress)?;
        let failed = |error| ConnectFault::Proxy { proxy: proxy.name(), source: Box::new(error) };
        let wire = self.tcp(&proxy.server).await.map_err(failed)?;
        if proxy.server.scheme() == Scheme::Http {
            return Ok(wire);
        }
        let connector = self.clone().offering(Protocols::Http1);
        Ok(Wire::Proxy(Box::new(connector.secured(wire, &proxy.server).await.map_err(failed)?)))
    }

    /// A TCP connection to the address of the destination that answers first.
    async fn tcp(&self, destination: &Destination) -> Result<Wire, ConnectFault> {
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
        let tcp = connected.map_err(|error| ConnectFault::of_tcp(error, self.within))?;
        Ok(Wire::Tcp { stream: tcp.into_inner(), _open: self.connections.begin() })
    }

    /// Where the destination is, as far as connections may go there.
    async fn addresses(&self, destination: &Destination) -> Result<Vec<SocketAddr>, ConnectFault> {
        // The library asks no resolver about addresses, and the policy knows them already.
        if destination.host().parse::<IpAddr>().is_ok() {
            return Ok(Vec::new());
        }
        if let Way::Pinned(ip) = self.way {
            self.egress.check_address(destination, ip).map_err(ConnectFault::Egress)?;
            return Ok(vec![SocketAddr::new(ip, destination.port())]);
        }
        let found = self.resolver.look_up(destination.host()).await.map_err(ConnectFault::LookUp)?;
        // A name with one forbidden address is refused whole: which one is tried must not depend on luck.
        for &ip in found.iter() {
            self.egress.check_address(destination, ip).map_err(ConnectFault::Egress)?;
        }
        Ok(found.iter().map(|&ip| SocketAddr::new(ip, destination.port())).collect())
    }

    async fn connect(self, destination: Destination) -> Result<ServerStream, ConnectFault> {
        if destination.scheme() == Scheme::Http {
            let usage = Usage::default();
            let preface = self.expects_http2.then(|| Preface::new(self.within, usage.clone()));
            let plain = |wire| Transport::Plain(TokioIo::new(Portions::new(wire).beginning_with(preface)));
            if let Way::Through(proxy, Plain::Sent) = &self.way {
                let wire = self.to_proxy(proxy, &destination).await?;
                return Ok(ServerStream::new(plain(wire), self.egress).ending_at_proxy());
            }
            return Ok(ServerStream::new(plain(self.wire(&destination).await?), self.egress).used(usage));
        }
        let wire = self.wire(&destination).await?;
        let stream = self.secured(wire, &destination).await?;
        let server = (destination.host().to_owned(), destination.port());
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => drop(self.known().pop(&server)),
            // Who was not offered it could not choose it.
            _ if self.tls.alpn_protocols.len() > 1 => drop(self.known().put(server, ())),
            _ => {}
        }
        Ok(ServerStream::new(Transport::Tls(Box::new(TokioIo::new(Portions::new(stream)))), self.egress))
    }

    /// TLS with a server.
    async fn secured(&self, wire: Wire, server: &Destination) -> Result<TlsStream<Wire>, ConnectFault> {
        let name = ServerName::try_from(server.host().to_owned());
        let name = name.map_err(|_| ConnectFault::Name(server.host().to_owned()))?;
        let handshake = TlsConnector::from(self.tls.clone()).connect(name, wire);
        let tls = timeout(self.within, handshake).await.map_err(|_| ConnectFault::Timeout(self.within))?;
        tls.map_err(|error| {
            if is_about_certificate(&error) { ConnectFault::Certificate(error) } else { ConnectFault::Tls(error) }
        })
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
