//! What belongs to one instance of an addon.

use std::sync::{Arc, OnceLock};

use tracing::Level;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p2::pipe::MemoryOutputPipe};

use super::{
    limits::{Limits, MemoryMeter},
    log::LineRate,
    options::Values,
};
use crate::recordings::{Library, LibraryBuilder, PassingRecorder};

/// What all instances of one addon share.
#[derive(Debug)]
pub struct Shared {
    /// The addon's name, for messages.
    pub name: String,
    /// The options' values, the defaults among them.
    pub options: Values,
    /// What it may use.
    pub limits: Limits,
    /// Its recordings and index, once it is configured.
    pub library: OnceLock<Library>,
    /// What it records to.
    pub recorder: OnceLock<Arc<PassingRecorder>>,
    /// Whether it is only tried whether it could be configured: nothing may be written.
    pub is_trial: bool,
    /// How many log lines it may still write.
    pub lines: LineRate,
}

impl Shared {
    /// What instances of an addon with these options share.
    pub fn new(name: String, options: Values, limits: Limits, is_trial: bool) -> Self {
        let (library, recorder) = (OnceLock::new(), OnceLock::new());
        Self { name, options, limits, library, recorder, is_trial, lines: LineRate::default() }
    }
}

/// Most handles that an instance may hold.
const HANDLES: usize = 1024;

/// Most bytes kept of what an instance writes to its standard error, which is where panics go.
const LAST_WORDS: usize = 8 * 1024;

/// The data of one instance.
pub struct State {
    /// The handles.
    pub table: ResourceTable,
    /// The memory it has.
    pub memory: MemoryMeter,
    /// What it shares with the other instances of its addon.
    pub shared: Arc<Shared>,
    /// Present while the addon is configured.
    pub building: Option<LibraryBuilder>,
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
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            table,
            memory: MemoryMeter::new(shared.limits.memory),
            shared,
            building: None,
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

    /// The recordings and index, empty before the addon is configured.
    pub fn library(&self) -> &Library {
        static EMPTY: OnceLock<Library> = OnceLock::new();
        match &self.building {
            Some(building) => building.library(),
            None => self.shared.library.get().unwrap_or_else(|| EMPTY.get_or_init(Library::default)),
        }
    }

    /// Writes a line to the log in the addon's name.
    pub fn log(&self, level: Level, message: &str) {
        self.shared.lines.write(&self.shared.name, level, message);
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
