//! The engine's clock: at each of its ticks, a computing component stops for a moment and what it used is looked at.
//!
//! It only ticks fast while components are called: a process that does nothing is not to be woken a thousand times a second.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use tracing::warn;
use wasmtime::Engine;

/// How often it ticks. A call that computes for longer goes on where it holds nobody up, see `scheduler`.
pub const TICK: Duration = Duration::from_millis(1);

/// How often it ticks while nothing is called: a call that began before, and has been in the host since, is ended a bit later.
const SLOW_TICK: Duration = Duration::from_millis(20);

/// So many ticks without a call make it slow.
const PATIENCE: u32 = 50;

/// A clock, and whether somebody needs it.
#[derive(Debug, Default)]
pub struct Clock {
    /// Whether a component was called, or computed, since the last tick.
    is_needed: AtomicBool,
    is_slow: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Clock {
    /// One that ticks until the engine is gone.
    pub fn start(engine: &Engine) -> Arc<Self> {
        let clock = Arc::new(Self::default());
        let (ticking, engine) = (clock.clone(), engine.weak());
        let thread = thread::Builder::new().name("addon-clock".to_owned()).spawn(move || {
            let mut unneeded = 0;
            loop {
                ticking.wait(unneeded >= PATIENCE);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                unneeded = if ticking.is_needed.swap(false, Ordering::SeqCst) { 0 } else { unneeded + 1 };
            }
        });
        match thread {
            // Nobody else sets it.
            Ok(thread) => drop(clock.thread.set(thread.thread().clone())),
            Err(error) => {
                warn!(%error, "cannot start the clock that bounds addons; one that loops will not be stopped")
            }
        }
        clock
    }

    /// A component is called, or computes on.
    pub fn need(&self) {
        // Most know it already, and read only what no other processor writes.
        if self.is_needed.load(Ordering::Relaxed) {
            return;
        }
        self.is_needed.store(true, Ordering::SeqCst);
        if self.is_slow.load(Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    fn wait(&self, is_slow: bool) {
        if is_slow {
            self.is_slow.store(true, Ordering::SeqCst);
            // Whoever did not see that it is slow has said that it is needed.
            if !self.is_needed.load(Ordering::SeqCst) {
                thread::park_timeout(SLOW_TICK);
            }
            self.is_slow.store(false, Ordering::SeqCst);
        }
        if !is_slow || self.is_needed.load(Ordering::Relaxed) {
            thread::sleep(TICK);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn who_needs_it_wakes_it() {
        let engine = Engine::default();
        let clock = Clock::start(&engine);
        let slow = |clock: &Clock| {
            while !clock.is_slow.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        };
        for _ in 0..3 {
            slow(&clock);
            clock.need();
            let noticed = Instant::now();
            while clock.is_needed.load(Ordering::SeqCst) {
                assert!(noticed.elapsed() < Duration::from_secs(60), "it does not tick");
                thread::yield_now();
            }
        }
    }
}
