//! Whether bytes pass through a tunnel or an upgraded connection.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// What passes a client's side of a connection.
#[derive(Clone, Debug)]
pub(super) struct Traffic(Arc<Passed>);

#[derive(Debug)]
struct Passed {
    opened: Instant,
    /// Milliseconds from when it was opened to when a byte last passed; 0 before that.
    last: AtomicU64,
    is_half_closed: AtomicBool,
}

impl Traffic {
    /// A connection that is opened now, whose bytes are taken note of.
    pub(super) fn watch<S>(stream: S) -> (Self, Watched<S>) {
        let passed = Passed { opened: Instant::now(), last: AtomicU64::new(0), is_half_closed: AtomicBool::new(false) };
        let traffic = Self(Arc::new(passed));
        (traffic.clone(), Watched { stream, traffic })
    }

    /// Waits until nothing passed for a time: `idle`, or `waiting` if nothing has passed yet or one side is closed.
    pub(super) async fn silent(&self, idle: Duration, waiting: Duration) {
        loop {
            let last = self.0.last.load(Ordering::Relaxed);
            let is_open = last > 0 && !self.0.is_half_closed.load(Ordering::Relaxed);
            let limit = if is_open { idle } else { waiting.min(idle) };
            let silent_since = self.0.opened + Duration::from_millis(last);
            if silent_since.elapsed() >= limit {
                return;
            }
            // A side that closes meanwhile makes the time shorter.
            let next = (silent_since + limit).min(Instant::now() + waiting);
            tokio::time::sleep_until(next).await;
        }
    }

    fn note(&self) {
        let since = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(since.max(1), Ordering::Relaxed);
    }

    fn half_closed(&self) {
        self.0.is_half_closed.store(true, Ordering::Relaxed);
    }
}

/// A stream whose bytes are taken note of.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    traffic: Traffic,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() == before && buffer.remaining() > 0 {
            self.traffic.half_closed();
        }
        self.traffic.note();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.traffic.note();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.traffic.half_closed();
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const IDLE: Duration = Duration::from_secs(3600);
    const WAITING: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn what_nothing_passes_through_has_the_shorter_time() {
        let (traffic, _stream) = Traffic::watch(());
        traffic.silent(IDLE, WAITING).await;
        assert_eq!(traffic.0.opened.elapsed(), WAITING);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_last_byte_and_is_shorter_when_a_side_has_closed() {
        let (mut far, near) = duplex(64);
        let (traffic, mut stream) = Traffic::watch(near);
        tokio::time::sleep(WAITING / 2).await;
        stream.write_all(b"hello").await.unwrap();
        let said = Instant::now();
        traffic.silent(IDLE, WAITING).await;
        assert_eq!(said.elapsed(), IDLE);
        far.write_all(b"bye").await.unwrap();
        drop(far);
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        let closed = Instant::now();
        traffic.silent(IDLE, WAITING).await;
        assert_eq!(closed.elapsed(), WAITING);
    }
}
