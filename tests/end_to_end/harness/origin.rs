//! Servers that the proxy may or may not connect to.

use std::{
    collections::HashSet,
    convert::Infallible,
    future::{Future, ready},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::{Message, Wire, soon};

/// A server on a port of its own.
pub struct Origin {
    address: SocketAddr,
    accepted: watch::Receiver<Vec<SocketAddr>>,
    shared: Arc<Shared>,
    certificate: Option<(TempDir, PathBuf)>,
}

#[derive(Default)]
struct Shared {
    /// Our own connections, which find out which others have arrived.
    sentinels: Mutex<HashSet<SocketAddr>>,
    received: Mutex<Vec<Message>>,
    serving: Mutex<Vec<JoinHandle<()>>>,
}

impl Origin {
    /// Counts connections, and says nothing to them.
    pub async fn silent() -> Self {
        Self::scripted(|mut wire| async move { drop(wire.read_to_end().await) }).await
    }

    /// Answers each request with the bytes that a function gives for it, and keeps the connection.
    pub async fn answering(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(None, answering(answer)).await
    }

    /// The same over TLS.
    pub async fn answering_tls(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(Some(b"http/1.1"), answering(answer)).await
    }

    /// Plays a script on each connection.
    pub async fn scripted<F>(script: impl Fn(Wire) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let script = Arc::new(script);
        Self::start(None, move |wire, _| script(wire)).await
    }

    /// Answers over HTTP/2 and TLS; a `HeaderMap` among a response's extensions is its trailers.
    pub async fn http2(
        answer: impl Fn(&http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::speaking_http2(Some(b"h2"), answer).await
    }

    /// The same without TLS, of which clients have to know.
    pub async fn h2c(answer: impl Fn(&http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static) -> Self {
        Self::speaking_http2(None, answer).await
    }

    async fn speaking_http2(
        tls: Option<&'static [u8]>,
        answer: impl Fn(&http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        Self::start(tls, move |wire, _| {
            let answer = answer.clone();
            async move {
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.expect("a whole request").to_bytes();
                        let response = answer(&http::Request::from_parts(parts, body));
                        let trailers = response.extensions().get::<HeaderMap>().cloned().map(Ok);
                        Ok::<_, Infallible>(response.map(|body| Full::new(body).with_trailers(ready(trailers))))
                    }
                });
                let stream = TokioIo::new(wire.into_stream());
                let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                // Fails when the proxy closes its connection, which it may.
                drop(serving.serve_connection(stream, service).await);
            }
        })
        .await
    }

    async fn start<F>(
        tls: Option<&'static [u8]>,
        serve: impl Fn(Wire, Arc<Shared>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, accepted) = watch::channel(Vec::new());
        let shared = Arc::<Shared>::default();
        let (config, certificate) = tls.map(server_config).unzip();
        let acceptor = config.map(TlsAcceptor::from);
        let (serve, common) = (Arc::new(serve), shared.clone());
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                if !lock(&common.sentinels).contains(&peer) {
                    let (serve, shared, acceptor) = (serve.clone(), common.clone(), acceptor.clone());
                    let serving = tokio::spawn(async move {
                        if let Some(wire) = opened(stream, acceptor).await {
                            serve(wire, shared).await;
                        }
                    });
                    lock(&common.serving).push(serving);
                }
                sender.send_modify(|accepted| accepted.push(peer));
            }
        });
        Self { address, accepted, shared, certificate }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of this server.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.authority())
    }

    /// Its name and port.
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The certificate to trust.
    pub fn ca(&self) -> &Path {
        &self.certificate.as_ref().expect("a server with TLS").1
    }

    /// How many connections were made to it, those included that it has not looked at yet.
    pub async fn connections(&self) -> usize {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let own = socket.local_addr().expect("an address");
        lock(&self.shared.sentinels).insert(own);
        // Connections are accepted in the order they were made.
        let sentinel = socket.connect(self.address).await.expect("the origin listens");
        let mut accepted = self.accepted.clone();
        let accepted = soon("an origin that accepts", accepted.wait_for(|peers| peers.contains(&own))).await;
        drop(sentinel);
        let sentinels = lock(&self.shared.sentinels);
        accepted.expect("the origin runs").iter().filter(|peer| !sentinels.contains(peer)).count()
    }

    /// The requests so far, of an origin that answers.
    pub fn received(&self) -> Vec<Message> {
        lock(&self.shared.received).clone()
    }

    /// Waits until every connection is done with, and fails if one of them failed.
    pub async fn done(&self) {
        let serving: Vec<_> = lock(&self.shared.serving).drain(..).collect();
        for connection in serving {
            soon("the end of a connection", connection).await.expect("a connection failed");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection, after its TLS handshake if it has one; nothing when the client breaks that off.
async fn opened(stream: TcpStream, acceptor: Option<TlsAcceptor>) -> Option<Wire> {
    match acceptor {
        None => Some(Wire::new(stream)),
        Some(acceptor) => Some(Wire::new(acceptor.accept(stream).await.ok()?)),
    }
}

fn answering(
    answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(Wire, Arc<Shared>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static {
    let answer = Arc::new(answer);
    move |mut wire, shared| {
        let answer = answer.clone();
        Box::pin(async move {
            while let Some(request) = wire.request().await {
                let response = answer(&request);
                lock(&shared.received).push(request);
                wire.send(response).await;
            }
        })
    }
}

/// A server for `localhost` with an authority of its own.
fn server_config(protocol: &'static [u8]) -> (Arc<ServerConfig>, (TempDir, PathBuf)) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, issuer.pem()).expect("a file in the temporary folder");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("ring has them").with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = config.with_single_cert(vec![leaf.into()], key.into()).expect("a key that fits");
    config.alpn_protocols = vec![protocol.to_vec()];
    (Arc::new(config), (folder, file))
}
