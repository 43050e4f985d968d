//! What a flow needs until it has ended.

use std::{any::Any, fmt, sync::Arc};

/// Keeps something alive until a response has been passed on, or a tunnel has ended.
#[derive(Clone, Default)]
pub struct Lease(Option<Arc<dyn Any + Send + Sync>>);

impl Lease {
    /// Keeps this alive.
    pub fn of(kept: Arc<dyn Any + Send + Sync>) -> Self {
        Self(Some(kept))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Lease").field(&self.0.is_some()).finish()
    }
}
