//! Lines of flows that nobody would see.

use tracing::{Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{Layer, layer::Context};

use super::StandardError;
use crate::journal::ACCESS;

/// Has lines of flows made only where they are written: there is one for each flow.
pub(super) struct SeenFlows(StandardError);

impl SeenFlows {
    pub(super) fn new(to: StandardError) -> Self {
        Self(to)
    }
}

impl<S: Subscriber> Layer<S> for SeenFlows {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == ACCESS { Interest::sometimes() } else { Interest::always() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() != ACCESS || !self.0.gives_way()
    }
}
