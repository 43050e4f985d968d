//! A hook that keeps failing is not called for a while: calls that fail cost time, and their failures are known.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// So many failures within this time turn a hook off.
const FAILURES: usize = 5;
const WITHIN: Duration = Duration::from_secs(10);

/// How long it is off: at first, and at most. The time doubles when it is turned off again soon.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Without being turned off for so long after it is on again, a hook starts anew.
const FORGIVEN: Duration = Duration::from_secs(60);

/// Watches the failures of one hook of one addon.
#[derive(Debug, Default)]
pub struct Breaker {
    /// Whether it is off, or was so long that nobody has looked since: what most calls look at.
    is_open: AtomicBool,
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    failures: VecDeque<Instant>,
    off: Option<Off>,
}

#[derive(Clone, Copy, Debug)]
struct Off {
    until: Instant,
    lasts: Duration,
}

impl Breaker {
    /// How long the hook is still off, if it is.
    pub fn off_for(&self) -> Option<Duration> {
        if !self.is_open.load(Ordering::Relaxed) {
            return None;
        }
        let past = self.lock();
        let left =
            past.off.map(|off| off.until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
        if left.is_none() {
            self.is_open.store(false, Ordering::Relaxed);
        }
        left
    }

    /// Takes note of a failure; how long the hook is off from now on, if this turns it off.
    pub fn failed(&self) -> Option<Duration> {
        let mut past = self.lock();
        let now = Instant::now();
        if past.off.is_some_and(|off| now < off.until) {
            // It was called before the hook was turned off.
            return None;
        }
        while past.failures.front().is_some_and(|&failure| now.duration_since(failure) > WITHIN) {
            past.failures.pop_front();
        }
        past.failures.push_back(now);
        if past.failures.len() < FAILURES {
            return None;
        }
        past.failures.clear();
        let lasts = match past.off {
            Some(off) if now.duration_since(off.until) < FORGIVEN => (off.lasts * 2).min(LONGEST),
            _ => FIRST,
        };
        past.off = Some(Off { until: now + lasts, lasts });
        self.is_open.store(true, Ordering::Relaxed);
        Some(lasts)
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    /// Fails as often as it takes; how long the hook is off then.
    fn fail_until_off(breaker: &Breaker) -> Duration {
        for _ in 1..FAILURES {
            assert_eq!(breaker.failed(), None);
        }
        assert_eq!(breaker.off_for(), None);
        breaker.failed().expect("it is off")
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_keeps_failing_is_off_for_longer_and_longer() {
        let breaker = Breaker::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let off = Duration::from_secs(seconds);
            assert_eq!(fail_until_off(&breaker), off);
            assert_eq!(breaker.off_for(), Some(off));
            after(seconds).await;
            assert_eq!(breaker.off_for(), None);
        }
        after(FORGIVEN.as_secs()).await;
        assert_eq!(fail_until_off(&breaker), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_far_apart_are_none_of_its_business() {
        let breaker = Breaker::default();
        for _ in 0..4 * FAILURES {
            assert_eq!(breaker.failed(), None);
            after(3).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_under_way_do_not_make_it_longer() {
        let breaker = Breaker::default();
        fail_until_off(&breaker);
        for _ in 0..3 * FAILURES {
            assert_eq!(breaker.failed(), None);
        }
        after(1).await;
        assert_eq!(breaker.off_for(), None);
    }
}
