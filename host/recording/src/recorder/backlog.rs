//! How far the recorder's thread is behind those who hand in, and who waits for it.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use super::Tally;

/// What was handed in and not dealt with yet, and what came of the rest.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    bytes: AtomicU64,
    /// Flows that were refused because too much was waiting, and not counted elsewhere yet.
    refused: AtomicU64,
    written: AtomicU64,
    lost: AtomicU64,
    /// Whether nothing is recorded any more, so that nobody has to wait.
    is_over: AtomicBool,
    /// Who waits for room, by the number of the content.
    waiting: Mutex<HashMap<u64, Vec<Waker>>>,
}

impl Backlog {
    pub(super) fn grow(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn shrink(&self, bytes: u64) {
        let left = self.bytes.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes);
        // Not at the limit already, or those who wake would stop again at once.
        if left <= LIMIT / 2 {
            self.wake();
        }
    }

    /// Whether a flow may be handed in. What it holds in memory is let go otherwise, and the flow counts as lost.
    pub(super) fn admits_flow(&self) -> bool {
        let is_admitted = self.bytes.load(Ordering::Relaxed) <= HARD_LIMIT;
        if !is_admitted {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.lose();
        }
        is_admitted
    }

    /// How many flows were refused since this was asked last.
    pub(super) fn take_refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }

    /// Counts a flow that was written.
    pub(super) fn write(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a flow that was lost.
    pub(super) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(super) fn tally(&self) -> Tally {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally { waiting_bytes: count(&self.bytes), written: count(&self.written), lost: count(&self.lost) }
    }

    /// Nothing is recorded from now on.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Ready if more may be handed in for a content; otherwise its task is woken when that is so.
    pub(super) fn poll_room(&self, content: u64, context: &mut Context<'_>) -> Poll<()> {
        if self.has_room() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever makes room looks for wakers afterwards, and behind this lock.
        if self.has_room() {
            return Poll::Ready(());
        }
        let wakers = waiting.entry(content).or_default();
        if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            wakers.push(context.waker().clone());
        }
        Poll::Pending
    }

    fn has_room(&self) -> bool {
        self.is_over() || self.bytes.load(Ordering::Relaxed) <= LIMIT
    }

    fn wake(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_values().flatten().for_each(Waker::wake);
    }
}

/// How much may wait for a slow disk before bodies wait too.
pub(super) const LIMIT: u64 = 32 * 1024 * 1024;
/// How much may wait before flows are lost: those without a body do not wait for room.
const HARD_LIMIT: u64 = 2 * LIMIT;

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, atomic::AtomicUsize},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls for room, and answers whether there is, and the count of wakes.
    fn poll(backlog: &Backlog, content: u64, woken: &Arc<Woken>) -> (bool, usize) {
        let waker = woken.clone().into();
        let ready = backlog.poll_room(content, &mut Context::from_waker(&waker)).is_ready();
        (ready, woken.0.load(Ordering::Relaxed))
    }

    #[test]
    fn those_who_wait_are_woken_once_when_half_is_done() {
        let (backlog, first, second) = (Backlog::default(), Arc::default(), Arc::default());
        backlog.grow(LIMIT);
        assert_eq!(poll(&backlog, 1, &first), (true, 0));
        backlog.grow(1);
        for _ in 0..3 {
            assert_eq!(poll(&backlog, 1, &first), (false, 0));
        }
        assert_eq!(poll(&backlog, 2, &second), (false, 0));
        backlog.shrink(LIMIT / 2);
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        backlog.shrink(1);
        assert_eq!(poll(&backlog, 1, &first), (true, 1));
        assert_eq!(poll(&backlog, 2, &second), (true, 1));
        assert!(backlog.waiting.lock().unwrap().is_empty());
    }

    #[test]
    fn two_tasks_may_wait_for_one_content() {
        let (backlog, first, second) = (Backlog::default(), Arc::default(), Arc::default());
        backlog.grow(LIMIT + 1);
        assert_eq!(poll(&backlog, 1, &first), (false, 0));
        assert_eq!(poll(&backlog, 1, &second), (false, 0));
        backlog.shrink(LIMIT + 1);
        assert_eq!((poll(&backlog, 1, &first), poll(&backlog, 1, &second)), ((true, 1), (true, 1)));
    }

    #[test]
    fn flows_are_refused_and_counted_while_twice_too_much_waits() {
        let backlog = Backlog::default();
        backlog.grow(HARD_LIMIT);
        assert!(backlog.admits_flow());
        backlog.grow(1);
        assert!(!backlog.admits_flow() && !backlog.admits_flow());
        assert_eq!((backlog.take_refused(), backlog.take_refused()), (2, 0));
        backlog.shrink(1);
        assert!(backlog.admits_flow());
    }

    #[test]
    fn nobody_waits_for_a_recorder_that_is_over() {
        let (backlog, woken) = (Backlog::default(), Arc::default());
        backlog.grow(LIMIT * 2);
        assert_eq!(poll(&backlog, 1, &woken), (false, 0));
        backlog.end();
        assert!(backlog.is_over());
        assert_eq!(poll(&backlog, 1, &woken), (true, 1));
    }
}
