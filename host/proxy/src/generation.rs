//! Configurations in force: the chain of addons that flows pass, which another one can replace while the proxy runs.
//!
//! A flow stays on the generation that it began on. Addons that the next generation does not have any more are finished when
//! the last flow of theirs has ended.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering},
};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::{
    addon::{Addon, Chain, Duty},
    flow::{Fault, FaultKind},
    upstream::Egress,
};

/// A configuration that is or was in force.
pub struct Generation {
    /// Its number, from 1.
    pub number: u64,
    /// The addons.
    pub chain: Chain,
    /// Why nothing may be sent to any server.
    offline: Option<String>,
    of: Weak<Shared>,
}

impl Generation {
    /// Whether a flow of this generation may be sent to a server.
    ///
    /// # Errors
    /// When one of its addons answers all requests, or fails them.
    pub fn check_out(&self) -> Result<(), Fault> {
        match &self.offline {
            Some(why) => Err(Fault::new(FaultKind::Offline, why.clone())),
            None => Ok(()),
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if let Some(shared) = self.of.upgrade() {
            shared.ended(self);
        }
    }
}

/// The generation in force, and those before it that flows are on.
pub struct Generations {
    current: ArcSwap<Generation>,
    shared: Arc<Shared>,
}

/// What generations tell when they end.
struct Shared {
    egress: Arc<Egress>,
    /// Generations that may send to servers and have not ended.
    open: AtomicUsize,
    state: Mutex<State>,
    /// Where addons are finished.
    runtime: Handle,
    finishing: TaskTracker,
}

/// What changes with generations.
#[derive(Default)]
struct State {
    /// Why the generation in force may not send anything to servers.
    offline: Option<String>,
    /// The addons of generations that have not ended, each with how many of those have it. Others may hold addons too, to look at
    /// them: that does not keep them from being finished.
    addons: Vec<(Arc<Addon>, usize)>,
}

impl Generations {
    /// The first one. To be called where tasks can be spawned.
    pub fn new(addons: Vec<Arc<Addon>>, egress: Arc<Egress>) -> Self {
        let shared = Arc::new(Shared {
            egress,
            open: AtomicUsize::new(0),
            state: Mutex::default(),
            runtime: Handle::current(),
            finishing: TaskTracker::new(),
        });
        let first = shared.begin(1, addons, &mut shared.lock());
        Self { current: ArcSwap::new(first), shared }
    }

    /// The one in force.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Puts another chain in force; its number. Flows in flight end on the chain that they began on.
    pub fn replace(&self, addons: Vec<Arc<Addon>>) -> u64 {
        let mut state = self.shared.lock();
        let number = self.current.load().number + 1;
        let next = self.shared.begin(number, addons, &mut state);
        let before = self.current.swap(next);
        // Its end may ask for the lock.
        drop(state);
        drop(before);
        number
    }

    /// Waits until nothing is left to be done for the addons. For when no flow is left.
    pub async fn finish(&self) {
        self.shared.finishing.close();
        self.shared.finishing.wait().await;
        self.current().chain.finish().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, number: u64, addons: Vec<Arc<Addon>>, state: &mut State) -> Arc<Generation> {
        state.offline = addons.iter().find(|addon| addon.duty() == Duty::Offline).map(|addon| {
            format!("nothing is sent to any server: addon `{}` answers all requests, or fails them", addon.name())
        });
        match &state.offline {
            // A second lock: what gets past a failing hook or by an addon that comes later still goes nowhere.
            Some(why) if self.open.load(Ordering::Acquire) == 0 => self.egress.seal(why.clone()),
            // Flows of generations before may still be sent; when they have ended, it is sealed.
            Some(_) => {}
            None => {
                self.open.fetch_add(1, Ordering::AcqRel);
                self.egress.unseal();
            }
        }
        for addon in &addons {
            match state.addons.iter_mut().find(|(known, _)| Arc::ptr_eq(known, addon)) {
                Some((_, generations)) => *generations += 1,
                None => state.addons.push((addon.clone(), 1)),
            }
        }
        let offline = state.offline.clone();
        Arc::new(Generation { number, chain: Chain::new(addons), offline, of: Arc::downgrade(self) })
    }

    fn ended(&self, generation: &Generation) {
        let mut state = self.lock();
        if generation.offline.is_none()
            && self.open.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(why) = &state.offline
        {
            self.egress.seal(why.clone());
        }
        for addon in generation.chain.addons() {
            if let Some((_, generations)) = state.addons.iter_mut().find(|(known, _)| Arc::ptr_eq(known, addon)) {
                *generations -= 1;
            }
        }
        let over: Vec<_> = state.addons.extract_if(.., |(_, generations)| *generations == 0).collect();
        drop(state);
        if !over.is_empty() {
            self.finishing.spawn_on(finish(over), &self.runtime);
        }
    }
}

/// Finishes addons that no generation has any more.
async fn finish(addons: Vec<(Arc<Addon>, usize)>) {
    for (addon, _) in addons {
        addon.finish().await;
    }
}
