use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{HeaderValue, StatusCode, Version};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{rt::TokioIo, server::conn::auto};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Notify,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::flow::{Body, Fields, FlowId, RequestHead, Scheme, Target};

/// A server that answers everything with 204, and what it has seen.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(address: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (opened, asked) = (connections.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::Relaxed);
                let (tls, asked) = (tls.clone(), asked.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, asked).await,
                        Some(tls) => answer(tls.accept(stream).await.unwrap(), asked).await,
                    }
                });
            }
        });
        Self { address, connections, requests }
    }

    fn seen(&self) -> (usize, usize) {
        (self.connections.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed))
    }
}

async fn answer(stream: impl crate::flow::Stream + 'static, asked: Arc<AtomicUsize>) {
    let service = service_fn(move |_: http::Request<Incoming>| {
        asked.fetch_add(1, Ordering::Relaxed);
        let mut response = http::Response::new(http_body_util::Empty::<bytes::Bytes>::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        std::future::ready(Ok::<_, Infallible>(response))
    });
    // Fails when the client leaves, which it may.
    drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await);
}

/// TLS in the name of `localhost`, with a protocol.
fn tls(protocol: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = config.with_no_client_auth().with_single_cert(vec![certificate.into()], key.into()).unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

const WITHIN: Duration = Duration::from_secs(4);

/// Believes every certificate, and finds all names at these addresses.
fn upstream(egress: &Arc<Egress>, addresses: &'static [IpAddr]) -> Upstream {
    let resolver = Resolver::asking(move |_| Ok(addresses.to_vec()));
    let timeouts = Timeouts { connect: WITHIN, first_byte: WITHIN, idle: WITHIN };
    let settings = tls::UpstreamTls { insecure: true, extra_roots: Vec::new() };
    Upstream::resolving(resolver, egress.clone(), tls::client_config(&settings).unwrap(), timeouts, None)
}

const LOOPBACK: &[IpAddr] = &[IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)];

fn request(scheme: Scheme, port: u16, upgrade: Option<&'static str>) -> Request {
    let head = RequestHead {
        method: Method::GET,
        destination: Destination::new(scheme, "localhost", port).unwrap(),
        authority: None,
        target: Target::parse("/").unwrap(),
        version: Version::HTTP_11,
        fields: Fields::default(),
        accepts_trailers: false,
        upgrade: upgrade.map(HeaderValue::from_static),
    };
    Request::new(FlowId(1), head, Body::Empty)
}

#[tokio::test]
async fn nothing_goes_out_once_it_is_sealed() {
    for (scheme, protocol) in [(Scheme::Http, None), (Scheme::Https, Some("http/1.1")), (Scheme::Https, Some("h2"))] {
        let server = Server::start("127.0.0.1:0", protocol.map(tls)).await;
        let egress = Arc::<Egress>::default();
        let upstream = upstream(&egress, LOOPBACK);
        let port = server.address.port();
        let answer = upstream.send(request(scheme, port, None), None).await.unwrap();
        assert_eq!(answer.head.status, 204);
        assert_eq!(server.seen(), (1, 1));

        egress.seal("`x` forbids it");
        let sealed = Fault::new(FaultKind::Offline, "`x` forbids it");
        for upgrade in [None, Some("websocket")] {
            let refused = upstream.send(request(scheme, port, upgrade), None).await.unwrap_err();
            assert_eq!(refused, sealed, "{protocol:?} {upgrade:?}");
        }
        let destination = Destination::new(scheme, "localhost", port).unwrap();
        assert_eq!(upstream.tunnel(&destination, &Route::Direct).await.err(), Some(sealed.clone()));

        // The same without the check in front: the connection that is kept is of no use, and there is no other.
        for client in [&upstream.kept, &upstream.fresh].into_iter().flat_map(|clients| [&clients.any, &clients.http1]) {
            let sent = request(scheme, port, None);
            let (sent, _) = forward::outgoing(sent, None, WITHIN, Spoken::Http1).unwrap();
            let timeout = FirstByteTimeout::new(WITHIN);
            client.request(sent.map(|body| timeout.watch(body))).await.unwrap_err();
        }
        assert_eq!(server.seen(), (1, 1), "{protocol:?}");
    }
}

/// A server of HTTP/2 that leaves at the second request of each connection, and how many requests it has seen.
async fn leaving() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen, tls) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default(), tls("h2"));
    let asked = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, asked) = (tls.clone(), asked.clone());
            tokio::spawn(async move {
                let (second, first) = (Arc::new(Notify::new()), AtomicUsize::new(0));
                let leave = second.clone();
                let service = service_fn(move |_: http::Request<Incoming>| {
                    asked.fetch_add(1, Ordering::Relaxed);
                    let is_first = first.fetch_add(1, Ordering::Relaxed) == 0;
                    if !is_first {
                        leave.notify_one();
                    }
                    async move {
                        if !is_first {
                            std::future::pending::<()>().await;
                        }
                        Ok::<_, Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
                    }
                });
                let stream = TokioIo::new(tls.accept(stream).await.unwrap());
                let builder = auto::Builder::new(TokioExecutor::new());
                tokio::select! {
                    _ = builder.serve_connection(stream, service) => {}
                    () = second.notified() => {}
                }
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn over_http2_too_a_request_goes_out_again_unless_that_does_harm() {
    for (method, is_answered, seen_of_it) in [(Method::GET, true, 2), (Method::PUT, true, 2), (Method::POST, false, 1)]
    {
        let (address, seen) = leaving().await;
        let upstream = upstream(&Arc::default(), LOOPBACK);
        upstream.send(request(Scheme::Https, address.port(), None), None).await.unwrap();
        let mut again = request(Scheme::Https, address.port(), None);
        Arc::make_mut(&mut again.head).method = method.clone();
        let answered = upstream.send(again, None).await;
        assert_eq!(answered.is_ok(), is_answered, "{method}: {answered:?}");
        assert_eq!(seen.load(Ordering::Relaxed), 1 + seen_of_it, "{method}");
    }
}

#[tokio::test]
async fn a_dead_address_leaves_time_for_the_next() {
    const TWO: &[IpAddr] =
        &[IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1)), IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2))];
    let server = Server::start("127.0.0.2:0", None).await;
    let port = server.address.port();
    // Nobody is at the first address.
    let upstream = upstream(&Arc::default(), TWO);
    assert!(
        upstream.tunnel(&Destination::new(Scheme::Http, "two.example", port).unwrap(), &Route::Direct).await.is_ok()
    );
    // Somebody is there and does not answer: as many connections wait as may.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(TWO[0], port)).unwrap();
    let _listening = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    let connect = || tokio::time::timeout(Duration::from_millis(200), TcpStream::connect((TWO[0], port)));
    while let Ok(connected) = connect().await {
        waiting.push(connected.unwrap());
    }
    assert!(
        upstream.tunnel(&Destination::new(Scheme::Http, "two.example", port).unwrap(), &Route::Direct).await.is_ok()
    );
}

#[tokio::test]
async fn a_name_that_is_not_resolved_in_time_is_called_so() {
    let resolver = Resolver::asking(|_| {
        loop {
            std::thread::park();
        }
    });
    let timeouts = Timeouts { connect: Duration::from_millis(50), first_byte: WITHIN, idle: WITHIN };
    let settings = tls::UpstreamTls { insecure: true, extra_roots: Vec::new() };
    let tls = tls::client_config(&settings).unwrap();
    let upstream = Upstream::resolving(resolver, Arc::default(), tls, timeouts, None);
    let fault = upstream.send(request(Scheme::Http, 80, None), None).await.unwrap_err();
    assert_eq!((fault.kind.name(), fault.kind.status().as_u16()), ("dns_timeout", 504));
    assert_eq!(fault.detail, "cannot connect to `localhost:80`: its name was not resolved within 50ms");
}
