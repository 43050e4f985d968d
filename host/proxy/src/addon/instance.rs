//! One instance of an addon, and calls into it.

use std::{fmt, sync::Arc, time::Duration};

use wasmtime::{
    Store, UpdateDeadline,
    component::{self, ComponentExportIndex, InstancePre, Resource},
};

use super::{
    bindings::{
        exports::proxyhost::addon::{declaration, error_hook, lifecycle, request_hook, response_hook},
        proxyhost::addon::actions::Action,
    },
    engine::TICK,
    handles::{RequestHandle, ResponseHandle},
    plug,
    state::{Shared, State},
};
use crate::{
    flow::{Request, Response},
    recordings::{Library, LibraryBuilder},
};

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

/// What an addon wants done with a flow.
#[derive(Debug)]
pub enum Verdict<M> {
    /// Go on with the message.
    Next(M),
    /// Answer with this.
    Respond(Response),
    /// End the flow without an answer.
    Kill,
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
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            state.ticks += 1;
            match state.ticks > state.tick_limit {
                true => Err(OutOfTime.into()),
                false => Ok(UpdateDeadline::Yield(1)),
            }
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
    pub fn is_worn(&self) -> bool {
        self.calls >= CALLS || self.store.data().memory.is_high()
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

    /// Prepares the addon and its plugs: whether its hooks are needed, or what is wrong; and the library it filled.
    pub async fn configure(
        &mut self,
        exports: &Exports,
    ) -> Result<(Result<lifecycle::Readiness, Refusal>, Library), HookFailure> {
        self.store.data_mut().building = Some(LibraryBuilder::default());
        let mut readiness = Ok(lifecycle::Readiness::Active);
        for (plug, export) in &exports.lifecycles {
            let (answer,): (Result<lifecycle::Readiness, String>,) = self.call_prepared(export).await?;
            readiness = answer.map_err(|reason| Refusal { plug: *plug, reason });
            if readiness.is_err() {
                break;
            }
        }
        let library = self.store.data_mut().building.take().map(LibraryBuilder::finish);
        Ok((readiness, library.unwrap_or_default()))
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
    pub async fn on_request(&mut self, request: Request) -> Result<Verdict<Request>, HookFailure> {
        let Some(guest) = self.request.clone() else { return Ok(Verdict::Next(request)) };
        let cpu = self.store.data().shared.limits.cpu;
        self.start_clock(cpu);
        let handle = self.lend_request(request)?;
        let action = guest.call_on_request(&mut self.store, Resource::new_borrow(handle)).await;
        let action = action.map_err(|error| self.failure(&error, cpu))?;
        let request = self.take_request(handle)?;
        self.verdict(action, request)
    }

    /// Calls the response hook.
    pub async fn on_response(
        &mut self,
        request: Request,
        response: Response,
    ) -> Result<Verdict<Response>, HookFailure> {
        let Some(guest) = self.response.clone() else { return Ok(Verdict::Next(response)) };
        let cpu = self.store.data().shared.limits.cpu;
        self.start_clock(cpu);
        let lent = self.lend_request(request)?;
        let handle = self.lend(ResponseHandle { response, wrong_status: None })?;
        let action =
            guest.call_on_response(&mut self.store, Resource::new_borrow(lent), Resource::new_borrow(handle)).await;
        let action = action.map_err(|error| self.failure(&error, cpu))?;
        self.take_request(lent)?;
        let response = self.take::<ResponseHandle>(handle)?.response;
        self.verdict(action, response)
    }

    /// Calls the error hook.
    pub async fn on_error(&mut self, request: Request, kind: &str, detail: &str) -> Result<(), HookFailure> {
        let Some(guest) = self.error.clone() else { return Ok(()) };
        let cpu = self.store.data().shared.limits.cpu;
        self.start_clock(cpu);
        let lent = self.lend_request(request)?;
        let called = guest.call_on_error(&mut self.store, Resource::new_borrow(lent), kind, detail).await;
        called.map_err(|error| self.failure(&error, cpu))?;
        self.take_request(lent).map(drop)
    }

    fn verdict<M>(&mut self, action: Action, message: M) -> Result<Verdict<M>, HookFailure> {
        match action {
            Action::Next => Ok(Verdict::Next(message)),
            Action::Kill => Ok(Verdict::Kill),
            Action::Respond(response) => {
                let handle = self.take::<ResponseHandle>(response.rep())?;
                match handle.wrong_status {
                    Some(status) => Err(HookFailure::Unusable(format!("it answered with status {status}"))),
                    None => Ok(Verdict::Respond(handle.response)),
                }
            }
        }
    }

    /// Puts something into the table for the time of a call. The guest gets a borrowed handle: an owned one would
    /// leave an entry behind in the guest's own table.
    fn lend<T: Send + 'static>(&mut self, value: T) -> Result<u32, HookFailure> {
        let handle = self.store.data_mut().table.push(value);
        handle
            .map(|handle| handle.rep())
            .map_err(|error| HookFailure::Unusable(format!("it holds too many handles: {error}")))
    }

    fn lend_request(&mut self, request: Request) -> Result<u32, HookFailure> {
        self.lend(RequestHandle { request, read_only: false })
    }

    fn take<T: Send + 'static>(&mut self, handle: u32) -> Result<T, HookFailure> {
        let taken = self.store.data_mut().table.delete(Resource::new_own(handle));
        taken.map_err(|error| HookFailure::Unusable(format!("it answered with a handle that is not its own: {error}")))
    }

    fn take_request(&mut self, handle: u32) -> Result<Request, HookFailure> {
        self.take::<RequestHandle>(handle).map(|handle| handle.request)
    }
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
    if state.memory.exhausted {
        return HookFailure::OutOfMemory(state.shared.limits.memory);
    }
    match state.last_words() {
        words if words.is_empty() => HookFailure::Trapped(error.root_cause().to_string()),
        words => HookFailure::Trapped(words),
    }
}
