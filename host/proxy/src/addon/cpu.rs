//! How long a call computes.
//!
//! The engine's clock ticks; at a tick, a computing component stops for a moment and what it used is looked at. The ticks
//! only say when to look: what counts is the processor's time of the thread, so that a busy machine does not make a
//! component look slow.

use std::{
    cell::Cell,
    task::Poll,
    thread::{self, ThreadId},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::clock::TICK;

/// What the current call has computed, and may compute.
#[derive(Debug, Default)]
pub struct CpuTime {
    used: Duration,
    limit: Duration,
    /// When it was last looked at.
    seen: Option<Seen>,
}

/// A moment in one poll of a call. The processor's time of a thread says nothing about a call that was polled again since.
#[derive(Clone, Copy, Debug)]
struct Seen {
    thread: ThreadId,
    poll: u64,
    at: Duration,
}

/// What becomes of a computing component at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// It computes on.
    GoOn,
    /// It lets others run.
    Yield,
    /// It has computed for longer than it may.
    Over,
}

impl CpuTime {
    /// A call begins that may compute for so long.
    pub fn begin(&mut self, limit: Duration) {
        *self = Self { limit, ..Self::default() };
    }

    /// Gives the call more time.
    pub fn allow(&mut self, more: Duration) {
        self.limit = self.limit.saturating_add(more);
    }

    /// Looks at what the call has used, at a tick of the engine's clock.
    pub fn tick(&mut self) -> Tick {
        let now = of_thread();
        let poll = POLL.get();
        let thread = thread::current().id();
        let seen = self.seen.filter(|seen| (seen.thread, seen.poll) == (thread, poll.number));
        // Where a call is polled for the first time, nobody looks before the first tick: it may come at once.
        let since = seen.map(|seen| seen.at).or(poll.began);
        self.used += since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.seen = Some(Seen { thread, poll: poll.number, at: now });
        if self.used > self.limit {
            return Tick::Over;
        }
        if poll.began.is_some() {
            return Tick::Yield;
        }
        // Between two ticks lies one, but for what others had of the processor.
        if self.used < TICK / 2 {
            return Tick::GoOn;
        }
        POLL.set(Polled { has_outlived_a_tick: true, ..poll });
        Tick::Yield
    }
}

/// How the call is polled that runs on this thread.
#[derive(Clone, Copy)]
struct Polled {
    number: u64,
    /// The thread's time when it began, where that is measured.
    began: Option<Duration>,
    has_outlived_a_tick: bool,
}

thread_local! {
    static POLL: Cell<Polled> = const { Cell::new(Polled { number: 0, began: None, has_outlived_a_tick: false }) };
}

/// Polls a call; beside what it says stands whether it has computed for longer than a tick.
pub fn polled<T>(poll: impl FnOnce() -> Poll<T>) -> (Poll<T>, bool) {
    let number = POLL.get().number.wrapping_add(1);
    POLL.set(Polled { number, began: None, has_outlived_a_tick: false });
    let polled = poll();
    (polled, POLL.get().has_outlived_a_tick)
}

/// Polls a call, and measures what it computes.
pub fn measured<T>(poll: impl FnOnce() -> T) -> (T, Duration) {
    let began = of_thread();
    let number = POLL.get().number.wrapping_add(1);
    POLL.set(Polled { number, began: Some(began), has_outlived_a_tick: false });
    let polled = poll();
    (polled, of_thread().saturating_sub(began))
}

/// Has the call that is polled here go on where it holds nobody up. For what the host itself takes long for.
pub async fn move_aside() {
    let poll = POLL.get();
    if poll.began.is_none() {
        POLL.set(Polled { has_outlived_a_tick: true, ..poll });
        tokio::task::yield_now().await;
    }
}

/// The processor's time that this thread has used.
fn of_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever negative, nor is there more than a second of nanoseconds.
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compute(time: Duration) {
        let until = of_thread() + time;
        while of_thread() < until {}
    }

    #[test]
    fn what_is_computed_counts_and_what_is_waited_does_not() {
        let mut cpu = CpuTime::default();
        cpu.begin(TICK * 20);
        let (first, outlived) = polled(|| {
            assert_eq!(cpu.tick(), Tick::GoOn);
            thread::sleep(TICK * 30);
            assert_eq!(cpu.tick(), Tick::GoOn);
            compute(TICK * 2);
            Poll::Ready(cpu.tick())
        });
        assert_eq!((first, outlived), (Poll::Ready(Tick::Yield), true));
        // What this thread does meanwhile is not the call's.
        compute(TICK * 30);
        let (tick, spent) = measured(|| {
            compute(TICK);
            cpu.tick()
        });
        assert_eq!(tick, Tick::Yield);
        assert!(spent >= TICK);
        measured(|| {
            compute(TICK * 20);
            assert_eq!(cpu.tick(), Tick::Over);
        });
    }

    #[test]
    fn more_time_can_be_had() {
        let mut cpu = CpuTime::default();
        cpu.begin(TICK);
        cpu.allow(TICK * 50);
        measured(|| {
            compute(TICK * 2);
            assert_eq!(cpu.tick(), Tick::Yield);
        });
    }
}
