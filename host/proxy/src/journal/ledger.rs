//! What went wrong: misses and failures, the latest of them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use control::{Failure, Miss};

use super::{Entry, shown};
use crate::flow::{Fault, Note, Session};

/// Misses and failures.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    misses: Mutex<Lines<Arc<Note>>>,
    failures: Mutex<Lines<Fault>>,
}

/// What went wrong with flows, the oldest first.
#[derive(Debug)]
struct Lines<T> {
    lines: VecDeque<Line<T>>,
    /// Of all of them.
    bytes: usize,
}

#[derive(Debug)]
struct Line<T> {
    flow: u64,
    session: Session,
    /// Method and URL, without the values of the query.
    request: String,
    what: T,
    bytes: usize,
}

/// Most lines of each kind, and most bytes of them.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 8 << 20;

impl Ledger {
    /// A flow was missed, as a note of it says.
    pub(super) fn miss(&self, entry: &Entry, note: Arc<Note>) {
        let bytes = note.text.len() + note.data.as_ref().map_or(0, String::len);
        lock(&self.misses).add(entry, note, bytes);
    }

    /// A flow failed.
    pub(super) fn fail(&self, entry: &Entry, fault: Fault) {
        let bytes = fault.detail.len();
        lock(&self.failures).add(entry, fault, bytes);
    }

    /// The misses of a session, or all.
    pub(super) fn misses(&self, session: Option<&str>) -> Vec<Miss> {
        let miss = |line: &Line<Arc<Note>>| Miss {
            flow: line.flow,
            session: line.session.name().to_owned(),
            request: line.request.clone(),
            reason: line.what.text.clone(),
            data: shown::data(&line.what),
        };
        lock(&self.misses).of(session).map(miss).collect()
    }

    /// The failures of a session, or all.
    pub(super) fn failures(&self, session: Option<&str>) -> Vec<Failure> {
        let failure = |line: &Line<Fault>| Failure {
            flow: line.flow,
            session: line.session.name().to_owned(),
            request: line.request.clone(),
            error: line.what.kind.name().to_owned(),
            detail: line.what.detail.clone(),
        };
        lock(&self.failures).of(session).map(failure).collect()
    }

    /// Forgets those of a session, or all.
    pub(super) fn reset(&self, session: Option<&str>) {
        lock(&self.misses).reset(session);
        lock(&self.failures).reset(session);
    }
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self { lines: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Lines<T> {
    fn add(&mut self, entry: &Entry, what: T, bytes: usize) {
        let request = shown::request_line(&entry.progress().heads.request());
        let bytes = bytes + request.len();
        self.lines.push_back(Line { flow: entry.flow, session: entry.session.clone(), request, what, bytes });
        self.bytes += bytes;
        while self.lines.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }

    fn of(&self, session: Option<&str>) -> impl Iterator<Item = &Line<T>> {
        self.lines.iter().filter(move |line| session.is_none_or(|session| session == line.session.name()))
    }

    fn reset(&mut self, session: Option<&str>) {
        self.lines.retain(|line| session.is_some_and(|session| session != line.session.name()));
        self.bytes = self.lines.iter().map(|line| line.bytes).sum();
    }
}

/// Nothing panics while it is held that could leave it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
