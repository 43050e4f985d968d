//! A served fake, and a client that sends what it is told to.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::fake::Fake;
use crate::{Access, Token, serve};

/// A fake that is served until this is dropped.
pub(crate) struct Served {
    pub(crate) fake: Arc<Fake>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) const TOKEN: &str = "0123456789abcdef";

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_as(None).await
    }

    pub(crate) async fn start_as(name: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let fake = Fake::new();
        let (stop, stopped) = oneshot::channel::<()>();
        let token = Token::parse(TOKEN).expect("a token");
        let access = Access { token, name: name.map(str::to_owned) };
        let control = fake.clone();
        let task = tokio::spawn(async move {
            serve(listener, control, access, async {
                let _ = stopped.await;
            })
            .await;
        });
        Self { fake, address, stop: Some(stop), task }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends a request of somebody who knows the token.
    pub(crate) async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Reply {
        let fields = format!("authorization: Bearer {TOKEN}\r\ncontent-type: {kind}\r\n");
        self.ask_with(method, path, &fields, body).await
    }

    /// Sends a request with these fields, a host and a length.
    pub(crate) async fn ask_with(&self, method: &str, path: &str, fields: &str, body: &[u8]) -> Reply {
        let host = format!("host: {}\r\n{fields}", self.address);
        self.ask_plain(method, path, &host, body).await
    }

    /// Sends a request with these fields and a length.
    pub(crate) async fn ask_plain(&self, method: &str, path: &str, fields: &str, body: &[u8]) -> Reply {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n{fields}\r\n");
        let mut stream = self.connect().await;
        let (mut reader, mut writer) = stream.split();
        let sent = async {
            // A refusal may come before all is sent.
            let _ = writer.write_all(head.as_bytes()).await;
            let _ = writer.write_all(body).await;
        };
        let mut answer = Vec::new();
        let read = async {
            // What was not read resets the connection behind the answer.
            let _ = reader.read_to_end(&mut answer).await;
        };
        timeout(PATIENCE, async { tokio::join!(sent, read) }).await.expect("an answer in time");
        Reply::parse(&answer)
    }
}

/// A safety net; nothing waits for as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The status line and the fields, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head[9..12].parse().expect("a status");
        let rest = &bytes[end + 4..];
        let body = if head.contains("transfer-encoding: chunked") { dechunked(rest) } else { rest.to_vec() };
        Self { status, head, body }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON document")
    }

    /// The kind and the reason of an error.
    pub(crate) fn error(&self) -> (String, String) {
        let document = self.json();
        let text = |name: &str| document["error"][name].as_str().expect("a text").to_owned();
        (text("kind"), text("reason"))
    }
}

fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n").expect("a size");
        let size = str::from_utf8(&bytes[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return body;
        }
        let start = end + 2;
        body.extend_from_slice(&bytes[start..start + size]);
        bytes = &bytes[start + size + 2..];
    }
}
