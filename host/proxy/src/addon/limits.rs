//! What an addon may use.

use std::time::Duration;

use crate::flow::Collecting;

/// The limits of one addon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of memory of one instance: over all its memories, and what the host holds for it.
    pub memory: usize,
    /// Most time a hook may compute, beside what bodies give it. Waiting for a body does not count.
    pub cpu: Duration,
    /// More time to compute for each MiB of a body that a hook is given or sets.
    pub cpu_per_mib: Duration,
    /// Most time a hook may take in all, whatever it does. Waiting for a body does not count.
    pub hook: Duration,
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
            cpu_per_mib: Duration::from_millis(100),
            hook: Duration::from_secs(10),
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

    /// The time to compute that so many bytes of a body give a hook.
    pub fn cpu_for(&self, bytes: usize) -> Duration {
        self.cpu_per_mib.mul_f64(bytes as f64 / f64::from(1 << 20))
    }

    /// The most bytes that one call of the host carries, which are copied before anything else looks at them.
    pub fn crossing(&self) -> usize {
        usize::try_from(self.body).unwrap_or(usize::MAX).saturating_add(BESIDE_BODIES).min(self.memory)
    }

    /// The most bytes that bodies kept for the addon's flows may have together.
    pub fn kept(&self) -> usize {
        self.memory.saturating_mul(4)
    }
}

/// What a call may carry beside a body.
const BESIDE_BODIES: usize = 1 << 20;
