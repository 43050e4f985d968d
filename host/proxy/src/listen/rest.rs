//! Connections that rest: while their client asks for nothing, no more is kept of them than the stream itself.
//!
//! The HTTP library keeps 16 KiB of buffers for each connection as long as it has it. So the stream is only lent to it. When
//! nothing has happened for a while after an exchange, it is called back: the library ends its connection as if to close it,
//! which the stream does not notice. With the next bytes of the client, the library serves it anew.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

use super::{activity::Activity, interim::Interim};

/// A client's stream.
#[derive(Debug)]
pub(super) struct Client<S> {
    pub(super) stream: S,
    /// That there may be this connection; held until it closes, whatever it is upgraded to.
    permit: Option<OwnedSemaphorePermit>,
}

/// Most bytes that are read to see that a client goes on: a head, as most are.
const FIRST_BYTES: usize = 4096;

impl<S: AsyncRead + Unpin> Client<S> {
    pub(super) fn new(stream: S, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream, permit }
    }

    /// The stream, and the permit for its connection.
    pub(super) fn into_parts(self) -> (S, Option<OwnedSemaphorePermit>) {
        (self.stream, self.permit)
    }

    /// Waits for the next bytes; none when the client sends no more.
    pub(super) async fn next_bytes(&mut self) -> io::Result<Bytes> {
        std::future::poll_fn(|context| {
            // Not a part of what waits.
            let mut space = [0; FIRST_BYTES];
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
        })
        .await
    }
}

/// What a stream is lent by.
#[derive(Debug)]
pub(super) struct Loan<S>(Arc<Terms<S>>);

#[derive(Debug)]
struct Terms<S> {
    /// Whether a request of HTTP/1 came.
    is_http1: AtomicBool,
    /// The last four bytes that came.
    last: AtomicU32,
    is_called_back: AtomicBool,
    returned: Mutex<Option<Client<S>>>,
}

/// How long a client asks for nothing before its connection rests, and at most twice that.
const BEFORE_REST: Duration = Duration::from_secs(1);

/// The end of a head.
const HEAD_END: u32 = u32::from_be_bytes(*b"\r\n\r\n");

impl<S> Loan<S> {
    /// Lends a stream of which some bytes were read already.
    pub(super) fn new(client: Client<S>, read: Bytes, activity: Activity) -> (Self, Lent<S>) {
        let terms = Arc::new(Terms {
            is_http1: AtomicBool::new(false),
            last: AtomicU32::new(0),
            is_called_back: AtomicBool::new(false),
            returned: Mutex::new(None),
        });
        (Self(terms.clone()), Lent { client: Some(client), read, activity, terms })
    }

    /// Takes note of a request.
    pub(super) fn asked(&self, version: http::Version) {
        if version < http::Version::HTTP_2 {
            self.0.is_http1.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until the stream can be called back. Never in HTTP/2, of whose state there is more than requests.
    pub(super) async fn at_rest(&self, activity: &Activity, interim: &Interim) {
        loop {
            activity.unasked_for(BEFORE_REST).await;
            if !self.0.is_http1.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            // Of what ends a head, the library keeps nothing: it was a request. Otherwise it may have half of one.
            if self.0.last.load(Ordering::Relaxed) == HEAD_END && interim.is_flushed() {
                return;
            }
        }
    }

    /// Calls the stream back. It comes when what it was lent to is dropped.
    pub(super) fn call_back(&self) {
        self.0.is_called_back.store(true, Ordering::Relaxed);
    }

    /// Leaves the stream where it is.
    pub(super) fn leave(&self) {
        self.0.is_called_back.store(false, Ordering::Relaxed);
    }

    /// What came back.
    pub(super) fn returned(&self) -> Option<Client<S>> {
        // Nothing panics while it is held.
        self.0.returned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<S> Clone for Loan<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A client's stream that is lent.
#[derive(Debug)]
pub(super) struct Lent<S> {
    /// `None` only while it is dropped.
    client: Option<Client<S>>,
    /// What was read of it before.
    read: Bytes,
    activity: Activity,
    terms: Arc<Terms<S>>,
}

impl<S> Lent<S> {
    fn is_called_back(&self) -> bool {
        self.terms.is_called_back.load(Ordering::Relaxed)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut S>>
    where
        S: Unpin,
    {
        let client = self.client.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(&mut client.stream))
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        if self.is_called_back() {
            *self.terms.returned.lock().unwrap_or_else(PoisonError::into_inner) = self.client.take();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_called_back() {
            // What comes now is for whoever has it next.
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if self.read.is_empty() {
            ready!(self.stream()?.poll_read(context, buffer))?;
        } else {
            let taken = self.read.len().min(buffer.remaining());
            buffer.put_slice(&self.read.split_to(taken));
        }
        let came = buffer.filled().get(before..).unwrap_or_default();
        self.activity.received(came.len());
        let last = came.iter().skip(came.len().saturating_sub(4));
        let last = last.fold(self.terms.last.load(Ordering::Relaxed), |last, &byte| last << 8 | u32::from(byte));
        self.terms.last.store(last, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_called_back() {
            return Poll::Ready(Ok(()));
        }
        self.stream()?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.client.as_ref().is_some_and(|client| client.stream.is_write_vectored())
    }
}
