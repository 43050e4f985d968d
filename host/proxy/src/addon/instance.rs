//! One instance of an addon, and calls into it.

use std::{fmt, sync::Arc, time::Duration};

use wasmtime::{
    Store, UpdateDeadline,
    component::{self, ComponentExportIndex, InstancePre, Resource},
};

use super::{
    action::Action,
    bindings::{
        exports::proxyhost::addon::{declaration, error_hook, lifecycle, request_hook, response_hook},
        proxyhost::addon::actions,
    },
    engine::TICK,
    handles::{RequestHandle, ResponseHandle},
    memory::OutOfMemory,
    plug,
    state::{Shared, State},
};
use crate::flow::{Request, Response};

/// What a component exports.
pub struct Exports {
    /// `declaration`, its own and those of its plugs.
    pub declarations: Vec<ComponentExportIndex>,
    /// `lifecycle`, those of its plugs (with the plug's position) and its own.
    pub lifecycles: Vec<(Option<usize>, ComponentExportIndex)>,
    /// `request-hook`
    pub request: Option<request_hook::GuestIndices>,
    /// `response-hook`
    pub response: Option<response_hook::GuestIndices>,
    /// `error-hook`
    pub error: Option<error_hook::GuestIndices>,
}

impl Exports {
    /// What a component exports that has the plugs at these positions.
    pub fn of(pre: &InstancePre<State>, plugs: impl IntoIterator<Item = usize> + Clone) -> Self {
        let function = |interface: &str, name: &str| {
            let interface = pre.component().get_export_index(None, interface)?;
            pre.component().get_export_index(Some(&interface), name)
        };
        let of_plugs = |interface: &'static str, name: &'static str| {
            let plugs = plugs.clone().into_iter();
            plugs.filter_map(move |plug| Some((Some(plug), function(&plug::export_of_plug(plug, interface), name)?)))
        };
        let own_declaration = function("proxyhost:addon/declaration@0.1.0", "declare");
        let own_lifecycle = function("proxyhost:addon/lifecycle@0.1.0", "configure");
        let plugs_declarations = of_plugs("declaration", "declare").map(|(_, export)| export);
        Self {
            declarations: own_declaration.into_iter().chain(plugs_declarations).collect(),
            // Plugs first: the addon may call them while it prepares itself.
            lifecycles: of_plugs("lifecycle", "configure").chain(own_lifecycle.map(|own| (None, own))).collect(),
            request: request_hook::GuestIndices::new(pre).ok(),
            response: response_hook::GuestIndices::new(pre).ok(),
            error: error_hook::GuestIndices::new(pre).ok(),
        }
    }

    /// The names of the hooks that are there.
    pub fn names(&self) -> Vec<&'static str> {
        let hooks = [
            (self.request.is_some(), "request-hook"),
            (self.response.is_some(), "response-hook"),
            (self.error.is_some(), "error-hook"),
        ];
        hooks.into_iter().filter(|(there, _)| *there).map(|(_, name)| name).collect()
    }
}

/// What an addon or one of its plugs says against its options.
#[derive(Debug)]
pub struct Refusal {
    /// The position of the plug; `None` for the addon itself.
    pub plug: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

/// Why a call failed. The instance is lost; the message is as it was before.
#[derive(Debug)]
pub enum HookFailure {
    /// It trapped; the text is what it wrote last, or the trap.
    Trapped(String),
    /// It computed for longer than it may.
    OutOfTime(Duration),
    /// It wanted more memory than it may have.
    OutOfMemory(usize),
    /// It answered something that cannot be used.
    Unusable(String),
    /// All its instances are busy.
    Busy,
    /// The host panicked in a call that the component made.
    Panicked(String),
}

impl fmt::Display for HookFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trapped(why) => write!(formatter, "it crashed: {why}"),
            Self::OutOfTime(limit) => write!(formatter, "it computed for more than its limit of {limit:?}"),
            Self::OutOfMemory(limit) => {
                write!(formatter, "it wanted more than its limit of {} MiB of memory", limit >> 20)
            }
            Self::Unusable(why) => formatter.write_str(why),
            Self::Busy => formatter.write_str("all its instances are busy"),
            Self::Panicked(why) => write!(formatter, "the host failed while it served the addon: {why}"),
        }
    }
}

impl std::error::Error for HookFailure {}

/// The trap that ends a call that computes for too long.
#[derive(Debug, thiserror::Error)]
#[error("out of time")]
struct OutOfTime;

/// A running instance. Dropped, not reused, when a call fails.
pub struct Instance {
    store: Store<State>,
    started: component::Instance,
    request: Option<request_hook::Guest>,
    response: Option<response_hook::Guest>,
    error: Option<error_hook::Guest>,
    calls: u32,
}

/// After so many calls an instance makes room for a fresh one, which bounds slow leaks.
const CALLS: u32 = 10_000;

impl Instance {
    /// A fresh instance.
    ///
    /// # Errors
    /// When the component fails while it starts, or there is no room.
    pub async fn new(pre: &InstancePre<State>, exports: &Exports, shared: Arc<Shared>) -> Result<Self, HookFailure> {
        let cpu = shared.limits.cpu;
        let mut store = Store::new(pre.engine(), State::new(shared));
        store.limiter(|state| &mut state.memory);
        // What one call of the host carries is copied before it is counted.
        store.set_hostcall_fuel(store.data().shared.limits.memory);
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            state.ticks += 1;
            if state.ticks > state.tick_limit { Err(OutOfTime.into()) } else { Ok(UpdateDeadline::Yield(1)) }
        });
        start_clock(&mut store, cpu);
        let started = match pre.instantiate_async(&mut store).await {
            Ok(started) => started,
            Err(error) => return Err(failure(&store, &error, cpu)),
        };
        store.data_mut().memory.settle();
        let (request, response, error) = load_hooks(exports, &mut store, &started)
            .map_err(|error| HookFailure::Unusable(format!("its exports do not fit: {error:#}")))?;
        Ok(Self { store, started, request, response, error, calls: 0 })
    }

    /// Whether it should make room for a fresh one.
    pub fn is_worn(&mut self) -> bool {
        let state = self.store.data_mut();
        self.calls >= CALLS || state.memory.is_high() || state.handles.are_many()
    }

    fn start_clock(&mut self, cpu: Duration) {
        self.calls += 1;
        start_clock(&mut self.store, cpu);
    }

    fn failure(&self, error: &wasmtime::Error, cpu: Duration) -> HookFailure {
        failure(&self.store, error, cpu)
    }

    /// What the component and its plugs declare of themselves, the component first.
    pub async fn declare(&mut self, exports: &Exports) -> Result<Vec<declaration::Declared>, HookFailure> {
        let mut all = Vec::new();
        for export in &exports.declarations {
            let (declared,) = self.call_prepared(export).await?;
            all.push(declared);
        }
        Ok(all)
    }

    /// Prepares the addon and its plugs: whether its hooks are needed, or what is wrong.
    pub async fn configure(&mut self, exports: &Exports) -> Result<Result<lifecycle::Readiness, Refusal>, HookFailure> {
        self.store.data_mut().is_configuring = true;
        let mut readiness = Ok(lifecycle::Readiness::Active);
        for (plug, export) in &exports.lifecycles {
            let (answer,): (Result<lifecycle::Readiness, String>,) = self.call_prepared(export).await?;
            readiness = answer.map_err(|reason| Refusal { plug: *plug, reason });
            if readiness.is_err() {
                break;
            }
        }
        self.store.data_mut().is_configuring = false;
        Ok(readiness)
    }

    /// Calls a function without parameters, with the time that preparing may take.
    async fn call_prepared<R>(&mut self, export: &ComponentExportIndex) -> Result<R, HookFailure>
    where
        R: component::ComponentNamedList + component::Lift + Send + Sync + 'static,
    {
        let cpu = self.store.data().shared.limits.configure;
        self.start_clock(cpu);
        let function = self
            .started
            .get_typed_func::<(), R>(&mut self.store, export)
            .map_err(|error| HookFailure::Unusable(format!("its exports do not fit: {error:#}")))?;
        let called = function.call_async(&mut self.store, ()).await;
        called.map_err(|error| self.failure(&error, cpu))
    }

    /// Calls the request hook.
    pub async fn on_request(&mut self, request: Request) -> Result<Action<Request>, HookFailure> {
        let Some(guest) = self.request.clone() else { return Ok(Action::Next(request)) };
        let cpu = self.store.data().shared.limits.cpu;
        self.start_clock(cpu);
        let lent = self.lend_request(request)?;
        let action = guest.call_on_request(&mut self.store, borrowed(&lent)).await;
        let action = action.map_err(|error| self.failure(&error, cpu))?;
        let request = self.take_request(lent)?;
        self.action(action, request)
    }

    /// Calls the response hook.
    pub async fn on_response(&mut self, request: Request, response: Response) -> Result<Action<Response>, HookFailure> {
        let Some(guest) = self.response.clone() else { return Ok(Action::Next(response)) };
        let cpu = self.store.data().shared.limits.cpu;
        self.start_clock(cpu);
        let request = self.lend_request(request)?;
        let lent = self.store.data_mut().handles.lend_response(response);
        let response = lent.map_err(|error| self.failure(&error, cpu))?;
        let action = guest.call_on_response(&mut self.store, borrowed(&request), borrowed(&response)).await;
        let action = action.map_err(|error| self.failure(&error, cpu))?;
        self.take_request(request)?;
        let response = self.take_response(response)?;
        self.action(action, response)
    }

    /// Calls the error hook.
    pub async fn on_error(&mut self, request: Request, kind: &str, detail: &str) -> Result<(), HookFailure> {
        let Some(guest) = self.error.clone() else { return Ok(()) };
        let cpu = self.store.data().shared.limits.cpu;
        self.start_clock(cpu);
        let lent = self.lend_request(request)?;
        let called = guest.call_on_error(&mut self.store, borrowed(&lent), kind, detail).await;
        called.map_err(|error| self.failure(&error, cpu))?;
        self.take_request(lent).map(drop)
    }

    fn action<M>(&mut self, action: actions::Action, message: M) -> Result<Action<M>, HookFailure> {
        Ok(match action {
            actions::Action::Next => Action::Next(message),
            actions::Action::Kill => Action::Kill,
            actions::Action::Respond(response) => Action::Respond(self.take_response(response)?),
        })
    }

    fn lend_request(&mut self, request: Request) -> Result<Resource<RequestHandle>, HookFailure> {
        let cpu = self.store.data().shared.limits.cpu;
        let lent = self.store.data_mut().handles.lend_request(request);
        lent.map_err(|error| self.failure(&error, cpu))
    }

    fn take_request(&mut self, request: Resource<RequestHandle>) -> Result<Request, HookFailure> {
        self.store.data_mut().handles.take_request(request).map_err(not_its_own)
    }

    fn take_response(&mut self, response: Resource<ResponseHandle>) -> Result<Response, HookFailure> {
        let taken = self.store.data_mut().handles.take_response(response).map_err(not_its_own)?;
        taken.map_err(|status| HookFailure::Unusable(format!("it answered with status {status}")))
    }
}

/// What the component gets of something that is lent to it: an owned handle would leave an entry behind in its own table.
fn borrowed<T: 'static>(lent: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(lent.rep())
}

fn not_its_own(error: wasmtime::Error) -> HookFailure {
    HookFailure::Unusable(format!("it answered with a handle that is not its own: {error}"))
}

/// The hooks of a started instance.
type Hooks = (Option<request_hook::Guest>, Option<response_hook::Guest>, Option<error_hook::Guest>);

fn load_hooks(exports: &Exports, store: &mut Store<State>, started: &component::Instance) -> wasmtime::Result<Hooks> {
    Ok((
        exports.request.as_ref().map(|indices| indices.load(&mut *store, started)).transpose()?,
        exports.response.as_ref().map(|indices| indices.load(&mut *store, started)).transpose()?,
        exports.error.as_ref().map(|indices| indices.load(&mut *store, started)).transpose()?,
    ))
}

/// Gives the next call its time.
fn start_clock(store: &mut Store<State>, cpu: Duration) {
    let state = store.data_mut();
    state.ticks = 0;
    // The first tick may come at once.
    state.tick_limit = u32::try_from(cpu.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX).max(1);
    store.set_epoch_deadline(1);
}

/// Says why a call failed.
fn failure(store: &Store<State>, error: &wasmtime::Error, cpu: Duration) -> HookFailure {
    let state = store.data();
    if error.downcast_ref::<OutOfTime>().is_some() {
        return HookFailure::OutOfTime(cpu);
    }
    if state.memory.exhausted || error.downcast_ref::<OutOfMemory>().is_some() {
        return HookFailure::OutOfMemory(state.shared.limits.memory);
    }
    match state.last_words() {
        words if words.is_empty() => HookFailure::Trapped(error.root_cause().to_string()),
        words => HookFailure::Trapped(words),
    }
}
