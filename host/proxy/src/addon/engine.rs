//! The WebAssembly engine, set up once: fibers, pooled instances, a clock that bounds what a hook computes.

use std::{path::Path, sync::Arc, thread, time::Duration};

use tracing::warn;
use wasmtime::{
    Config, Engine, PoolingAllocationConfig, WasmBacktraceDetails,
    component::{HasSelf, Linker},
};

use super::{
    bindings::Addon,
    capability::{Capability, Package},
    scheduler::Scheduler,
    state::State,
};

/// How often the engine's clock ticks. A call that computes for longer goes on where it holds nobody up, see `scheduler`.
pub const TICK: Duration = Duration::from_millis(1);

/// Instances that the pool has room for, over all addons.
const INSTANCES: u32 = 1000;

/// Core instances and memories that one composed component may have: itself, its plugs, and their adapters.
const CORE_INSTANCES_EACH: u32 = 50;
const MEMORIES_EACH: u32 = 8;
const TABLES_EACH: u32 = 16;

/// An engine, and what the host offers to every component.
pub struct AddonEngine {
    /// The engine.
    pub engine: Engine,
    /// The host's interfaces.
    pub linker: Linker<State>,
    /// Where calls go on that compute for long.
    pub scheduler: Arc<Scheduler>,
    /// What addons may do beyond their flows.
    pub capabilities: Vec<Arc<dyn Capability>>,
    /// What the user should know of it. The engine is there before the log is.
    pub warning: Option<String>,
}

impl AddonEngine {
    /// An engine that keeps compiled components in `cache`, and lets addons do what these capabilities are for.
    ///
    /// # Errors
    /// When this machine cannot run WebAssembly, or two capabilities provide the same interface.
    pub fn new(cache: Option<&Path>, capabilities: Vec<Arc<dyn Capability>>) -> wasmtime::Result<Self> {
        let (engine, warning) = match Engine::new(&pooled(cache)) {
            Ok(engine) => (engine, None),
            Err(error) => {
                let why = error.root_cause();
                let warning = format!("addons run slower: their memory cannot be reserved in advance: {why}");
                (Engine::new(&unpooled(cache))?, Some(warning))
            }
        };
        let mut linker = Linker::new(&engine);
        Addon::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        for capability in &capabilities {
            capability.add_to_linker(&mut linker)?;
        }
        start_clock(&engine);
        Ok(Self { engine, linker, scheduler: Arc::default(), capabilities, warning })
    }

    /// The packages whose interfaces the host provides.
    pub fn packages(&self) -> Vec<Package> {
        let more = self.capabilities.iter().flat_map(|capability| capability.packages()).copied();
        [Package::ADDON].into_iter().chain(more).collect()
    }
}

fn config(cache: Option<&Path>) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Makes every crossing three to four times cheaper, and nothing here needs component-model async.
        .concurrency_support(false)
        .epoch_interruption(true)
        // Says in which file and line a component failed, where it has that.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    let _ = cache;
    config
}

/// Instances from a pool, which reserves address space for all of them.
fn pooled(cache: Option<&Path>) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 10)
        .total_memories(INSTANCES * 3)
        .total_tables(INSTANCES * 4)
        .total_stacks(INSTANCES * 2)
        .max_core_instances_per_component(CORE_INSTANCES_EACH)
        .max_memories_per_component(MEMORIES_EACH)
        .max_tables_per_component(TABLES_EACH);
    let mut config = config(cache);
    config.allocation_strategy(pool);
    config
}

/// Instances that reserve little, for where a limit on address space forbids a pool.
fn unpooled(cache: Option<&Path>) -> Config {
    let mut config = config(cache);
    config.memory_reservation(0).memory_reservation_for_growth(SPARE).memory_guard_size(GUARD);
    config
}

/// Address space that a growing memory gets more than it asked for, and that is left unused after it.
const SPARE: u64 = 1 << 20;
const GUARD: u64 = 1 << 16;

/// Ticks until the engine is gone.
fn start_clock(engine: &Engine) {
    let engine = engine.weak();
    let clock = thread::Builder::new().name("addon-clock".to_owned()).spawn(move || {
        loop {
            thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
        }
    });
    if let Err(error) = clock {
        warn!(%error, "cannot start the clock that bounds addons; one that loops will not be stopped");
    }
}
