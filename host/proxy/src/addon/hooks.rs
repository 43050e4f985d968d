//! An addon that is ready: calls to its hooks, and what a failure of them means.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use tracing::error;

use super::{action::Action, instance::HookFailure, pool::Pool};
use crate::flow::{Fault, FaultKind, Request, Response};

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
    name: String,
    pool: Arc<Pool>,
    active: bool,
    singleton: bool,
    on_failure: OnFailure,
}

impl fmt::Debug for Addon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Addon").field("name", &self.name).field("active", &self.active).finish_non_exhaustive()
    }
}

impl Addon {
    /// An addon that is configured.
    pub(super) fn new(name: String, pool: Pool, active: bool, singleton: bool, on_failure: OnFailure) -> Self {
        Self { name, pool: Arc::new(pool), active, singleton, on_failure }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has work to do with the options it got.
    pub fn is_active(&self) -> bool {
        self.active
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
        self.active && self.pool.exports().request.is_some()
    }

    /// Whether its response hook is to be called.
    pub fn sees_responses(&self) -> bool {
        self.active && self.pool.exports().response.is_some()
    }

    /// Whether its error hook is to be called.
    pub fn sees_errors(&self) -> bool {
        self.active && self.pool.exports().error.is_some()
    }

    /// What the addon wants done with a request.
    ///
    /// # Errors
    /// When the hook failed and the addon's policy is to fail.
    pub async fn on_request(&self, request: &Request) -> Result<Action<Request>, Fault> {
        let copy = request.clone();
        let called = self.call(move |pool| async move {
            let mut lease = pool.lease().await?;
            let action = lease.instance().on_request(copy).await?;
            lease.give_back();
            Ok(action)
        });
        self.settle(request, "request", called.await, || Action::Next(request.clone()))
    }

    /// What the addon wants done with a response.
    ///
    /// # Errors
    /// When the hook failed and the addon's policy is to fail.
    pub async fn on_response(&self, request: &Request, response: &Response) -> Result<Action<Response>, Fault> {
        let copies = (request.clone(), response.clone());
        let called = self.call(move |pool| async move {
            let mut lease = pool.lease().await?;
            let action = lease.instance().on_response(copies.0, copies.1).await?;
            lease.give_back();
            Ok(action)
        });
        self.settle(request, "response", called.await, || Action::Next(response.clone()))
    }

    /// Tells the addon that a request got no response.
    ///
    /// # Errors
    /// When the hook failed and the addon's policy is to fail.
    pub async fn on_error(&self, request: &Request, fault: &Fault) -> Result<(), Fault> {
        let (copy, kind, detail) = (request.clone(), fault.kind.name(), fault.detail.clone());
        let called = self.call(move |pool| async move {
            let mut lease = pool.lease().await?;
            lease.instance().on_error(copy, kind, &detail).await?;
            lease.give_back();
            Ok(())
        });
        self.settle(request, "error", called.await, || ())
    }

    /// Runs a call. A singleton's runs on a task of its own: if the client leaves, the call must not be dropped, or the
    /// instance and the state in it would be lost.
    async fn call<R, F>(&self, call: impl FnOnce(Arc<Pool>) -> F) -> Result<R, HookFailure>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, HookFailure>> + Send + 'static,
    {
        let running = contained(call(self.pool.clone()));
        if !self.singleton {
            return running.await;
        }
        tokio::spawn(running).await.unwrap_or_else(|stopped| Err(HookFailure::Panicked(stopped.to_string())))
    }

    fn settle<R>(
        &self,
        request: &Request,
        hook: &'static str,
        called: Result<R, HookFailure>,
        untouched: impl FnOnce() -> R,
    ) -> Result<R, Fault> {
        let failure = match called {
            Ok(result) => return Ok(result),
            Err(failure) => failure,
        };
        error!(flow = request.flow.0, addon = self.name, hook, policy = ?self.on_failure, "addon failed: {failure}");
        match (self.on_failure, failure) {
            (OnFailure::Skip, _) => Ok(untouched()),
            (OnFailure::Fail, HookFailure::Busy) => {
                Err(Fault::new(FaultKind::Busy, format!("addon `{}` is busy", self.name)))
            }
            // The reason is in the log; what a component writes is not for clients.
            (OnFailure::Fail, _) => Err(Fault::new(FaultKind::Addon, format!("addon `{}` failed", self.name))),
        }
    }
}

/// A call in which a panic of the host is a failure of the hook: the instance is lost with the call, and nothing else is
/// left as it was in the middle of something.
async fn contained<R>(call: impl Future<Output = Result<R, HookFailure>>) -> Result<R, HookFailure> {
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(HookFailure::Panicked(said(panic.as_ref())))))
    })
    .await
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it does not say why").to_owned()
}

#[cfg(test)]
mod tests;
