//! Instances of one addon, kept for the next flow.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::Either};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::JoinError,
};
use wasmtime::component::InstancePre;

use super::{
    bindings::{exports::proxyhost::addon::lifecycle::Readiness, proxyhost::addon::options::Value},
    call,
    commands::{self, Command},
    failure::HookFailure,
    instance::{Exports, Instance, Refusal},
    memory::Charge,
    scheduler::Scheduler,
    state::{Shared, State},
};
use crate::flow::{Body, Session};

/// Most time a flow waits for an instance when all are in use.
const WAIT: Duration = Duration::from_secs(10);

/// How many instances an addon has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// As many as there are flows, up to its limit.
    Many,
    /// One for all flows, one at a time: its memory is the addon's state.
    One,
    /// One, whose turn for a flow begins when the body has arrived that its hook reads.
    OneAfterBodies,
}

/// The instances of one addon.
pub struct Pool {
    /// A number for the addon, by which the scheduler knows its calls.
    id: u64,
    pre: InstancePre<State>,
    exports: Arc<Exports>,
    shared: Arc<Shared>,
    scheduler: Arc<Scheduler>,
    instances: Instances,
    /// Whether the addon is configured, so that further instances are started.
    is_configured: AtomicBool,
    idle: [Shelf; SHELVES],
    permits: Semaphore,
}

/// Idle instances: a thread takes those first that it used itself, whose memory is in its processor's caches. No two are in
/// one line of these.
#[derive(Default)]
#[repr(align(128))]
struct Shelf(Mutex<Vec<Instance>>);

/// More than that many threads share them.
const SHELVES: usize = 16;

impl Shelf {
    /// Takes the instance that was used last.
    fn take(&self) -> Option<Instance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, instance: Instance) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
    }
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
    pub fn new(
        pre: InstancePre<State>,
        exports: Arc<Exports>,
        shared: Arc<Shared>,
        scheduler: Arc<Scheduler>,
        instances: Instances,
    ) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let permits = Semaphore::new(match instances {
            Instances::Many => shared.limits.instances,
            Instances::One | Instances::OneAfterBodies => 1,
        });
        let id = LAST.fetch_add(1, Ordering::Relaxed);
        let is_configured = AtomicBool::new(false);
        Self { id, pre, exports, shared, scheduler, instances, is_configured, idle: Default::default(), permits }
    }

    /// Which hooks the component exports.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }

    /// What the instances share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether there is one instance, whose memory is the addon's state.
    pub fn is_singleton(&self) -> bool {
        self.instances != Instances::Many
    }

    /// Waits for a body that a singleton's hook will read, so that its turn is not spent on that. What this returns is to be
    /// held until the hook has run.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn arrived(&self, body: &Body) -> Result<Option<Charge>, HookFailure> {
        let limits = &self.shared.limits;
        let most = body.size().unwrap_or(limits.body);
        if self.instances != Instances::OneAfterBodies || !body.is_live() || most > limits.body {
            return Ok(None);
        }
        let bytes = usize::try_from(most).unwrap_or(usize::MAX);
        let charge = Charge::new(&self.shared.kept, bytes).map_err(|_| HookFailure::Busy)?;
        // The hook is told what keeps it from arriving.
        let _ = body.collect(limits.collecting(u64::MAX)).await;
        Ok(Some(charge))
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

    /// Configures the addon, in its first instance: whether its hooks are needed, or what is wrong.
    ///
    /// # Errors
    /// When it fails.
    pub async fn configure(self: &Arc<Self>) -> Result<Result<Readiness, Refusal>, HookFailure> {
        self.call(|pool| async move {
            let mut lease = pool.lease().await?;
            let readiness = match lease.instance.configure(&pool.exports).await? {
                Ok(readiness) => readiness,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for capability in pool.shared.capabilities() {
                capability.configured();
            }
            pool.is_configured.store(true, Ordering::Relaxed);
            let started = lease.instance.start(&pool.exports).await?;
            lease.give_back();
            Ok(started.map(|()| readiness))
        })
        .await
    }

    /// Runs a command, for a session.
    ///
    /// # Errors
    /// When it fails; what the command itself says against it comes as a text.
    pub async fn run(
        self: &Arc<Self>,
        command: &Command,
        arguments: Vec<Value>,
        session: Session,
    ) -> Result<Result<commands::Answer, String>, HookFailure> {
        let (name, place) = (command.name.clone(), command.place);
        self.call(|pool| async move {
            let mut lease = pool.lease().await?;
            let answer = match lease.instance.run(&pool.exports, place, (&name, &arguments), &session).await? {
                Ok(answer) => Ok(commands::answered(answer)?),
                Err(reason) => Err(reason),
            };
            lease.give_back();
            Ok(answer)
        })
        .await
    }

    /// Runs a call. It ends when this future is dropped; a singleton's does not, as its state would be lost.
    ///
    /// # Errors
    /// When the call fails.
    pub fn call<R, F>(
        self: &Arc<Self>,
        call: impl FnOnce(Arc<Self>) -> F,
    ) -> impl Future<Output = Result<R, HookFailure>> + Send
    where
        R: Send + 'static,
        F: Future<Output = Result<R, HookFailure>> + Send + 'static,
    {
        // Not within a block, which would carry along what the call takes with it.
        let running = call::run(self.scheduler.clone(), self.id, call(self.clone()));
        if !self.is_singleton() {
            return Either::Left(running);
        }
        let stopped = |stopped: JoinError| Err(HookFailure::Panicked(stopped.to_string()));
        Either::Right(tokio::spawn(running).map(move |called| called.unwrap_or_else(stopped)))
    }

    /// An instance for one call.
    ///
    /// # Errors
    /// When all are busy for too long, or a fresh one cannot be started.
    pub async fn lease(&self) -> Result<Lease<'_>, HookFailure> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => match tokio::time::timeout(WAIT, self.permits.acquire()).await {
                Ok(Ok(permit)) => permit,
                _ => return Err(HookFailure::Busy),
            },
        };
        let instance = match self.idle() {
            Some(instance) => instance,
            // Boxed, as it is large and rare.
            None => Box::pin(self.fresh()).await?,
        };
        Ok(Lease { instance, pool: self, _permit: permit })
    }

    /// An instance that is not in use, if there is one: rather one of this thread's than another's.
    fn idle(&self) -> Option<Instance> {
        let (before, from) = self.idle.split_at(shelf());
        from.iter().chain(before).find_map(Shelf::take)
    }

    /// A fresh instance, prepared for flows if the addon is configured.
    async fn fresh(&self) -> Result<Instance, HookFailure> {
        let mut instance = Instance::new(&self.pre, &self.exports, self.shared.clone()).await?;
        if !self.is_configured.load(Ordering::Relaxed) {
            return Ok(instance);
        }
        let refused = |refusal: Refusal| HookFailure::Unusable(format!("it could not start: {}", refusal.reason));
        if self.is_singleton() {
            // The one before is lost, and with it what its configuration left behind.
            instance.configure(&self.exports).await?.map_err(refused)?;
        }
        instance.start(&self.exports).await?.map_err(refused)?;
        Ok(instance)
    }
}

impl Lease<'_> {
    /// The instance.
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Keeps the instance for the next flow.
    pub fn give_back(mut self) {
        let is_kept = self.pool.is_singleton() || !self.instance.is_worn();
        if let Some(shelf) = self.pool.idle.get(shelf()).filter(|_| is_kept) {
            shelf.put(self.instance);
        }
    }
}

/// The place of this thread's instances among [`Pool::idle`].
fn shelf() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHELF: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHELVES;
    }
    SHELF.with(|shelf| *shelf)
}
