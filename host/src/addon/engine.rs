//! The WebAssembly engine, set up once: fibers, pooled instances, a clock that bounds what a hook computes.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::Path,
    thread,
    time::Duration,
};

use tracing::{debug, warn};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, PoolingAllocationConfig,
    component::{HasSelf, Linker},
};

use super::{bindings::Addon, state::State};

/// How often the engine's clock ticks. On a tick a computing hook lets others run; limits are counted in ticks.
pub const TICK: Duration = Duration::from_millis(5);

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
}

impl AddonEngine {
    /// An engine that keeps compiled components in `cache`.
    ///
    /// # Errors
    /// When this machine cannot run WebAssembly.
    pub fn new(cache: Option<&Path>) -> wasmtime::Result<Self> {
        let engine = match Engine::new(&config(cache, Some(pool()))) {
            Ok(engine) => engine,
            // The pool reserves address space, which a limit on virtual memory may forbid.
            Err(error) => {
                warn!(%error, "cannot reserve memory for pooled addon instances; every instance will allocate its own");
                Engine::new(&config(cache, None))?
            }
        };
        let mut linker = Linker::new(&engine);
        Addon::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        start_clock(&engine);
        Ok(Self { engine, linker })
    }
}

fn config(cache: Option<&Path>, pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Makes every crossing three to four times cheaper, and nothing here needs component-model async.
        .concurrency_support(false)
        .epoch_interruption(true)
        .cache(cache.and_then(open_cache));
    if let Some(pool) = pool {
        config.allocation_strategy(pool);
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 10)
        .total_memories(INSTANCES * 3)
        .total_tables(INSTANCES * 4)
        .total_stacks(INSTANCES * 2)
        .max_core_instances_per_component(CORE_INSTANCES_EACH)
        .max_memories_per_component(MEMORIES_EACH)
        .max_tables_per_component(TABLES_EACH);
    pool
}

/// Compiled code is executed as it is, so it is only kept where nobody else can write.
fn open_cache(folder: &Path) -> Option<Cache> {
    let opened = private_folder(folder).map_err(wasmtime::Error::from).and_then(|()| {
        let mut config = CacheConfig::new();
        config.with_directory(folder);
        Cache::new(config)
    });
    opened.inspect_err(|error| debug!(folder = %folder.display(), %error, "compiled addons are not cached")).ok()
}

fn private_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::symlink_metadata(folder)?;
    let parent = folder.parent().map(fs::metadata).transpose()?;
    let mine = parent.is_none_or(|parent| parent.uid() == metadata.uid());
    match metadata.is_dir() && metadata.mode() & 0o077 == 0 && mine {
        true => Ok(()),
        false => Err(io::Error::other("it must be a folder that only its owner can use (chmod 700)")),
    }
}

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
