//! What a call waits for, and the time that it may take in all.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// How long the call of an instance has waited for what has a time limit of its own, such as a body.
#[derive(Debug, Default)]
pub struct Waits(Mutex<Waited>);

#[derive(Debug, Default)]
struct Waited {
    before: Duration,
    since: Option<Instant>,
}

impl Waits {
    /// Waits for something that has a time limit of its own.
    pub async fn during<T>(&self, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        // Most is there already.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(wait.as_mut().poll(context))).await {
            return done;
        }
        self.lock().since = Some(Instant::now());
        let _over = Over(self);
        wait.await
    }

    /// Lets a call run for so long, beside what it waits; `None` when it did not end. It is dropped then.
    ///
    /// Each poll of this polls the call once: one that yields lets others run at once.
    pub async fn bound<T>(&self, limit: Duration, call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(call);
        *self.lock() = Waited::default();
        // Most are done at once, and take no timer.
        let mut timer = None;
        poll_fn(|context| {
            if let Poll::Ready(done) = call.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            let (began, timer) = timer.get_or_insert_with(|| {
                let began = Instant::now();
                (began, Box::pin(sleep_until(began + limit)))
            });
            while timer.as_mut().poll(context).is_ready() {
                let (now, end) = (Instant::now(), *began + limit + self.so_far());
                if now >= end && !self.is_waiting() {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(end.max(now + LEAST));
            }
            Poll::Pending
        })
        .await
    }

    fn so_far(&self) -> Duration {
        let waited = self.lock();
        waited.before + waited.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn is_waiting(&self) -> bool {
        self.lock().since.is_some()
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Waited> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often it is looked whether a call that waits has come to its end.
const LEAST: Duration = Duration::from_millis(10);

/// Ends a wait.
struct Over<'a>(&'a Waits);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut waited = self.0.lock();
        if let Some(since) = waited.since.take() {
            waited.before += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_end_is_dropped() {
        let waits = Waits::default();
        let began = Instant::now();
        assert_eq!(waits.bound(LIMIT, std::future::pending::<()>()).await, None);
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test]
    async fn a_call_that_yields_lets_others_run_at_once() {
        let waits = Waits::default();
        let mut polls = 0;
        let yielding = poll_fn(|_| {
            polls += 1;
            Poll::<()>::Pending
        });
        {
            let mut bound = pin!(waits.bound(LIMIT, yielding));
            let first = poll_fn(|context| Poll::Ready(bound.as_mut().poll(context))).await;
            assert!(first.is_pending());
        }
        assert_eq!(polls, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_what_has_a_limit_of_its_own_does_not_count() {
        let waits = Waits::default();
        let began = Instant::now();
        let call = async {
            tokio::time::sleep(LIMIT / 2).await;
            waits.during(tokio::time::sleep(3 * LIMIT)).await;
            tokio::time::sleep(LIMIT).await;
        };
        assert_eq!(waits.bound(LIMIT, call).await, None);
        assert_eq!(began.elapsed().as_secs(), 40);
        assert_eq!(waits.bound(LIMIT, waits.during(tokio::time::sleep(2 * LIMIT))).await, Some(()));
    }
}
