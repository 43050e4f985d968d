//! What an addon may use.

use std::time::Duration;

use crate::flow::Collecting;

/// The limits of one addon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of memory of one instance: over all its memories, and what the host holds for it.
    pub memory: usize,
    /// Most time a hook may compute. Waiting for a body does not count.
    pub cpu: Duration,
    /// Most bytes of a body that the host collects for the addon.
    pub body: u64,
    /// Most time the host waits for a body.
    pub body_wait: Duration,
    /// Most instances at a time, and so most flows in its hooks at a time.
    pub instances: usize,
    /// Most time its preparation may take.
    pub configure: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            cpu: Duration::from_millis(50),
            body: 16 << 20,
            body_wait: Duration::from_secs(60),
            instances: 256,
            configure: Duration::from_secs(120),
        }
    }
}

impl Limits {
    /// The terms for a body when a component asks for at most `wanted` bytes.
    pub fn collecting(&self, wanted: u64) -> Collecting {
        Collecting { limit: wanted.min(self.body), within: self.body_wait }
    }
}
