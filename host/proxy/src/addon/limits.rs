//! What an addon may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::flow::Collecting;

/// The limits of one addon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of memory of one instance, over all its memories.
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

/// Table elements of one instance; a function table of a large program has some ten thousand.
const TABLE_ELEMENTS: usize = 100_000;

/// Counts the memory of one instance.
#[derive(Debug)]
pub struct MemoryMeter {
    limit: usize,
    used: usize,
    settled: usize,
    /// Whether the component was refused memory: says why it trapped soon after.
    pub exhausted: bool,
}

impl MemoryMeter {
    /// A meter that stops at a number of bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, used: 0, settled: 0, exhausted: false }
    }

    /// Takes what is used now as what the component needs to exist.
    pub fn settle(&mut self) {
        self.settled = self.used;
    }

    /// Whether the component has grown by half of what it may grow.
    pub fn is_high(&self) -> bool {
        self.used > self.settled + (self.limit - self.settled) / 2
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.exhausted = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
