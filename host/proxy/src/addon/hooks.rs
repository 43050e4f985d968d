//! An addon that is ready: calls to its hooks, and what a failure of them means.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use control::{Family, Inventory};
use futures_util::{
    FutureExt,
    future::{self, Either},
};
use tracing::{debug, error, warn};

use super::{
    action::Action,
    breaker::Breaker,
    commands::{Answer, Command, CommandError},
    failure::HookFailure,
    options::{Value, Values},
    pool::Pool,
    state::Shared,
};
use crate::flow::{Fault, FaultKind, FlowId, Request, Response, Session};

/// What happens to a flow when a hook fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The client gets an error.
    #[default]
    Fail,
    /// The flow goes on as if the addon were not there.
    Skip,
}

/// An addon that is ready to be called.
pub struct Addon {
    name: Arc<str>,
    pool: Arc<Pool>,
    duty: Duty,
    on_failure: OnFailure,
    request: Hook,
    response: Hook,
    error: Hook,
}

/// What an addon has to do with the options it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Its hooks are called.
    Active,
    /// Its hooks are called, and what no addon answers is not sent to any server.
    Offline,
    /// There is nothing to do.
    Idle,
}

/// One of an addon's hooks.
#[derive(Debug)]
struct Hook {
    name: &'static str,
    breaker: Breaker,
    counts: Arc<Counts>,
}

/// What is counted of a hook for as long as there is an addon of its name.
#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    failures: AtomicU64,
    nanoseconds: AtomicU64,
}

/// How often a hook was called, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookCount {
    /// `request`, `response` or `error`.
    pub hook: &'static str,
    /// Calls.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Time that they took, waiting included.
    pub time: Duration,
}

impl Hook {
    fn new(name: &'static str) -> Self {
        Self { name, breaker: Breaker::default(), counts: Arc::default() }
    }
}

impl fmt::Debug for Addon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Addon").field("name", &self.name).field("duty", &self.duty).finish_non_exhaustive()
    }
}

impl Addon {
    /// An addon that is configured.
    pub(super) fn new(name: String, pool: Arc<Pool>, duty: Duty, on_failure: OnFailure) -> Self {
        let [request, response, error] = ["request", "response", "error"].map(Hook::new);
        Self { name: name.into(), pool, duty, on_failure, request, response, error }
    }

    /// Goes on counting where the addon of its name in the configuration before is, whose flows may not have ended.
    pub(super) fn counting_on(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before {
            self.request.counts = before.request.counts.clone();
            self.response.counts = before.response.counts.clone();
            self.error.counts = before.error.counts.clone();
        }
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name, for what outlives it.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// What it has to do with the options it got.
    pub fn duty(&self) -> Duty {
        self.duty
    }

    /// What belongs to all its instances.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.pool.shared()
    }

    /// The values of its options.
    pub fn options(&self) -> &Values {
        &self.pool.shared().options
    }

    /// Runs a command that it offers, for a session.
    ///
    /// # Errors
    /// When the addon failed, or says why not.
    pub async fn run(
        &self,
        command: &Command,
        arguments: Vec<Value>,
        session: &Session,
    ) -> Result<Answer, CommandError> {
        let arguments = arguments.into_iter().map(Into::into).collect();
        match self.pool.run(command, arguments, session.clone()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(reason)) => {
                let end = reason.floor_char_boundary(LONGEST_REASON);
                let reason = oneline::escaped(reason.get(..end).unwrap_or_default());
                Err(CommandError::Refused { addon: self.name.to_string(), reason })
            }
            Err(source) => {
                if self.pool.is_singleton() && !matches!(source, HookFailure::Busy) {
                    warn!(addon = %self.name, "what the addon kept in its memory is lost; it is configured anew");
                }
                Err(CommandError::Failed { addon: self.name.to_string(), source })
            }
        }
    }

    /// How often each of its hooks was called.
    pub fn hook_counts(&self) -> [HookCount; 3] {
        [&self.request, &self.response, &self.error].map(|hook| HookCount {
            hook: hook.name,
            calls: hook.counts.calls.load(Ordering::Relaxed),
            failures: hook.counts.failures.load(Ordering::Relaxed),
            time: Duration::from_nanos(hook.counts.nanoseconds.load(Ordering::Relaxed)),
        })
    }

    /// Bytes that are kept for its flows beyond its calls.
    pub fn kept_bytes(&self) -> usize {
        self.pool.shared().kept.used()
    }

    /// How many instances it has, and how much memory these have together.
    pub fn instances(&self) -> (usize, usize) {
        self.pool.shared().accounts.sum()
    }

    /// Numbers for monitoring of what it can do beyond its flows.
    pub fn numbers(&self) -> Vec<Family> {
        self.pool.shared().capabilities().iter().flat_map(|state| state.numbers(&self.name)).collect()
    }

    /// What it replays, with the hits of a session, or of all.
    pub fn inventory(&self, session: Option<&Session>) -> Inventory {
        let states = self.pool.shared().capabilities().iter();
        states.flat_map(|state| state.inventory(&self.name, session)).collect()
    }

    /// How many of what it replays were replayed in a session.
    pub fn used(&self, session: &Session) -> u64 {
        self.pool.shared().capabilities().iter().map(|state| state.used(session)).sum()
    }

    /// Whether all that it could replay was replayed; nothing if there is nothing.
    pub fn is_used_up(&self) -> Option<bool> {
        let states = self.pool.shared().capabilities().iter();
        states.filter_map(|state| state.is_used_up()).reduce(|one, other| one && other)
    }

    /// Forgets what was used in a session, or in all.
    pub fn forget(&self, session: Option<&Session>) {
        self.pool.shared().capabilities().iter().for_each(|state| state.forget(session));
    }

    /// Opens files again that others may have put away.
    pub fn reopen(&self) {
        self.pool.reopen();
    }

    /// Waits until nothing is left to be done for it. For when no flow is left.
    pub async fn finish(&self) {
        self.pool.finish().await;
    }

    /// Whether its request hook is to be called.
    pub fn sees_requests(&self) -> bool {
        self.is_active() && self.pool.exports().request.is_some()
    }

    /// Whether its response hook is to be called.
    pub fn sees_responses(&self) -> bool {
        self.is_active() && self.pool.exports().response.is_some()
    }

    /// Whether its error hook is to be called.
    pub fn sees_errors(&self) -> bool {
        self.is_active() && self.pool.exports().error.is_some()
    }

    fn is_active(&self) -> bool {
        self.duty != Duty::Idle
    }

    /// What the addon wants done with a request.
    ///
    /// # Errors
    /// When the hook failed and the addon's policy is to fail.
    pub async fn on_request(&self, request: &Request) -> Result<Action<Box<Request>>, Fault> {
        // Boxed, as it is handed on many times.
        let copy = Box::new(request.clone());
        let called = self
            .call(&self.request, request.flow, |pool| async move {
                let _body = pool.arrived(&copy.body).await?;
                let mut lease = pool.lease().await?;
                let done = lease.instance().on_request(copy).await?;
                lease.give_back();
                Ok(done)
            })
            .await;
        self.settle(called, || Action::Next(Box::new(request.clone())))
    }

    /// What the addon wants done with a response. The request is as it was sent.
    ///
    /// # Errors
    /// When the hook failed and the addon's policy is to fail.
    pub async fn on_response(&self, request: &Request, response: &Response) -> Result<Action<Box<Response>>, Fault> {
        let copies = (Box::new(request.clone()), Box::new(response.clone()));
        let called = self
            .call(&self.response, request.flow, |pool| async move {
                let _body = pool.arrived(&copies.1.body).await?;
                let mut lease = pool.lease().await?;
                let done = lease.instance().on_response(copies.0, copies.1).await?;
                lease.give_back();
                Ok(done)
            })
            .await;
        self.settle(called, || Action::Next(Box::new(response.clone())))
    }

    /// Tells the addon that a request got no response.
    ///
    /// # Errors
    /// When the hook failed and the addon's policy is to fail.
    pub async fn on_error(&self, request: &Request, fault: &Fault) -> Result<(), Fault> {
        let (copy, kind, detail) = (Box::new(request.clone()), fault.kind.name(), fault.detail.clone());
        let called = self
            .call(&self.error, request.flow, |pool| async move {
                let mut lease = pool.lease().await?;
                lease.instance().on_error(copy, kind, &detail).await?;
                lease.give_back();
                Ok(())
            })
            .await;
        self.settle(called, || ())
    }

    /// Calls a hook, unless it failed too often just now.
    fn call<R, F>(
        &self,
        hook: &Hook,
        flow: FlowId,
        call: impl FnOnce(Arc<Pool>) -> F,
    ) -> impl Future<Output = Result<R, HookFailure>> + Send
    where
        R: Send + 'static,
        F: Future<Output = Result<R, HookFailure>> + Send + 'static,
    {
        if let Some(left) = hook.breaker.off_for() {
            return Either::Left(future::ready(Err(HookFailure::Off(left))));
        }
        let began = Instant::now();
        Either::Right(self.pool.call(call).map(move |called| {
            hook.counts.calls.fetch_add(1, Ordering::Relaxed);
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            hook.counts.nanoseconds.fetch_add(took, Ordering::Relaxed);
            called.inspect_err(|failure| {
                hook.counts.failures.fetch_add(1, Ordering::Relaxed);
                self.failed(hook, flow, failure);
            })
        }))
    }

    /// Takes note of a failure.
    fn failed(&self, hook: &Hook, flow: FlowId, failure: &HookFailure) {
        let (addon, flow, policy) = (self.name(), flow.0, self.on_failure);
        let log = &self.pool.shared().log;
        let is_new = log.is_new_failure(hook.name, failure.kind());
        if is_new {
            error!(flow, addon, hook = hook.name, ?policy, "addon failed: {failure}");
        } else {
            debug!(flow, addon, hook = hook.name, ?policy, "addon failed: {failure}");
        }
        if matches!(failure, HookFailure::Busy) {
            return;
        }
        if is_new && self.pool.is_singleton() {
            warn!(flow, addon, "what the addon kept in its memory is lost; it is configured anew");
        }
        if let Some(off) = hook.breaker.failed() {
            error!(addon, hook = hook.name, ?policy, "addon failed too often: its hook is not called for {off:?}");
        }
    }

    fn settle<R>(&self, called: Result<R, HookFailure>, untouched: impl FnOnce() -> R) -> Result<R, Fault> {
        let failure = match called {
            Ok(result) => return Ok(result),
            Err(failure) => failure,
        };
        let addon = self.name();
        match (self.on_failure, failure) {
            (OnFailure::Skip, _) => Ok(untouched()),
            (OnFailure::Fail, HookFailure::Busy) => {
                Err(Fault::new(FaultKind::Busy, format!("addon `{addon}` is busy")))
            }
            (OnFailure::Fail, HookFailure::Off(_)) => Err(Fault::new(
                FaultKind::Addon,
                format!("addon `{addon}` failed too often, and is not called for now"),
            )),
            // The reason is in the log; what a component writes is not for clients.
            (OnFailure::Fail, _) => Err(Fault::new(FaultKind::Addon, format!("addon `{addon}` failed"))),
        }
    }
}

/// Most bytes shown of the reason that an addon gives.
pub(super) const LONGEST_REASON: usize = 4 * 1024;

#[cfg(test)]
mod tests;
