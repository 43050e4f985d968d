//! What clients ask and servers answer, whichever proxy is between them.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    net::TcpStream,
    sync::{Mutex, mpsc},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message as WebSocketMessage,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use crate::harness::{Framing, Message, Origin, Proxyhost, Wire, latin1, soon};

/// A proxy, as its clients see it.
pub struct Proxy {
    pub address: SocketAddr,
    pub ca: PathBuf,
}

/// A server of HTTP/1 and WebSockets, and one of HTTP/2.
pub struct Servers {
    pub plain: Origin,
    pub secure: Origin,
    /// Lets the next event of the stream come.
    next: mpsc::UnboundedSender<()>,
}

/// A request in plain HTTP.
pub struct Asked {
    pub method: &'static str,
    pub path: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
    pub body: &'static [u8],
}

const fn asked(method: &'static str, path: &'static str) -> Asked {
    Asked { method, path, fields: &[], body: b"" }
}

/// What any proxy can pass.
pub const ASKED: [Asked; 6] = [
    Asked { fields: &[("X-ODD-Case", "1"), ("x-same", "a"), ("X-Same", "b")], ..asked("GET", "/odd?a=%20&b") },
    Asked { fields: &[("content-TYPE", "x/y")], body: &EVERY_BYTE, ..asked("POST", "/echo") },
    Asked { fields: &[("Content-Type", "application/json")], body: b"{\"a\": 1}", ..asked("PUT", "/echo") },
    asked("DELETE", "/none"),
    asked("HEAD", "/odd"),
    asked("GET", "/large"),
];

/// Answered with trailers, which break mitmproxy's own HTTP/1 connections.
pub const TRAILERS: Asked = asked("GET", "/trailers");
pub const EVENTS_PATH: &str = "/events";
pub const EVENTS: [&str; 4] = ["data: one\n\n", "data: two\n\n", "event: x\ndata: three\n\n", "data: four\n\n"];
pub const CHAT_PATH: &str = "/chat";
/// Not answered.
pub const FAILS: Asked = asked("GET", "/fails");
pub const CALL_PATH: &str = "/shop.Cart/Get";
pub const CALL: &[u8] = b"\0\0\0\0\x08question";

/// Every response has one, so that no proxy adds one.
const DATE: &str = "Tue, 15 Nov 1994 08:12:31 GMT";

pub const EVERY_BYTE: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = byte as u8;
        byte += 1;
    }
    bytes
};

impl Servers {
    pub async fn start() -> Self {
        let (next, coming) = mpsc::unbounded_channel();
        let coming = Arc::new(Mutex::new(coming));
        let plain = Origin::scripted(move |wire| serve(wire, coming.clone())).await;
        let secure = Origin::http2(|request| {
            let mut response = http::Response::new(Bytes::from([CALL, request.body()].concat()));
            response.headers_mut().insert("date", HeaderValue::from_static(DATE));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            response.extensions_mut().insert(trailers);
            response
        })
        .await;
        Self { plain, secure, next }
    }

    /// How many connections there were to them.
    pub async fn connections(&self) -> usize {
        self.plain.connections().await + self.secure.connections().await
    }

    /// Waits until every connection is done with, and fails if one of them failed.
    pub async fn done(&self) {
        self.plain.done().await;
        self.secure.done().await;
    }

    /// The proxy that is none.
    pub fn directly(&self) -> Proxy {
        Proxy { address: self.plain.address(), ca: PathBuf::new() }
    }

    /// The URLs of a whole visit.
    pub fn urls(&self) -> Vec<String> {
        let paths = ASKED.iter().map(|asked| asked.path).chain([EVENTS_PATH, CHAT_PATH, FAILS.path]);
        paths.map(|path| self.plain.url(path)).chain([self.secure.url(CALL_PATH)]).collect()
    }
}

impl Proxy {
    pub fn of(proxyhost: &Proxyhost) -> Self {
        Self { address: proxyhost.address(), ca: proxyhost.ca_certificate() }
    }

    async fn connect(&self) -> Wire {
        Wire::new(TcpStream::connect(self.address).await.expect("the proxy listens"))
    }

    /// Asks on a connection of its own.
    pub async fn ask(&self, servers: &Servers, asked: &Asked) -> Message {
        let (mut wire, url) = (self.connect().await, servers.plain.url(asked.path));
        wire.ask(asked.method, &url, &servers.plain.authority(), asked.fields, asked.body).await
    }

    /// Asks for everything that any proxy can pass, on one connection.
    pub async fn ask_all(&self, servers: &Servers) -> Vec<Message> {
        let (mut wire, authority) = (self.connect().await, servers.plain.authority());
        let mut answers = Vec::new();
        for Asked { method, path, fields, body } in ASKED {
            answers.push(wire.ask(method, &servers.plain.url(path), &authority, fields, body).await);
        }
        answers
    }

    /// The stream, from a server that does not wait.
    pub async fn events(&self, servers: &Servers) -> Message {
        for _ in EVENTS {
            servers.next.send(()).expect("the server runs");
        }
        self.ask(servers, &asked("GET", EVENTS_PATH)).await
    }

    /// The stream, from a server that sends each event after the one before it has arrived.
    pub async fn events_one_by_one(&self, servers: &Servers) {
        let mut wire = self.connect().await;
        let (url, host) = (servers.plain.url(EVENTS_PATH), servers.plain.authority());
        wire.send(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        wire.head().await.expect("a head");
        for event in EVENTS {
            servers.next.send(()).expect("the server runs");
            let chunk = format!("{:X}\r\n{event}\r\n", event.len());
            assert_eq!(wire.take(chunk.len()).await, chunk.as_bytes());
        }
        assert_eq!(wire.take(5).await, b"0\r\n\r\n");
    }

    /// Talks over a WebSocket, and gives what was heard.
    pub async fn chat(&self, servers: &Servers) -> Vec<WebSocketMessage> {
        let (mut wire, url, host) = (self.connect().await, servers.plain.url(CHAT_PATH), servers.plain.authority());
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        wire.send(format!(
            "GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ))
        .await;
        let answer = wire.head().await.expect("an answer");
        assert_eq!(
            (answer.status(), answer.field("sec-websocket-accept")),
            (101, Some(&*derive_accept_key(key.as_bytes())))
        );
        let (stream, received) = wire.into_parts();
        let mut socket = WebSocketStream::from_partially_read(stream, received, Role::Client, None).await;
        let mut heard = vec![soon("a greeting", socket.next()).await];
        for says in [WebSocketMessage::text("hello"), WebSocketMessage::binary(&EVERY_BYTE[..])] {
            socket.send(says).await.expect("the proxy listens");
            heard.push(soon("an answer", socket.next()).await);
        }
        let farewell = CloseFrame { code: CloseCode::Normal, reason: "that is all".into() };
        socket.close(Some(farewell)).await.expect("the proxy listens");
        heard.push(soon("a farewell", socket.next()).await);
        heard.into_iter().map(|heard| heard.expect("a message").expect("a message")).collect()
    }

    /// A call over HTTP/2 in TLS, which is answered with trailers.
    pub async fn call(&self, servers: &Servers) -> Message {
        let (mut wire, authority) = (self.connect().await, servers.secure.authority());
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
        assert_eq!(wire.head().await.expect("an answer to CONNECT").status(), 200);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.ca).expect("an authority")).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.expect("ring has them").with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let handshake = TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost").expect("a host"), wire.into_stream());
        let stream = TokioIo::new(soon("a TLS handshake", handshake).await.expect("the client trusts the proxy"));
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (mut sender, connection) = soon("an HTTP/2 handshake", handshake).await.expect("HTTP/2");
        // Ends with the sender.
        tokio::spawn(async { drop(connection.await) });
        let request = Request::post(servers.secure.url(CALL_PATH)).header("content-type", "application/grpc");
        let request = request.body(Full::new(Bytes::from_static(CALL))).expect("a valid request");
        let response = soon("a response", sender.send_request(request)).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = soon("a body", body.collect()).await.expect("a whole body");
        let trailers = body.trailers().map(lines).unwrap_or_default();
        let first = format!("HTTP/2.0 {} ", parts.status.as_u16());
        let body = body.to_bytes().to_vec();
        Message { first, fields: lines(&parts.headers), framing: Framing::Close, body, trailers }
    }
}

fn lines(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes()))).collect()
}

async fn serve(mut wire: Wire, coming: Arc<Mutex<mpsc::UnboundedReceiver<()>>>) {
    while let Some(request) = wire.request().await {
        let target = request.first.split(' ').nth(1).expect("a target");
        match &target[target.rfind('/').expect("a path")..] {
            EVENTS_PATH => {
                let kind = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked";
                wire.send(format!("HTTP/1.1 200 OK\r\nDate: {DATE}\r\n{kind}\r\n\r\n")).await;
                for event in EVENTS {
                    soon("a client that wants more", coming.lock().await.recv()).await;
                    wire.send(format!("{:x}\r\n{event}\r\n", event.len())).await;
                }
                wire.send("0\r\n\r\n").await;
            }
            CHAT_PATH => return answer_chat(wire, &request).await,
            "/fails" => return,
            path => wire.send(answer(path, &request)).await,
        }
    }
}

fn answer(path: &str, request: &Message) -> Vec<u8> {
    let (status, fields, body) = match path {
        "/echo" => ("200 OK", "Content-Type: application/octet-stream", request.body.clone()),
        "/large" => ("200 OK", "Content-Type: text/plain", "One line of many.\n".repeat(60_000).into_bytes()),
        "/none" => ("204 Gone For Good", "x-LOWER: 1", Vec::new()),
        "/trailers" => ("201 Made", "Trailer: X-Sum", b"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n".to_vec()),
        _ => ("200 Fine", "X-Bytes: caf\u{e9}\r\nSet-Cookie: a=1\r\nset-cookie: b=2", b"hello".to_vec()),
    };
    let framing = match path {
        "/none" => String::new(),
        "/trailers" => "Transfer-Encoding: chunked\r\n".to_owned(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!("HTTP/1.1 {status}\r\nDate: {DATE}\r\n{fields}\r\n{framing}\r\n");
    let head = head.chars().map(|char| u8::try_from(char).expect("a byte"));
    if request.first.starts_with("HEAD ") { head.collect() } else { head.chain(body).collect() }
}

async fn answer_chat(mut wire: Wire, request: &Message) {
    let accept = derive_accept_key(request.field("sec-websocket-key").expect("a key").as_bytes());
    let head = format!("HTTP/1.1 101 Switching Protocols\r\nDate: {DATE}\r\nConnection: Upgrade\r\nUpgrade: websocket");
    wire.send(format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")).await;
    let (stream, received) = wire.into_parts();
    let mut socket = WebSocketStream::from_partially_read(stream, received, Role::Server, None).await;
    socket.send(WebSocketMessage::text("welcome")).await.expect("a client");
    while let Some(Ok(message)) = socket.next().await {
        match message {
            WebSocketMessage::Text(text) => {
                socket.send(WebSocketMessage::text(text.as_str().to_uppercase())).await.expect("a client");
            }
            WebSocketMessage::Binary(bytes) => socket.send(WebSocketMessage::Binary(bytes)).await.expect("a client"),
            _ => {}
        }
    }
}
