//! Whether a connection has exchanges under way, so that one that is idle can be closed.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

/// The exchanges of one connection.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    opened: Instant,
    under_way: AtomicUsize,
    /// Milliseconds from the connection's start to the end of its last exchange; 0 before there was one.
    last_ended: AtomicU64,
}

impl Activity {
    /// That of a connection that was opened now.
    pub(super) fn new() -> Self {
        let (under_way, last_ended) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self(Arc::new(Counts { opened: Instant::now(), under_way, last_ended }))
    }

    /// An exchange begins, and is under way as long as what this returns lives.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Waits until nothing was under way for a time: `first` for the first exchange, `between` for all others.
    pub(super) async fn idle(&self, first: Duration, between: Duration) {
        loop {
            let last_ended = self.0.last_ended.load(Ordering::Relaxed);
            let limit = if last_ended == 0 { first } else { between };
            let since = match self.0.under_way.load(Ordering::Relaxed) {
                0 => self.0.opened + Duration::from_millis(last_ended),
                _ => Instant::now(),
            };
            tokio::time::sleep_until(since + limit).await;
            let is_idle = self.0.under_way.load(Ordering::Relaxed) == 0;
            if is_idle && self.0.last_ended.load(Ordering::Relaxed) == last_ended {
                return;
            }
        }
    }
}

/// An exchange that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Activity);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let counts = &self.0.0;
        let since = u64::try_from(counts.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        counts.last_ended.store(since.max(1), Ordering::Relaxed);
        counts.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response's body, with what is held until it has ended.
#[derive(Debug)]
pub(super) struct Held<B> {
    pub(super) body: B,
    pub(super) _under_way: UnderWay,
    pub(super) _flow: Option<OwnedSemaphorePermit>,
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(30);
    const BETWEEN: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn the_first_exchange_has_a_time_of_its_own() {
        let opened = Instant::now();
        Activity::new().idle(FIRST, BETWEEN).await;
        assert_eq!(opened.elapsed(), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_end_of_the_last_exchange() {
        let (opened, activity) = (Instant::now(), Activity::new());
        let under_way = activity.begin();
        let ends = async {
            tokio::time::sleep(Duration::from_secs(500)).await;
            drop(under_way);
        };
        let ((), ()) = tokio::join!(activity.idle(FIRST, BETWEEN), ends);
        assert_eq!(opened.elapsed(), Duration::from_secs(560));
    }
}
