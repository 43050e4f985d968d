//! A client's side of an upgraded connection that others see too.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::flow::{ByteStream, UpgradeObserver};

/// A client's side, and who is told of what the client sends and is sent.
pub(super) struct Observed {
    client: ByteStream,
    observers: Vec<Arc<dyn UpgradeObserver>>,
    /// Whether the observers know that the client is sent no more.
    is_shut: bool,
}

impl Observed {
    pub(super) fn new(client: ByteStream, observers: Vec<Arc<dyn UpgradeObserver>>) -> Self {
        Self { client, observers, is_shut: false }
    }

    fn tell_sent(&self, bytes: &[u8]) {
        for observer in &self.observers {
            observer.server_sent(bytes);
        }
    }
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.client).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        for observer in &self.observers {
            observer.client_sent(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.client).poll_write(context, bytes))?;
        if let Some(sent) = bytes.get(..written).filter(|sent| !sent.is_empty()) {
            self.tell_sent(sent);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.client).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.is_shut, true) {
            self.tell_sent(&[]);
        }
        Pin::new(&mut self.client).poll_shutdown(context)
    }
}
