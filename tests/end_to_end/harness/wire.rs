//! HTTP/1 as bytes: what is sent is sent exactly, and what comes is kept exactly.

use std::{fmt, future::Future, io, time::Duration};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longer than anything here takes. Who waits longer waits for ever.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits for something that must happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(TIMEOUT, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// What bytes travel on.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One end of a connection.
pub struct Wire {
    stream: Box<dyn Stream>,
    /// Received, and not looked at yet.
    received: Vec<u8>,
}

/// How a message's end is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has no content.
    Bodiless,
    /// By its `Content-Length`.
    Length,
    /// By its last chunk.
    Chunked,
    /// By the end of the connection, or of the HTTP/2 stream.
    Close,
}

/// A message, request or response.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub first: String,
    /// The field lines in order, as they were written. A byte is a character.
    pub fields: Vec<(String, String)>,
    /// How its end was found.
    pub framing: Framing,
    /// The content.
    pub body: Vec<u8>,
    /// The field lines after it.
    pub trailers: Vec<(String, String)>,
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} ({:?})", self.first, self.framing)?;
        for (name, value) in &self.fields {
            writeln!(formatter, "{name}: {}", value.escape_debug())?;
        }
        writeln!(formatter, "\n{}", self.body[..self.body.len().min(2000)].escape_ascii())?;
        writeln!(formatter, "{:?}", self.trailers)
    }
}

impl Message {
    /// The status of a response.
    pub fn status(&self) -> u16 {
        let status = self.first.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("`{}` is no status line", self.first))
    }

    /// The only line of a field, if there is one.
    pub fn field(&self, name: &str) -> Option<&str> {
        let lines = self.lines(name);
        assert!(lines.len() < 2, "`{name}` is repeated: {self:?}");
        lines.first().copied()
    }

    /// The lines of a field.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        let wanted = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        self.fields.iter().filter(wanted).map(|(_, value)| value.as_str()).collect()
    }

    /// The content as text.
    pub fn text(&self) -> String {
        latin1(&self.body)
    }

    /// The field lines without some.
    pub fn fields_without(&self, names: &[&str]) -> Vec<(String, String)> {
        let kept = |(name, _): &&(String, String)| !names.iter().any(|other| name.eq_ignore_ascii_case(other));
        self.fields.iter().filter(kept).cloned().collect()
    }
}

/// Each byte as the character of its number, so that nothing is lost.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

impl Wire {
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), received: Vec::new() }
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = soon("a peer that reads", async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        });
        sent.await.expect("the peer left");
    }

    /// Sends bytes to a peer that may have left.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        soon("a peer that reads", self.stream.write_all(bytes.as_ref())).await
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        soon("the end of writing", self.stream.shutdown()).await.expect("the peer left");
    }

    /// Reads once; `false` at the end. A connection that is reset has ended too.
    async fn more(&mut self) -> bool {
        match soon("bytes", self.stream.read_buf(&mut self.received)).await {
            Ok(read) => read > 0,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => false,
            // A peer that ends TLS without saying so.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => panic!("cannot read: {error}"),
        }
    }

    /// Whether nothing has come that was not looked at, and nothing comes for a moment.
    pub async fn is_quiet(&mut self) -> bool {
        let moment = Duration::from_millis(50);
        self.received.is_empty()
            && tokio::time::timeout(moment, self.stream.read_buf(&mut self.received)).await.is_err()
    }

    /// Everything up to the end of the connection.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.received)
    }

    /// The next bytes, so many.
    pub async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            assert!(self.more().await, "ended after `{}`", self.received.escape_ascii());
        }
        self.received.drain(..count).collect()
    }

    /// The next line without its end; nothing at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line = latin1(&self.received[..end]);
                self.received.drain(..end + 2);
                return Some(line);
            }
            if !self.more().await {
                assert!(self.received.is_empty(), "ended within `{}`", self.received.escape_ascii());
                return None;
            }
        }
    }

    async fn fields(&mut self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        loop {
            let line = self.line().await.expect("ended within a head");
            if line.is_empty() {
                return fields;
            }
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` is no field"));
            fields.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    /// A head; nothing at the end of the connection.
    pub async fn head(&mut self) -> Option<Message> {
        let first = self.line().await?;
        let fields = self.fields().await;
        Some(Message { first, fields, framing: Framing::Bodiless, body: Vec::new(), trailers: Vec::new() })
    }

    /// The whole response to a request of a method.
    pub async fn response(&mut self, method: &str) -> Message {
        let mut response = self.head().await.expect("no response");
        let status = response.status();
        let bodiless = method == "HEAD" || matches!(status, 100..200 | 204 | 304);
        if !bodiless {
            response.framing = framing(&response).unwrap_or(Framing::Close);
        }
        self.content(&mut response).await;
        response
    }

    /// The next whole request; nothing at the end of the connection.
    pub async fn request(&mut self) -> Option<Message> {
        let mut request = self.head().await?;
        self.rest(&mut request).await;
        Some(request)
    }

    /// What follows the head of a request.
    pub async fn rest(&mut self, request: &mut Message) {
        request.framing = framing(request).unwrap_or(Framing::Bodiless);
        self.content(request).await;
    }

    async fn content(&mut self, message: &mut Message) {
        match message.framing {
            Framing::Bodiless => {}
            Framing::Close => message.body = self.read_to_end().await,
            Framing::Length => {
                let length = message.field("content-length").expect("there is one").parse();
                message.body = self.take(length.expect("a number")).await;
            }
            Framing::Chunked => loop {
                let line = self.line().await.expect("ended between chunks");
                let size = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16);
                let size = size.unwrap_or_else(|_| panic!("`{line}` is no chunk size"));
                if size == 0 {
                    message.trailers = self.fields().await;
                    return;
                }
                message.body.extend(self.take(size).await);
                assert_eq!(self.take(2).await, b"\r\n");
            },
        }
    }

    /// Asks as a client of a proxy: the target is a URL.
    pub async fn get(&mut self, url: &str) -> Message {
        let host = url.split('/').nth(2).expect("a URL with a host");
        self.ask("GET", url, host, &[], b"").await
    }

    /// Sends a request and reads the response.
    pub async fn ask(
        &mut self,
        method: &str,
        target: &str,
        host: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Message {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.send([head.as_bytes(), body].concat()).await;
        self.response(method).await
    }

    /// The stream, to speak something else on it, and what was received and not looked at yet.
    pub fn into_parts(self) -> (Box<dyn Stream>, Vec<u8>) {
        (self.stream, self.received)
    }

    /// The stream, to speak something else on it.
    pub fn into_stream(self) -> Box<dyn Stream> {
        assert!(self.received.is_empty(), "unread: `{}`", self.received.escape_ascii());
        self.stream
    }
}

/// How the fields frame the content.
fn framing(message: &Message) -> Option<Framing> {
    match (message.field("transfer-encoding"), message.field("content-length")) {
        (Some("chunked"), None) => Some(Framing::Chunked),
        (None, Some(_)) => Some(Framing::Length),
        (None, None) => None,
        _ => panic!("framed in an unexpected way: {message:?}"),
    }
}
