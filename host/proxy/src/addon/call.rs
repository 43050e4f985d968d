//! How a call of a hook runs: what it does wrong stays in it, and when it computes for longer than a tick it goes on where
//! it holds nobody up.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{cpu, failure::HookFailure, scheduler::Scheduler};

/// Runs a call of an addon. It ends when this future is dropped.
pub fn run<R: Send + 'static, C: Future<Output = Result<R, HookFailure>> + Send + 'static>(
    scheduler: Arc<Scheduler>,
    addon: u64,
    call: C,
) -> impl Future<Output = Result<R, HookFailure>> + Send + 'static {
    // Boxed before anything has it: a call is large, and moving it from one future into the next takes time for each flow.
    let mut call = Contained(Box::pin(call));
    async move {
        let here = std::future::poll_fn(|context| match cpu::polled(|| Pin::new(&mut call).poll(context)) {
            (Poll::Ready(done), _) => Poll::Ready(Some(done)),
            (Poll::Pending, true) => Poll::Ready(None),
            (Poll::Pending, false) => Poll::Pending,
        });
        match here.await {
            Some(done) => done,
            None => {
                let elsewhere = scheduler.go_on(addon, call).await;
                elsewhere.unwrap_or_else(|| Err(HookFailure::Panicked("its call was lost".to_owned())))
            }
        }
    }
}

/// A call in which a panic of the host is a failure of the hook: the instance is lost with the call, and nothing else is
/// left as it was in the middle of something.
struct Contained<C>(Pin<Box<C>>);

impl<R, C: Future<Output = Result<R, HookFailure>>> Future for Contained<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(HookFailure::Panicked(said(panic.as_ref())))))
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it does not say why").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_of_the_hook() {
        let panicking = async {
            tokio::task::yield_now().await;
            panic!("a handle");
            #[expect(unreachable_code, reason = "it says what a hook would give")]
            Ok(())
        };
        let failure = Contained(Box::pin(panicking)).await.expect_err("it panicked");
        assert_eq!(failure.to_string(), "the host failed while it served the addon: a handle");
        assert!(matches!(Contained(Box::pin(async { Ok(1) })).await, Ok(1)));
    }

    #[tokio::test]
    async fn a_panic_elsewhere_is_a_failure_of_the_hook_too() {
        let scheduler = Arc::new(Scheduler::default());
        let panicking = async {
            cpu::move_aside().await;
            assert_eq!(std::thread::current().name(), Some("addon-background"));
            panic!("a handle");
            #[expect(unreachable_code, reason = "it says what a hook would give")]
            Ok(())
        };
        let failure = run(scheduler.clone(), 1, panicking).await.expect_err("it panicked");
        assert_eq!(failure.to_string(), "the host failed while it served the addon: a handle");
        let again = async {
            cpu::move_aside().await;
            Ok(1)
        };
        assert!(matches!(run(scheduler.clone(), 1, again).await, Ok(1)));
    }
}
