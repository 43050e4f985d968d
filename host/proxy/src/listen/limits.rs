//! How much the listeners take on.

/// How much goes on at once, of all listeners together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Most connections of clients. Those inside a tunnel count as the one that carries it.
    pub connections: usize,
    /// Most flows that have begun and not ended.
    pub flows: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self { connections: 10_000, flows: 2_000 }
    }
}
