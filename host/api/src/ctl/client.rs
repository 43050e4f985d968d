//! Talking to a proxy.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{
    Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use super::{CtlError, error::Refusal, target::Target};

/// What talks to a proxy, over a connection for each request.
pub(super) struct Client {
    target: Target,
}

impl Client {
    pub(super) fn new(target: Target) -> Self {
        Self { target }
    }

    /// The JSON document at a path. `attempt` is for messages.
    pub(super) async fn get(&self, attempt: &str, path: &str) -> Result<Value, CtlError> {
        self.document(attempt, Method::GET, path, None).await
    }

    /// Has something done, and says what came of it.
    pub(super) async fn call(&self, attempt: &str, method: Method, path: &str, body: Value) -> Result<Value, CtlError> {
        self.document(attempt, method, path, Some(body)).await
    }

    async fn document(
        &self,
        attempt: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, CtlError> {
        let response = self.send(attempt, method, path, body).await?;
        let bytes = self.collect(response.into_body()).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| self.not_the_api(format!("what is not JSON: {error}")))
    }

    /// The whole of what is at a path.
    pub(super) async fn bytes(&self, attempt: &str, path: &str) -> Result<Bytes, CtlError> {
        let response = self.send(attempt, Method::GET, path, None).await?;
        self.collect(response.into_body()).await
    }

    /// What is at a path, piece by piece.
    pub(super) async fn pieces(&self, attempt: &str, path: &str) -> Result<Pieces<'_>, CtlError> {
        let body = self.send(attempt, Method::GET, path, None).await?.into_body();
        Ok(Pieces { client: self, body })
    }

    async fn send(
        &self,
        attempt: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Response<Incoming>, CtlError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.target.shown())
            .header(AUTHORIZATION, format!("Bearer {}", self.target.token.secret()));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        // The path is encoded, and all else was checked.
        let request = request.body(Full::new(body)).map_err(|error| CtlError::Start(io::Error::other(error)))?;
        let failed = |source| CtlError::Connection { address: self.target.shown(), source };
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(failed)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let bytes = self.collect(response.into_body()).await?;
        let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match document.pointer("/error/reason").and_then(Value::as_str) {
            Some(reason) => {
                let source = Refusal::new(status, reason.to_owned());
                Err(CtlError::Refused { attempt: attempt.to_owned(), source })
            }
            None => Err(self.not_the_api(format!("status {status}"))),
        }
    }

    async fn connect(&self) -> Result<TcpStream, CtlError> {
        let Target { host, port, .. } = &self.target;
        let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
        let connected = timeout(CONNECT_TIME, TcpStream::connect((host.as_str(), *port))).await.unwrap_or_else(late);
        connected.map_err(|source| CtlError::Connect { address: self.target.shown(), source })
    }

    async fn collect(&self, body: Incoming) -> Result<Bytes, CtlError> {
        let collected = body.collect().await.map(http_body_util::Collected::to_bytes);
        collected.map_err(|source| CtlError::Connection { address: self.target.shown(), source })
    }

    /// Whether the proxy serves.
    pub(super) async fn is_ready(&self) -> Result<bool, CtlError> {
        match self.get("ask whether the proxy serves", "/readyz").await {
            Ok(_) => Ok(true),
            Err(CtlError::NotTheApi { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn not_the_api(&self, found: String) -> CtlError {
        CtlError::NotTheApi { address: self.target.shown(), found }
    }
}

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A body that comes piece by piece.
pub(super) struct Pieces<'c> {
    client: &'c Client,
    body: Incoming,
}

impl Pieces<'_> {
    /// The next piece; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, CtlError> {
        loop {
            let frame = self.body.frame().await.transpose();
            let failed = |source| CtlError::Connection { address: self.client.target.shown(), source };
            match frame.map_err(failed)?.map(hyper::body::Frame::into_data) {
                Some(Ok(piece)) => return Ok(Some(piece)),
                // Fields after the body are nothing to us.
                Some(Err(_)) => {}
                None => return Ok(None),
            }
        }
    }
}

/// A path with a query of what is given.
pub(super) fn with_query<'q>(path: &str, query: impl IntoIterator<Item = (&'q str, Option<&'q str>)>) -> String {
    let pairs = query.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value?))));
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// A text as a part of a path or a query.
pub(super) fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}
