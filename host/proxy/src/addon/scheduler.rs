//! Where calls go on that compute for longer than a tick: on threads of their own and of lower priority, so that they
//! never hold one that serves connections.
//!
//! The addons take turns, and among the calls of one addon the one that has computed least comes first: neither a loop
//! nor a thousand of them keeps another addon's long call waiting for more than its turns. A turn ends at the next tick.

use std::{
    collections::BTreeMap,
    num::NonZero,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot};
use tracing::{debug, error};

use super::cpu;

/// How much lower the priority of its threads is (`nice`): a tenth of the share of a thread that serves connections.
const NICE: i32 = 10;

/// Runs what takes long.
#[derive(Debug, Default)]
pub struct Scheduler {
    queue: OnceLock<Arc<Queue>>,
}

impl Scheduler {
    /// Has a call of an addon go on here. It ends when what this returns is dropped.
    ///
    /// Must be called where the call was polled so far: its timers and sockets stay with that runtime.
    pub fn go_on<R: Send + 'static>(
        &self,
        addon: u64,
        call: impl Future<Output = R> + Send + 'static,
    ) -> impl Future<Output = Option<R>> + Send + 'static {
        let (sender, result) = oneshot::channel();
        let call = async move {
            // Nobody waits for the result of what is to end.
            let _ = sender.send(call.await);
        };
        let queue = self.queue.get_or_init(Queue::start);
        let task = Ended(Task::new(queue.clone(), addon, Box::pin(call)));
        task.0.clone().wake();
        async move {
            let result = result.await.ok();
            drop(task);
            result
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.get() {
            queue.lock().is_closed = true;
            queue.changed.notify_all();
        }
    }
}

/// A call, as the threads see it.
type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    id: u64,
    addon: u64,
    /// Nanoseconds that it has computed.
    used: AtomicU64,
    /// Held while it is polled.
    call: Mutex<Option<Call>>,
    /// Only changed while the queue is locked.
    phase: Mutex<Phase>,
    queue: Arc<Queue>,
    runtime: Handle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for something.
    Waiting,
    /// It waits for its turn.
    Ready,
    /// It is polled.
    Running,
    /// It is polled, and was woken meanwhile.
    Woken,
    /// It is polled, and nobody wants its result any more.
    Unwanted,
    /// It is over.
    Done,
}

impl Task {
    fn new(queue: Arc<Queue>, addon: u64, call: Call) -> Arc<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id: LAST.fetch_add(1, Ordering::Relaxed),
            addon,
            used: AtomicU64::new(0),
            call: Mutex::new(Some(call)),
            phase: Mutex::new(Phase::Waiting),
            queue,
            runtime: Handle::current(),
        })
    }

    /// What comes first among the calls of its addon.
    fn rank(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.id)
    }

    fn poll(self: &Arc<Self>) -> Poll<()> {
        let _runtime = self.runtime.enter();
        let mut call = locked(&self.call);
        let Some(future) = call.as_mut() else { return Poll::Ready(()) };
        let waker = Waker::from(self.clone());
        let (polled, spent) = cpu::measured(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
        self.used.fetch_add(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        polled
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut ready = self.queue.lock();
        let mut phase = locked(&self.phase);
        match *phase {
            Phase::Waiting => {
                *phase = Phase::Ready;
                drop(phase);
                ready.add(self.clone());
                drop(ready);
                self.queue.changed.notify_one();
            }
            Phase::Running => *phase = Phase::Woken,
            Phase::Ready | Phase::Woken | Phase::Unwanted | Phase::Done => {}
        }
    }
}

/// A task that ends when this is dropped.
struct Ended(Arc<Task>);

impl Drop for Ended {
    fn drop(&mut self) {
        let task = &self.0;
        let mut ready = task.queue.lock();
        let mut phase = locked(&task.phase);
        match *phase {
            Phase::Running | Phase::Woken | Phase::Unwanted => {
                *phase = Phase::Unwanted;
                return;
            }
            Phase::Ready => ready.remove(task),
            Phase::Waiting | Phase::Done => {}
        }
        *phase = Phase::Done;
        drop((phase, ready));
        // Not under the lock: what it holds may wake others.
        drop(locked(&task.call).take());
    }
}

/// What is ready to run.
#[derive(Default)]
struct Ready {
    /// By addon, then by rank.
    tasks: BTreeMap<u64, BTreeMap<(u64, u64), Arc<Task>>>,
    /// The addon that had the last turn.
    last: u64,
    is_closed: bool,
}

impl Ready {
    fn add(&mut self, task: Arc<Task>) {
        self.tasks.entry(task.addon).or_default().insert(task.rank(), task);
    }

    fn remove(&mut self, task: &Task) {
        if let Some(tasks) = self.tasks.get_mut(&task.addon) {
            tasks.remove(&task.rank());
            if tasks.is_empty() {
                self.tasks.remove(&task.addon);
            }
        }
    }

    /// Takes whose turn it is.
    fn next(&mut self) -> Option<Arc<Task>> {
        let after = self.tasks.range(self.last.saturating_add(1)..).next();
        let (&addon, tasks) = after.or_else(|| self.tasks.iter().next())?;
        let task = tasks.values().next()?.clone();
        self.last = addon;
        self.remove(&task);
        Some(task)
    }
}

#[derive(Default)]
struct Queue {
    ready: Mutex<Ready>,
    changed: Condvar,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    /// A queue with its threads: one core less than there are stays for connections.
    fn start() -> Arc<Self> {
        let queue = Arc::new(Self::default());
        let threads = thread::available_parallelism().map_or(1, NonZero::get).saturating_sub(1).max(1);
        for _ in 0..threads {
            let queue = queue.clone();
            let started = thread::Builder::new().name("addon-background".to_owned()).spawn(move || queue.run());
            if let Err(error) = started {
                error!(%error, "cannot start a thread for hooks that compute for long; they wait");
            }
        }
        queue
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Ready> {
        locked(&self.ready)
    }

    fn run(&self) {
        // Linux gives each thread a priority of its own.
        if let Err(error) = rustix::process::nice(NICE) {
            debug!(%error, "hooks that compute for long have the priority of everything else");
        }
        while let Some(task) = self.next() {
            let polled = task.poll();
            self.settle(task, polled.is_ready());
        }
    }

    /// Waits for a task whose turn it is; `None` when there will be none.
    fn next(&self) -> Option<Arc<Task>> {
        let mut ready = self.lock();
        loop {
            if ready.is_closed {
                return None;
            }
            if let Some(task) = ready.next() {
                *locked(&task.phase) = Phase::Running;
                return Some(task);
            }
            // Whoever is late for a notice looks again all the same.
            let waited = self.changed.wait_timeout(ready, Duration::from_secs(60));
            ready = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Puts a task where it belongs after it was polled.
    fn settle(&self, task: Arc<Task>, is_over: bool) {
        let mut ready = self.lock();
        let mut phase = locked(&task.phase);
        *phase = match *phase {
            Phase::Woken if !is_over => Phase::Ready,
            Phase::Running if !is_over => Phase::Waiting,
            _ => Phase::Done,
        };
        let next = *phase;
        drop(phase);
        match next {
            Phase::Ready => ready.add(task),
            Phase::Done => {
                drop(ready);
                drop(locked(&task.call).take());
            }
            _ => {}
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
