//! Interim responses (1xx), which a proxy must pass on (RFC 9110 §15.2) and `hyper`'s server cannot send.
//!
//! They are put into an HTTP/1 connection while the request's service is waiting for the server: then `hyper` itself has
//! nothing to write. What cannot be placed safely is left out, as a client must expect.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::flow::{HOP_BY_HOP, InterimSink};

/// Sends interim responses to the client of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Interim(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Heads that are still to be written.
    waiting: BytesMut,
    /// Whether everything that `hyper` wrote was flushed, so that a head may follow.
    flushed: bool,
    /// Whether the final response is still to come.
    open: bool,
    /// Wakes the connection.
    waker: Option<Waker>,
}

/// Most bytes of interim responses that wait for a client.
const MOST_WAITING: usize = 16 * 1024;

impl Interim {
    /// Nothing panics while the lock is held.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing of what was written is still to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.lock().flushed
    }

    /// A request has come: interim responses may be sent until its final one.
    pub(super) fn open(&self) {
        self.lock().open = true;
    }

    /// The final response is there.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.open = false;
        if !state.flushed {
            state.waiting.clear();
        }
    }
}

impl InterimSink for Interim {
    fn send(&self, status: StatusCode, fields: &HeaderMap) {
        let line = format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
        let mut bytes = BytesMut::from(line.as_bytes());
        for (name, value) in fields.iter().filter(|(name, _)| !HOP_BY_HOP.contains(name)) {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        let mut state = self.lock();
        if state.open && state.waiting.len() + bytes.len() <= MOST_WAITING {
            state.waiting.extend_from_slice(&bytes);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
    }
}

/// A connection that interim responses can be put into.
#[derive(Debug)]
pub(super) struct WithInterim<S> {
    stream: S,
    interim: Interim,
}

impl<S: AsyncWrite + Unpin> WithInterim<S> {
    pub(super) fn new(stream: S, interim: Interim) -> Self {
        Self { stream, interim }
    }

    /// Writes the heads that wait, where they may stand.
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.interim.lock();
        while state.flushed && !state.waiting.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &state.waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            state.waiting.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WithInterim<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WithInterim<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.interim.lock().flushed = false;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let had_waiting = {
            let mut state = self.interim.lock();
            state.flushed = true;
            if state.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
                state.waker = Some(context.waker().clone());
            }
            !state.waiting.is_empty()
        };
        if !had_waiting {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_waiting(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.interim.lock().flushed = false;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn early_hints() -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert("link", http::HeaderValue::from_static("</a.css>; rel=preload"));
        fields.insert("connection", http::HeaderValue::from_static("x"));
        fields
    }

    const HEAD: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";

    async fn written(act: impl AsyncFnOnce(&mut WithInterim<tokio::io::DuplexStream>, &Interim)) -> String {
        let (near, mut far) = duplex(64 * 1024);
        let interim = Interim::default();
        let mut stream = WithInterim::new(near, interim.clone());
        act(&mut stream, &interim).await;
        drop(stream);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_head_follows_what_was_flushed_and_precedes_the_final_response() {
        let text = written(async |stream, interim| {
            stream.write_all(b"before ").await.unwrap();
            stream.flush().await.unwrap();
            interim.open();
            interim.send(StatusCode::EARLY_HINTS, &early_hints());
            interim.close();
            stream.write_all(b"final").await.unwrap();
        });
        assert_eq!(text.await, format!("before {HEAD}final"));
    }

    #[tokio::test]
    async fn a_head_is_left_out_when_it_has_no_safe_place() {
        let text = written(async |stream, interim| {
            stream.write_all(b"unflushed ").await.unwrap();
            interim.open();
            interim.send(StatusCode::EARLY_HINTS, &early_hints());
            interim.close();
            stream.write_all(b"final").await.unwrap();
            stream.flush().await.unwrap();
        });
        assert_eq!(text.await, "unflushed final");
    }

    #[tokio::test]
    async fn nothing_is_sent_after_the_final_response() {
        let text = written(async |stream, interim| {
            stream.flush().await.unwrap();
            interim.open();
            interim.close();
            interim.send(StatusCode::EARLY_HINTS, &early_hints());
            stream.write_all(b"final").await.unwrap();
        });
        assert_eq!(text.await, "final");
    }
}
