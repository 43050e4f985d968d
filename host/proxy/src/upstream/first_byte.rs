//! Waiting for the head of a response: the time counts from the last piece of the request that was sent.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// How long to wait, and since when.
#[derive(Clone, Debug)]
pub(super) struct FirstByteTimeout(Arc<Since>);

#[derive(Debug)]
struct Since {
    began: Instant,
    limit: Duration,
    /// Milliseconds from `began` to when the request last moved.
    moved: AtomicU64,
}

impl FirstByteTimeout {
    pub(super) fn new(limit: Duration) -> Self {
        Self(Arc::new(Since { began: Instant::now(), limit, moved: AtomicU64::new(0) }))
    }

    /// A body whose pieces are taken note of.
    pub(super) fn watch<B>(&self, body: B) -> Timed<B> {
        Timed { body, timeout: self.clone() }
    }

    /// Waits until nothing moved for too long.
    pub(super) async fn elapsed(&self) {
        let Since { limit, .. } = *self.0;
        loop {
            tokio::time::sleep_until(self.moved() + limit).await;
            if self.moved().elapsed() >= limit {
                return;
            }
        }
    }

    fn moved(&self) -> Instant {
        self.0.began + Duration::from_millis(self.0.moved.load(Ordering::Relaxed))
    }

    fn note(&self) {
        let since = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.moved.store(since, Ordering::Relaxed);
    }
}

/// A body whose pieces are taken note of.
#[derive(Debug)]
pub(super) struct Timed<B> {
    body: B,
    timeout: FirstByteTimeout,
}

impl<B: Body + Unpin> Body for Timed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.timeout.note();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
