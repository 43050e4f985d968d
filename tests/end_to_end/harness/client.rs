//! Clients of the proxy: HTTP/1 as bytes, HTTP/2, inside and outside of tunnels.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Framing, Message, Proxyhost, Wire, soon,
    wire::{Stream, latin1},
};

impl Proxyhost {
    /// A connection to the proxy.
    pub async fn connect(&self) -> Wire {
        Wire::new(TcpStream::connect(self.address()).await.expect("the proxy listens"))
    }

    /// A connection to the reverse proxy, or the first of several.
    pub async fn connect_reverse(&self) -> Wire {
        Wire::new(TcpStream::connect(self.reverse_addresses()[0]).await.expect("the proxy listens"))
    }

    /// A connection to the only listener of a kind, as the log calls it.
    pub async fn connect_to(&self, kind: &str) -> Wire {
        Wire::new(TcpStream::connect(self.address_of(kind)).await.expect("the proxy listens"))
    }

    /// A tunnel to `host:port`, with nothing in it yet.
    pub async fn tunnel(&self, authority: &str) -> Wire {
        self.tunnel_in(self.connect().await, authority).await
    }

    /// The same in a connection to one of the listeners.
    pub async fn tunnel_in(&self, mut wire: Wire, authority: &str) -> Wire {
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
        let opened = wire.head().await.expect("no answer to CONNECT");
        assert_eq!(opened.first, "HTTP/1.1 200 OK");
        assert_eq!(opened.fields, []);
        wire
    }

    /// A connection to `host:port` by SOCKS, which it names.
    pub async fn socks(&self, authority: &str) -> Wire {
        let (host, port) = authority.rsplit_once(':').expect("a port");
        let port: u16 = port.parse().expect("a port");
        let mut wire = self.connect_to("SOCKS").await;
        let name = [&[host.len() as u8], host.as_bytes(), &port.to_be_bytes()].concat();
        wire.send([b"\x05\x01\x00\x05\x01\x00\x03", &name[..]].concat()).await;
        assert_eq!(wire.take(12).await, b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00");
        wire
    }

    /// HTTP/1 over TLS in a tunnel.
    pub async fn tls(&self, authority: &str) -> Wire {
        Wire::new(self.handshake(authority, b"http/1.1").await)
    }

    /// HTTP/2 in plain, as to a proxy.
    pub async fn http2(&self) -> Http2 {
        Http2::new(TcpStream::connect(self.address()).await.expect("the proxy listens")).await
    }

    /// HTTP/2 over TLS in a tunnel.
    pub async fn tls_http2(&self, authority: &str) -> Http2 {
        Http2::new(self.handshake(authority, b"h2").await).await
    }

    /// A TLS handshake in a tunnel by a client that does not trust the proxy's authority: how it fails.
    pub async fn distrusted(&self, authority: &str) -> io::Error {
        let stream = self.tunnel(authority).await.into_stream();
        let name = ServerName::try_from("pinned.example").expect("a host");
        let config = client_config(RootCertStore::empty(), b"http/1.1");
        let handshake = soon("a TLS handshake", TlsConnector::from(config).connect(name, stream)).await;
        handshake.err().expect("the client trusts nobody")
    }

    async fn handshake(&self, authority: &str, protocol: &[u8]) -> TlsStream<Box<dyn Stream>> {
        let tunnel = self.tunnel(authority).await;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
        let stream = self.shake(tunnel, host, protocol).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        stream
    }

    /// HTTP/1 over TLS with a listener itself, as to a host of this name. The client names this protocol, and is told it or
    /// none.
    pub async fn tls_to(&self, wire: Wire, host: &str, protocol: &[u8]) -> (Wire, Option<Vec<u8>>) {
        let stream = self.shake(wire, host, protocol).await;
        let told = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        (Wire::new(stream), told)
    }

    /// HTTP/2 over TLS with a listener itself.
    pub async fn tls_http2_to(&self, wire: Wire, host: &str) -> Http2 {
        Http2::new(self.shake(wire, host, b"h2").await).await
    }

    async fn shake(&self, wire: Wire, host: &str, protocol: &[u8]) -> TlsStream<Box<dyn Stream>> {
        self.try_shake(wire, host, protocol).await.expect("the client trusts the proxy")
    }

    /// Whether whoever is at the other end of a connection has a certificate of this proxy's for a host.
    pub async fn is_behind(&self, wire: Wire, host: &str) -> bool {
        self.try_shake(wire, host, b"http/1.1").await.is_ok()
    }

    async fn try_shake(&self, wire: Wire, host: &str, protocol: &[u8]) -> io::Result<TlsStream<Box<dyn Stream>>> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(self.ca_certificate()).expect("the proxy made its authority");
        roots.add(certificate).expect("a certificate");
        let name = ServerName::try_from(host.to_owned()).expect("a host");
        let config = client_config(roots, protocol);
        let stream = wire.into_stream();
        soon("a TLS handshake", TlsConnector::from(config).connect(name, stream)).await
    }
}

fn client_config(roots: RootCertStore, protocol: &[u8]) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("ring has them").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// An HTTP/2 connection. Copies share it.
#[derive(Clone)]
pub struct Http2 {
    sender: SendRequest<Full<Bytes>>,
}

impl Http2 {
    /// HTTP/2 on a connection or in a tunnel, without TLS.
    pub async fn on(wire: Wire) -> Self {
        Self::new(wire.into_stream()).await
    }

    async fn new(stream: impl Stream + 'static) -> Self {
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = soon("an HTTP/2 handshake", handshake).await.expect("HTTP/2");
        // Ends with the proxy or with the last sender.
        tokio::spawn(async { drop(connection.await) });
        Self { sender }
    }

    /// `GET` of a URL.
    pub async fn get(&mut self, url: &str) -> Message {
        self.ask("GET", url, &[], b"").await
    }

    /// Sends a request, which must be answered.
    pub async fn ask(&mut self, method: &str, url: &str, fields: &[(&str, &str)], body: &[u8]) -> Message {
        let mut request = Request::builder().method(method).uri(url).version(Version::HTTP_2);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).expect("a valid request");
        self.send(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends a request.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Message, hyper::Error> {
        soon("room for a stream", self.sender.ready()).await?;
        let response = soon("a response", self.sender.send_request(request)).await?;
        let (parts, body) = response.into_parts();
        let body = soon("a body", body.collect()).await?;
        let trailers = body.trailers().map(lines).unwrap_or_default();
        Ok(Message {
            first: format!("HTTP/2 {}", parts.status.as_u16()),
            fields: lines(&parts.headers),
            framing: Framing::Close,
            body: body.to_bytes().to_vec(),
            trailers,
        })
    }

    /// Sends a `GET` that must end in a reset of its stream.
    pub async fn is_reset(&mut self, url: &str) {
        let request = Request::get(url).body(Full::default()).expect("a valid request");
        let error = self.send(request).await.expect_err("the stream was not reset");
        assert!(format!("{error:?}").contains("Reset("), "{error:?}");
    }
}

fn lines(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes()))).collect()
}
