//! Instances of one addon, kept for the next flow.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::InstancePre;

use super::{
    instance::{Exports, HookFailure, Instance},
    state::{Shared, State},
};

/// Most time a flow waits for an instance when all are in use.
const WAIT: Duration = Duration::from_secs(10);

/// The instances of one addon.
pub struct Pool {
    pre: InstancePre<State>,
    exports: Exports,
    shared: Arc<Shared>,
    idle: Mutex<Vec<Instance>>,
    permits: Semaphore,
}

/// An instance in use. It goes back with [`Lease::give_back`]; dropped, it is lost, as it must be after a failure or
/// when the client left while a hook was waiting.
pub struct Lease<'a> {
    instance: Instance,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    /// No instances yet.
    pub fn new(pre: InstancePre<State>, exports: Exports, shared: Arc<Shared>, instances: usize) -> Self {
        Self { pre, exports, shared, idle: Mutex::default(), permits: Semaphore::new(instances) }
    }

    /// Which hooks the component exports.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }

    /// Opens files again that others may have put away.
    pub fn reopen(&self) {
        self.shared.capabilities().iter().for_each(|capability| capability.reopen());
    }

    /// Waits until nothing is left to be done for the addon.
    pub async fn finish(&self) {
        for capability in self.shared.capabilities() {
            capability.finish().await;
        }
    }

    /// An instance for one call.
    ///
    /// # Errors
    /// When all are busy for too long, or a fresh one cannot be started.
    pub async fn lease(&self) -> Result<Lease<'_>, HookFailure> {
        let Ok(Ok(permit)) = tokio::time::timeout(WAIT, self.permits.acquire()).await else {
            return Err(HookFailure::Busy);
        };
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match kept {
            Some(instance) => instance,
            None => Instance::new(&self.pre, &self.exports, self.shared.clone()).await?,
        };
        Ok(Lease { instance, pool: self, _permit: permit })
    }
}

impl Lease<'_> {
    /// The instance.
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Keeps the instance for the next flow.
    pub fn give_back(mut self) {
        if !self.instance.is_worn() {
            // The one used last is used next: its memory is still in the processor's caches.
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.instance);
        }
    }
}
