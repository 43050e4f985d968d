//! What belongs to one instance of an addon.

use std::{any::Any, sync::Arc};

use tracing::Level;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p2::pipe::MemoryOutputPipe};

use super::{
    capability::{Capability, CapabilityState},
    grants::Grants,
    handles::Handles,
    limits::Limits,
    log::LineRate,
    memory::MemoryMeter,
    options::Values,
};

/// What all instances of one addon share.
#[derive(Debug)]
pub struct Shared {
    /// The addon's name, for messages.
    pub name: String,
    /// The options' values, the defaults among them.
    pub options: Values,
    /// The files that it may use.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// Whether it is only tried whether it could be configured: nothing may be written.
    pub is_trial: bool,
    /// How many log lines it may still write.
    pub lines: LineRate,
    capabilities: Vec<Arc<dyn CapabilityState>>,
}

impl Shared {
    /// What instances of an addon share that has no options and may use no files.
    pub fn new(name: String, limits: Limits, capabilities: &[Arc<dyn Capability>]) -> Self {
        Self {
            name,
            options: Values::new(),
            grants: Grants::default(),
            limits,
            is_trial: false,
            lines: LineRate::default(),
            capabilities: capabilities.iter().map(|capability| capability.for_addon()).collect(),
        }
    }

    /// What a capability keeps for the addon.
    pub fn capability<T: CapabilityState>(&self) -> Option<&T> {
        self.capabilities.iter().find_map(|state| (state.as_ref() as &dyn Any).downcast_ref())
    }

    /// What all capabilities keep for the addon.
    pub fn capabilities(&self) -> &[Arc<dyn CapabilityState>] {
        &self.capabilities
    }
}

/// Most bytes kept of what an instance writes to its standard error, which is where panics go.
const LAST_WORDS: usize = 8 * 1024;

/// The data of one instance.
pub struct State {
    /// The handles.
    pub handles: Handles,
    /// The memory it has.
    pub memory: MemoryMeter,
    /// What it shares with the other instances of its addon.
    pub shared: Arc<Shared>,
    /// Whether the addon is being configured, by this instance.
    pub is_configuring: bool,
    /// Ticks of the engine's clock that its current call has used.
    pub ticks: u32,
    /// Ticks that its current call may use.
    pub tick_limit: u32,
    wasi: WasiCtx,
    last_words: MemoryOutputPipe,
}

impl State {
    /// The data of a fresh instance: no files, no network, no environment.
    pub fn new(shared: Arc<Shared>) -> Self {
        let last_words = MemoryOutputPipe::new(LAST_WORDS);
        let memory = MemoryMeter::new(shared.limits.memory);
        Self {
            handles: Handles::new(memory.account().clone()),
            memory,
            shared,
            is_configuring: false,
            ticks: 0,
            tick_limit: 0,
            wasi: WasiCtx::builder().stderr(last_words.clone()).build(),
            last_words,
        }
    }

    /// What the instance wrote to its standard error, on one line.
    pub fn last_words(&self) -> String {
        let written = self.last_words.contents();
        String::from_utf8_lossy(&written).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Writes a line to the log in the addon's name.
    pub fn log(&self, level: Level, message: &str) {
        self.shared.lines.write(&self.shared.name, level, message);
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: self.handles.wasi() }
    }
}
