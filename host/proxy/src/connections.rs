//! How many connections there are of a kind.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts connections of a kind. Clones count the same ones.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    opened: AtomicU64,
    closed: AtomicU64,
}

/// A connection that is counted as open until this is dropped.
#[derive(Debug)]
pub struct Open(Connections);

impl Connections {
    /// Counts one more.
    pub fn begin(&self) -> Open {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    /// How many were opened so far.
    pub fn opened(&self) -> u64 {
        self.0.opened.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub fn open(&self) -> u64 {
        let closed = self.0.closed.load(Ordering::Relaxed);
        self.opened().saturating_sub(closed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Self(connections) = self;
        connections.0.closed.fetch_add(1, Ordering::Relaxed);
    }
}
