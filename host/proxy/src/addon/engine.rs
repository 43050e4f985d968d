//! The WebAssembly engine, set up once: fibers, pooled instances, a clock that bounds what a hook computes.

use std::{error::Error, io, path::Path, sync::Arc, thread, time::Duration};

use compiled::{Cache, Unusable};
use shipped::Composed;
use tokio::{sync::oneshot, task, time};
use wasmtime::{
    Engine,
    component::{Component, HasSelf, Linker},
};

use super::{
    bindings::Addon,
    capability::{Capability, Package},
    clock::Clock,
    scheduler::Scheduler,
    state::State,
};

/// An engine, and what the host offers to every component.
pub struct AddonEngine {
    /// The engine.
    pub engine: Engine,
    /// The host's interfaces.
    pub linker: Linker<State>,
    /// Where calls go on that compute for long.
    pub scheduler: Arc<Scheduler>,
    /// What says how long calls compute.
    pub clock: Arc<Clock>,
    /// What addons may do beyond their flows.
    pub capabilities: Vec<Arc<dyn Capability>>,
    /// What the user should know of it. The engine is there before the log is.
    pub warning: Option<String>,
    /// Compiled components, or why none are kept. `None` if nobody said where to.
    pub cache: Option<Result<Arc<Cache>, Unusable>>,
    /// Most time that compiling one addon, with its plugs, may take.
    pub compile_time: Duration,
}

impl AddonEngine {
    /// An engine that keeps compiled components in `cache`, and lets addons do what these capabilities are for.
    ///
    /// # Errors
    /// When this machine cannot run WebAssembly, or two capabilities provide the same interface.
    pub fn new(cache: Option<&Path>, capabilities: Vec<Arc<dyn Capability>>) -> wasmtime::Result<Self> {
        let engine = Self::without_clock(cache, capabilities)?;
        Ok(Self { clock: Clock::start(&engine.engine), ..engine })
    }

    /// The same without its clock: a call takes as many instructions each time, and nothing ends what loops.
    ///
    /// # Errors
    /// As for [`AddonEngine::new`].
    pub fn without_clock(cache: Option<&Path>, capabilities: Vec<Arc<dyn Capability>>) -> wasmtime::Result<Self> {
        let (engine, warning) = match Engine::new(&assembly::pooled()) {
            Ok(engine) => (engine, None),
            Err(error) => {
                let why = error.root_cause();
                let warning = format!("addons run slower: their memory cannot be reserved in advance: {why}");
                (Engine::new(&assembly::unpooled())?, Some(warning))
            }
        };
        let mut linker = Linker::new(&engine);
        Addon::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        for capability in &capabilities {
            capability.add_to_linker(&mut linker)?;
        }
        Ok(Self {
            engine,
            linker,
            scheduler: Arc::default(),
            clock: Arc::default(),
            capabilities,
            warning,
            cache: cache.map(|path| Ok(Arc::new(Cache::open(path)?))),
            compile_time: COMPILE_TIME,
        })
    }

    /// Compiles a component, or takes what was compiled of it before.
    ///
    /// # Errors
    /// When it cannot be compiled in the time that there is for it.
    pub async fn compile(&self, bytes: Vec<u8>) -> Result<Component, CompileError> {
        let (engine, within) = (self.engine.clone(), self.compile_time);
        let cache = self.cache.as_ref().and_then(|cache| Some(cache.as_ref().ok()?.clone()));
        let (sender, compiled) = oneshot::channel();
        // A thread of its own, as nothing stops the compiler. It ends with the process, which goes on without the addon
        // only to say so.
        let thread = thread::Builder::new().name("compiler".to_owned()).stack_size(STACK).spawn(move || {
            let component = match cache {
                Some(cache) => cache.compile(&engine, &bytes),
                None => Component::new(&engine, &bytes),
            };
            // Nobody waits any more when it took too long.
            let _ = sender.send(component);
        });
        thread.map_err(CompileError::Thread)?;
        match time::timeout(within, compiled).await {
            Ok(Ok(compiled)) => compiled.map_err(|error| CompileError::Refused(error.into())),
            Ok(Err(_)) => Err(CompileError::Crashed),
            Err(_) => Err(CompileError::TooLong { within }),
        }
    }

    /// The same for what ships, which was compiled when the host was.
    ///
    /// # Errors
    /// As for [`AddonEngine::compile`], where it has to be compiled once more: on another kind of processor.
    pub async fn compile_shipped(&self, composed: &'static Composed) -> Result<Component, CompileError> {
        let engine = self.engine.clone();
        // Megabytes are copied.
        let compiled = task::spawn_blocking(move || composed.compiled(&engine)).await;
        match compiled.ok().flatten() {
            Some(component) => Ok(component),
            None => self.compile(composed.bytes.to_vec()).await,
        }
    }

    /// The packages whose interfaces the host provides.
    pub fn packages(&self) -> Vec<Package> {
        let more = self.capabilities.iter().flat_map(|capability| capability.packages()).copied();
        [Package::ADDON].into_iter().chain(more).collect()
    }
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It is not valid, or uses what the engine does not have.
    #[error(transparent)]
    Refused(Box<dyn Error + Send + Sync>),
    /// It takes too long.
    #[error("it takes longer than {} s; allow more with `compile_seconds` under `[limits]`", within.as_secs())]
    TooLong {
        /// The limit.
        within: Duration,
    },
    /// A mistake of the compiler's.
    #[error("the compiler crashed on it")]
    Crashed,
    /// There is no thread for the compiler.
    #[error("there is no thread to compile it in")]
    Thread(#[source] io::Error),
}

/// Time for the largest addons there are, those with a whole interpreter in them, on a machine that does much else.
const COMPILE_TIME: Duration = Duration::from_secs(60);

/// As much as the first thread of a process has.
const STACK: usize = 8 << 20;
