//! Reading from a server in portions.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};

use super::preface::Preface;

/// Most bytes that are read at once. `hyper` makes its buffer as large as what it could read before, up to the limit of a head:
/// when a client takes nothing of a long body, several such buffers would be kept for it.
const AT_ONCE: u64 = 32 * 1024;

/// A connection to a server that is read in portions.
pub(super) struct Portions<S> {
    stream: Take<S>,
    has_read: bool,
    /// What it still has to begin with.
    preface: Option<Preface>,
}

impl<S: AsyncRead> Portions<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: stream.take(AT_ONCE), has_read: false, preface: None }
    }

    /// The same, of a server that has to begin so.
    pub(super) fn beginning_with(self, preface: Option<Preface>) -> Self {
        Self { preface, ..self }
    }

    /// Whether the server sent anything so far.
    pub(super) fn has_read(&self) -> bool {
        self.has_read
    }

    pub(super) fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    /// What is wrong when the connection broke off.
    fn broken(&self, error: io::Error) -> io::Error {
        self.preface.as_ref().map_or(error, Preface::ended)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Portions<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.set_limit(AT_ONCE);
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let (Poll::Pending, Some(preface)) = (&read, &mut self.preface) {
            return preface.poll_late(context).map(Err);
        }
        ready!(read).map_err(|error| self.broken(error))?;
        let came = buffer.filled().get(before..).unwrap_or_default();
        self.has_read |= !came.is_empty();
        if let Some(preface) = &mut self.preface
            && preface.take(came)?
        {
            self.preface = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Portions<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.stream.get_mut()).poll_write(context, bytes).map_err(|error| self.broken(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.stream.get_mut()).poll_write_vectored(context, slices).map_err(|error| self.broken(error))
    }
}
