//! What is counted of flows.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control::SessionInfo;

use crate::flow::FaultKind;

/// How many flows there were, and what became of them. Each number is right by itself.
#[derive(Debug, Default)]
pub(super) struct Tally {
    begun: AtomicU64,
    ended: AtomicU64,
    answered: AtomicU64,
    forwarded: AtomicU64,
    killed: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    missed: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    microseconds: AtomicU64,
    /// By the name of the failure; not asked for unless one happens.
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

/// What became of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Answered,
    Forwarded,
    Killed,
}

impl Tally {
    pub(super) fn begin(&self) {
        add(&self.begun, 1);
    }

    pub(super) fn decide(&self, became: Became) {
        add(
            match became {
                Became::Answered => &self.answered,
                Became::Forwarded => &self.forwarded,
                Became::Killed => &self.killed,
            },
            1,
        );
    }

    pub(super) fn fail(&self, kind: FaultKind) {
        add(&self.failed, 1);
        *self.lock().entry(kind.name()).or_default() += 1;
    }

    pub(super) fn refuse(&self, kind: FaultKind) {
        add(&self.refused, 1);
        *self.lock().entry(kind.name()).or_default() += 1;
    }

    pub(super) fn miss(&self) {
        add(&self.missed, 1);
    }

    /// A flow ended after this time, with so many bytes of content each way.
    pub(super) fn end(&self, received: u64, sent: u64, after: Duration) {
        add(&self.ended, 1);
        add(&self.received, received);
        add(&self.sent, sent);
        add(&self.microseconds, u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn flows(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Flows by what became of them.
    pub(super) fn outcomes(&self) -> [(&'static str, u64); 5] {
        [
            ("answered", &self.answered),
            ("forwarded", &self.forwarded),
            ("killed", &self.killed),
            ("failed", &self.failed),
            ("refused", &self.refused),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }

    /// Failures by their names (RFC 9209 §2.3).
    pub(super) fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    /// Flows that have not ended.
    pub(super) fn under_way(&self) -> u64 {
        // In this order, so that one that ends meanwhile is not subtracted without having been counted.
        let ended = self.ended.load(Ordering::Relaxed);
        self.flows().saturating_sub(ended)
    }

    /// Another number each time something has become of a flow.
    pub(super) fn changes(&self) -> u64 {
        let counts = [&self.begun, &self.answered, &self.forwarded, &self.killed, &self.failed, &self.ended];
        counts.iter().fold(0, |changes, count| changes.wrapping_add(count.load(Ordering::Acquire)))
    }

    /// Bytes of content that were received from clients, and sent to them.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }

    /// Seconds that flows took, from the request's head to their end.
    pub(super) fn seconds(&self) -> f64 {
        self.microseconds.load(Ordering::Relaxed) as f64 / 1e6
    }

    pub(super) fn shown(&self, name: String) -> SessionInfo {
        SessionInfo { name, flows: self.flows(), misses: self.missed(), failures: self.failed(), used: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(to: &AtomicU64, count: u64) {
    // Whoever sees the number sees what was written before it was counted.
    to.fetch_add(count, Ordering::Release);
}
