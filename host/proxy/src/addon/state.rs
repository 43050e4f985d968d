//! What belongs to one instance of an addon.

use std::{any::Any, sync::Arc};

use tracing::Level;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::{
    capability::{Capability, CapabilityState},
    clock::Clock,
    cpu::CpuTime,
    grants::Grants,
    handles::Handles,
    limits::Limits,
    log::Log,
    memory::{Account, Accounts, MemoryMeter},
    notes::NoteKeeper,
    options::Values,
    output::Output,
    waits::Waits,
};
use crate::flow::{FlowId, Session};

/// What all instances of one addon share.
#[derive(Debug)]
pub struct Shared {
    /// The addon's name, for messages.
    pub name: String,
    /// The options' values, the defaults among them.
    pub options: Values,
    /// The names of those that were others in the configuration before.
    pub changed: Vec<String>,
    /// The files that it may use.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// What says how long it computes.
    pub clock: Arc<Clock>,
    /// Whether it is only tried whether it could be configured: nothing may be written.
    pub is_trial: bool,
    /// Where its lines go.
    pub log: Arc<Log>,
    /// What is kept for its flows beyond a call.
    pub kept: Arc<Account>,
    /// What its instances have.
    pub accounts: Accounts,
    /// Where it finds what it noted, if that is kept.
    pub journal: Option<Arc<dyn NoteKeeper>>,
    capabilities: Vec<Arc<dyn CapabilityState>>,
}

impl Shared {
    /// What instances of an addon share that has no options and may use no files. `before` is what they shared in the
    /// configuration before.
    pub fn new(
        name: String,
        limits: Limits,
        clock: Arc<Clock>,
        capabilities: &[Arc<dyn Capability>],
        before: Option<&Self>,
    ) -> Self {
        let states = capabilities.iter().enumerate().map(|(position, capability)| {
            // The list of capabilities is the same as long as the host runs.
            capability.for_addon(before.and_then(|before| before.capabilities.get(position)))
        });
        Self {
            capabilities: states.collect(),
            log: Arc::new(Log::new(&name)),
            name,
            options: Values::new(),
            changed: Vec::new(),
            grants: Grants::default(),
            limits,
            clock,
            is_trial: false,
            kept: Account::new(limits.kept()),
            accounts: Accounts::default(),
            journal: None,
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
    /// What its current call computes.
    pub cpu: CpuTime,
    /// What its current call waits for.
    pub waits: Arc<Waits>,
    /// What it writes.
    pub output: Output,
    /// The flow of its current call.
    pub flow: Option<FlowId>,
    /// The session that its current call belongs to.
    pub session: Session,
    wasi: WasiCtx,
}

impl State {
    /// The data of a fresh instance: no files, no network, no environment.
    pub fn new(shared: Arc<Shared>) -> Self {
        let output = Output::new(shared.log.clone());
        let memory = MemoryMeter::new(shared.limits.memory);
        shared.accounts.add(memory.account());
        Self {
            handles: Handles::new(memory.account().clone()),
            memory,
            shared,
            is_configuring: false,
            cpu: CpuTime::default(),
            waits: Arc::default(),
            wasi: WasiCtx::builder().stdout(output.stdout()).stderr(output.stderr()).build(),
            output,
            flow: None,
            session: Session::default(),
        }
    }

    /// Writes a line to the log in the addon's name.
    pub fn log(&self, level: Level, message: &str) {
        self.shared.log.write(self.flow, level, message);
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: self.handles.wasi() }
    }
}
