//! Whether a connection has exchanges under way, so that one that is idle, or only makes work, can be closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::socket::Peer;

/// How long an answer may take to begin, and to go on, when the client has closed its side of the connection.
const BEGINS_WITHIN: Duration = Duration::from_secs(1);
const GOES_ON_WITHIN: Duration = Duration::from_secs(5);

/// How often that is looked after.
const LOOKED_AFTER: Duration = Duration::from_millis(250);

/// The exchanges of one connection.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    opened: Instant,
    under_way: AtomicUsize,
    /// Those of them whose answer has not begun.
    unanswered: AtomicUsize,
    /// Milliseconds from the connection's start to the end of its last exchange; 0 before there was one.
    last_ended: AtomicU64,
    /// Bytes that came since the last exchange began, while none was under way.
    unasked: AtomicUsize,
    flooded: Notify,
}

/// Most bytes that a client may send while it asks for nothing: more than the head of a request, and far more than the frames
/// by which HTTP/2 keeps a connection (RFC 9113 §10.5).
const UNASKED: usize = 256 * 1024;

impl Activity {
    /// That of a connection that was opened now.
    pub(super) fn new() -> Self {
        let (under_way, unanswered, last_ended, unasked, flooded) = Default::default();
        Self(Arc::new(Counts { opened: Instant::now(), under_way, unanswered, last_ended, unasked, flooded }))
    }

    /// An exchange begins, and is under way as long as what this returns lives.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        self.0.unanswered.fetch_add(1, Ordering::Relaxed);
        self.0.unasked.store(0, Ordering::Relaxed);
        UnderWay { activity: self.clone(), is_answered: false }
    }

    /// Bytes have come from the client.
    pub(super) fn received(&self, bytes: usize) {
        if self.0.under_way.load(Ordering::Relaxed) > 0 {
            return;
        }
        let before = self.0.unasked.fetch_add(bytes, Ordering::Relaxed);
        if before <= UNASKED && before.saturating_add(bytes) > UNASKED {
            self.0.flooded.notify_one();
        }
    }

    /// Waits until the client has sent too much without asking for anything.
    pub(super) async fn flooded(&self) {
        self.0.flooded.notified().await;
    }

    /// Waits until the client has left: it reset the connection, or it sends nothing more and nothing goes to it although an
    /// exchange is under way. One that closed its side only may still read, so it is left some time.
    pub(super) async fn abandoned(&self, peer: &Peer) {
        peer.finished().await;
        tokio::select! {
            () = peer.reset() => {}
            () = self.silent(peer) => {}
        }
    }

    async fn silent(&self, peer: &Peer) {
        let (mut written, mut since) = (peer.written(), Instant::now());
        loop {
            tokio::time::sleep(LOOKED_AFTER).await;
            let now = peer.written();
            if now != written || self.0.under_way.load(Ordering::Relaxed) == 0 {
                (written, since) = (now, Instant::now());
            }
            let is_answered = self.0.unanswered.load(Ordering::Relaxed) == 0;
            if since.elapsed() >= if is_answered { GOES_ON_WITHIN } else { BEGINS_WITHIN } {
                return;
            }
        }
    }

    /// Since when nothing was under way that is over: the end of the last exchange, or the connection's start.
    pub(super) fn quiet_since(&self) -> Instant {
        self.0.opened + Duration::from_millis(self.0.last_ended.load(Ordering::Relaxed))
    }

    /// Waits until nothing was under way for a time after an exchange, or twice that.
    pub(super) async fn unasked_for(&self, time: Duration) {
        loop {
            let last_ended = self.0.last_ended.load(Ordering::Relaxed);
            tokio::time::sleep(time).await;
            let is_idle = last_ended > 0 && self.0.under_way.load(Ordering::Relaxed) == 0;
            if is_idle && self.0.last_ended.load(Ordering::Relaxed) == last_ended {
                return;
            }
        }
    }

    /// Waits until nothing was under way for a time: `first` for the first exchange, `between` for all others.
    pub(super) async fn idle(&self, first: Duration, between: Duration) {
        loop {
            let last_ended = self.0.last_ended.load(Ordering::Relaxed);
            let limit = if last_ended == 0 { first } else { between };
            let since = match self.0.under_way.load(Ordering::Relaxed) {
                0 => self.quiet_since(),
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
pub(super) struct UnderWay {
    activity: Activity,
    is_answered: bool,
}

impl UnderWay {
    /// Something that goes on after the exchange, such as the tunnel that it opened.
    pub(super) fn beyond(&self) -> Self {
        let mut beyond = self.activity.begin();
        beyond.answered();
        beyond
    }

    /// The answer begins.
    pub(super) fn answered(&mut self) {
        if !std::mem::replace(&mut self.is_answered, true) {
            self.activity.0.unanswered.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.answered();
        let counts = &self.activity.0;
        let since = u64::try_from(counts.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        counts.last_ended.store(since.max(1), Ordering::Relaxed);
        counts.under_way.fetch_sub(1, Ordering::Relaxed);
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
