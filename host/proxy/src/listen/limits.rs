//! What clients may use at most.

use std::time::Duration;

/// Bounds on what all clients together may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Most connections of clients. Those inside a tunnel count as the one that carries it. Further ones wait until one
    /// closes.
    pub connections: usize,
    /// Most flows at a time, from a request's head to the end of its response. Further ones are answered with a 503.
    pub flows: usize,
    /// Most time in which nothing passes through a tunnel whose content is not HTTP, or on an upgraded connection.
    pub tunnel_idle: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self { connections: 10_000, flows: 2_000, tunnel_idle: Duration::from_secs(3600) }
    }
}
