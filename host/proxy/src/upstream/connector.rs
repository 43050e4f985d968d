//! Connecting to a server: name, egress policy, TCP, TLS.

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::PathAndQuery};
use hyper::rt;
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use lru::LruCache;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;

use super::{
    Egress,
    portions::Portions,
    resolver::{LookUpError, PermittedAddresses},
};
use crate::flow::{Destination, Fault, FaultKind, Scheme};

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
    tls: Arc<rustls::ClientConfig>,
    within: Duration,
    /// Servers that chose HTTP/1.1 when they could have had HTTP/2.
    without_http2: Arc<Mutex<LruCache<(String, u16), ()>>>,
}

/// Servers whose choice is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFault {
    #[error("its name cannot be resolved")]
    Dns(#[source] io::Error),
    #[error("the connection failed")]
    Tcp(#[source] io::Error),
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("{0}")]
    Egress(Fault),
    #[error("its certificate is not trusted")]
    Certificate(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("`{0}` is not a name that TLS can check")]
    Name(String),
}

impl ConnectFault {
    /// The failure of a flow to a destination.
    pub(super) fn explain(&self, destination: &Destination) -> Fault {
        let kind = match self {
            Self::Egress(fault) => return fault.clone(),
            Self::Dns(_) => FaultKind::Dns,
            Self::Tcp(_) => FaultKind::Refused,
            Self::Timeout(_) => FaultKind::ConnectTimeout,
            Self::Certificate(_) => FaultKind::Certificate,
            Self::Tls(_) | Self::Name(_) => FaultKind::Tls,
        };
        let advice = match self {
            Self::Certificate(_) => " (--upstream-ca trusts another authority, --insecure any)",
            _ => "",
        };
        let why = oneline::chain(self);
        Fault::new(kind, format!("cannot connect to `{}`: {why}{advice}", destination.host_and_port()))
    }
}

impl Connector {
    pub(super) fn new(egress: Arc<Egress>, tls: rustls::ClientConfig, within: Duration) -> Self {
        let without_http2 = Arc::new(Mutex::new(LruCache::new(REMEMBERED)));
        Self { egress, tls: Arc::new(tls), within, without_http2 }
    }

    /// Whether a server is known to speak HTTP/1 only.
    pub(super) fn is_without_http2(&self, destination: &Destination) -> bool {
        // Over plain TCP, nobody asks for HTTP/2.
        destination.scheme() == Scheme::Http
            || self.known().contains(&(destination.host().to_owned(), destination.port()))
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

    /// A TCP connection to the address of the destination that answers first.
    pub(super) async fn tcp(&self, destination: &Destination) -> Result<TokioIo<TcpStream>, ConnectFault> {
        // The library asks no resolver about addresses.
        if let Ok(ip) = destination.host().parse::<IpAddr>() {
            let address = SocketAddr::new(ip, destination.port());
            self.egress.check(address).map_err(ConnectFault::Egress)?;
        }
        let mut connector =
            HttpConnector::new_with_resolver(PermittedAddresses::new(self.egress.clone(), destination.port()));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        // Shared by the addresses of a name, so that a dead one leaves time for the next.
        connector.set_connect_timeout(Some(self.within));
        let uri = Uri::from(destination.authority().clone());
        let mut parts = uri.into_parts();
        parts.scheme = Some(destination.scheme().of_uri());
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(parts).map_err(|_| ConnectFault::Name(destination.host_and_port()))?;
        let connected = timeout(self.within, connector.call(uri)).await;
        connected.map_err(|_| ConnectFault::Timeout(self.within))?.map_err(|error| self.failure(error))
    }

    /// Why the library could not connect.
    fn failure(&self, error: impl Error + Send + Sync + 'static) -> ConnectFault {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            match (error.downcast_ref(), error.downcast_ref::<io::Error>()) {
                (Some(LookUpError::Egress(fault)), _) => return ConnectFault::Egress(fault.clone()),
                (Some(LookUpError::Dns(error)), _) => return ConnectFault::Dns(copy(error)),
                (None, Some(error)) if error.kind() == io::ErrorKind::TimedOut => {
                    return ConnectFault::Timeout(self.within);
                }
                (None, Some(error)) => return ConnectFault::Tcp(copy(error)),
                (None, None) => cause = error.source(),
            }
        }
        ConnectFault::Tcp(io::Error::other(error))
    }

    async fn connect(self, destination: Destination) -> Result<ServerStream, ConnectFault> {
        let tcp = self.tcp(&destination).await?;
        if destination.scheme() == Scheme::Http {
            return Ok(ServerStream::Plain(TokioIo::new(Portions::new(tcp.into_inner()))));
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
        tls.map(|stream| ServerStream::Tls(Box::new(TokioIo::new(Portions::new(stream))))).map_err(|error| {
            let certificate = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match certificate {
                Some(rustls::Error::InvalidCertificate(_)) => ConnectFault::Certificate(error),
                _ => ConnectFault::Tls(error),
            }
        })
    }
}

/// An error that somebody else owns, for keeping.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
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
            connector.connect(Destination::new(scheme, host, port).map_err(|_| nowhere())?).await
        })
    }
}

/// A connection to a server.
pub(super) enum ServerStream {
    Plain(TokioIo<Portions<TcpStream>>),
    Tls(Box<TokioIo<Portions<TlsStream<TcpStream>>>>),
}

impl Connection for ServerStream {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(stream) if stream.inner().get_ref().get_ref().1.alpn_protocol() == Some(b"h2") => {
                Connected::new().negotiated_h2()
            }
            _ => Connected::new(),
        }
    }
}

impl rt::Read for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl rt::Write for ServerStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }
}
