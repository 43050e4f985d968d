//! One instance of an addon, and calls into it.

use std::{sync::Arc, time::Duration};

use wasmtime::{
    Store, UpdateDeadline,
    component::{self, ComponentExportIndex, InstancePre, Resource},
};

use super::{
    action::Action,
    bindings::{
        exports::proxyhost::addon::{commands, declaration, error_hook, lifecycle, request_hook, response_hook},
        proxyhost::addon::{actions, options},
    },
    cpu::Tick,
    failure::{HookFailure, OutOfTime},
    handles::{RequestHandle, ResponseHandle},
    limits::Limits,
    state::{Shared, State},
    waits::Waits,
};
use crate::flow::{FlowId, Request, Response, Session};

/// What a component exports.
pub struct Exports {
    /// `declaration`, its own and those of its plugs.
    pub declarations: Vec<ComponentExportIndex>,
    /// `lifecycle`, those of its plugs (with the plug's position) and its own.
    pub lifecycles: Vec<(Option<usize>, ComponentExportIndex)>,
    /// `startup`, those of its plugs (with the plug's position) and its own.
    pub startups: Vec<(Option<usize>, ComponentExportIndex)>,
    /// `commands`, its own and those of its plugs.
    pub commands: Vec<Offer>,
    /// `request-hook`
    pub request: Option<request_hook::GuestIndices>,
    /// `response-hook`
    pub response: Option<response_hook::GuestIndices>,
    /// `error-hook`
    pub error: Option<error_hook::GuestIndices>,
}

/// The functions of `commands` that a component exports, or one of its plugs.
#[derive(Clone, Copy)]
pub struct Offer {
    offered: ComponentExportIndex,
    run: ComponentExportIndex,
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
            plugs
                .filter_map(move |plug| Some((Some(plug), function(&assembly::export_of_plug(plug, interface), name)?)))
        };
        let own_declaration = function("proxyhost:addon/declaration@0.1.0", "declare");
        let own_lifecycle = function("proxyhost:addon/lifecycle@0.1.0", "configure");
        let offer = |interface: &str| {
            Some(Offer { offered: function(interface, "offered")?, run: function(interface, "run")? })
        };
        let plugs_offers =
            plugs.clone().into_iter().filter_map(|plug| offer(&assembly::export_of_plug(plug, "commands")));
        let own_startup = function("proxyhost:addon/startup@0.1.0", "start");
        let plugs_declarations = of_plugs("declaration", "declare").map(|(_, export)| export);
        Self {
            declarations: own_declaration.into_iter().chain(plugs_declarations).collect(),
            // Plugs first: the addon may call them while it prepares itself.
            lifecycles: of_plugs("lifecycle", "configure").chain(own_lifecycle.map(|own| (None, own))).collect(),
            startups: of_plugs("startup", "start").chain(own_startup.map(|own| (None, own))).collect(),
            commands: offer("proxyhost:addon/commands@0.1.0").into_iter().chain(plugs_offers).collect(),
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

/// A running instance. Dropped, not reused, when a call fails.
pub struct Instance {
    store: Store<State>,
    started: component::Instance,
    request: Option<request_hook::Guest>,
    response: Option<response_hook::Guest>,
    error: Option<error_hook::Guest>,
    waits: Arc<Waits>,
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
        let limits = shared.limits;
        let mut store = Store::new(pre.engine(), State::new(shared));
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.crossing());
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            state.shared.clock.need();
            match state.cpu.tick() {
                Tick::GoOn => Ok(UpdateDeadline::Continue(1)),
                Tick::Yield => Ok(UpdateDeadline::Yield(1)),
                Tick::Over => Err(OutOfTime.into()),
            }
        });
        begin(&mut store, None, &Session::default(), limits.cpu);
        let waits = store.data().waits.clone();
        let started = waits.bound(limits.hook, pre.instantiate_async(&mut store)).await;
        let started = ended(&store, started, Allowed::hook(&limits))?;
        store.data_mut().memory.settle();
        let Hooks { request, response, error } = Hooks::load(exports, &mut store, &started)
            .map_err(|error| HookFailure::Unusable(format!("its exports do not fit: {error:#}")))?;
        Ok(Self { store, started, request, response, error, waits, calls: 0 })
    }

    /// Whether it should make room for a fresh one.
    pub fn is_worn(&mut self) -> bool {
        let state = self.store.data_mut();
        self.calls >= CALLS || state.memory.is_high() || state.handles.are_many()
    }

    /// What the component and its plugs declare of themselves, the component first.
    pub async fn declare(&mut self, exports: &Exports) -> Result<Vec<declaration::Declared>, HookFailure> {
        let allowed = Allowed::preparing(self.limits());
        let mut all = Vec::new();
        for export in &exports.declarations {
            let (declared,) = self.call_plain(export, allowed).await?;
            all.push(declared);
        }
        Ok(all)
    }

    /// The commands that the component and its plugs offer, each with the place of who does among those that offer some.
    ///
    /// # Errors
    /// When one fails.
    pub async fn offered(&mut self, exports: &Exports) -> Result<Vec<(usize, commands::Command)>, HookFailure> {
        let allowed = Allowed::preparing(self.limits());
        let mut all = Vec::new();
        for (place, offer) in exports.commands.iter().enumerate() {
            let (offered,): (Vec<commands::Command>,) = self.call_plain(&offer.offered, allowed).await?;
            all.extend(offered.into_iter().map(|command| (place, command)));
        }
        Ok(all)
    }

    /// Runs a command of who is at that place among those that offer some, for a session.
    ///
    /// # Errors
    /// When it fails; what the command itself says against it comes as a text.
    pub async fn run(
        &mut self,
        exports: &Exports,
        place: usize,
        (name, arguments): (&str, &[options::Value]),
        session: &Session,
    ) -> Result<Result<commands::Answer, String>, HookFailure> {
        let Some(offer) = exports.commands.get(place) else {
            return Err(HookFailure::Unusable("it offers no commands".to_owned()));
        };
        let allowed = Allowed::preparing(self.limits());
        let (answer,) = self.call(&offer.run, (name, arguments), session, allowed).await?;
        Ok(answer)
    }

    /// Prepares the addon and its plugs: whether its hooks are needed, or what is wrong.
    pub async fn configure(&mut self, exports: &Exports) -> Result<Result<lifecycle::Readiness, Refusal>, HookFailure> {
        let allowed = Allowed::preparing(self.limits());
        self.store.data_mut().is_configuring = true;
        let mut readiness = Ok(lifecycle::Readiness::Active);
        for (plug, export) in &exports.lifecycles {
            let (answer,): (Result<lifecycle::Readiness, String>,) = self.call_plain(export, allowed).await?;
            readiness = answer.map_err(|reason| Refusal { plug: *plug, reason });
            if readiness.is_err() {
                break;
            }
        }
        self.store.data_mut().is_configuring = false;
        Ok(readiness)
    }

    /// Prepares this instance, after the addon was configured.
    ///
    /// # Errors
    /// When it fails, or refuses.
    pub async fn start(&mut self, exports: &Exports) -> Result<Result<(), Refusal>, HookFailure> {
        let allowed = Allowed::hook(self.limits());
        for (plug, export) in &exports.startups {
            let (answer,): (Result<(), String>,) = self.call_plain(export, allowed).await?;
            if let Err(reason) = answer {
                return Ok(Err(Refusal { plug: *plug, reason }));
            }
        }
        Ok(Ok(()))
    }

    /// Calls a function without parameters that belongs to no flow.
    async fn call_plain<R>(&mut self, export: &ComponentExportIndex, allowed: Allowed) -> Result<R, HookFailure>
    where
        R: component::ComponentNamedList + component::Lift + Send + Sync + 'static,
    {
        self.call(export, (), &Session::default(), allowed).await
    }

    /// Calls a function that belongs to no flow.
    async fn call<P, R>(
        &mut self,
        export: &ComponentExportIndex,
        parameters: P,
        session: &Session,
        allowed: Allowed,
    ) -> Result<R, HookFailure>
    where
        P: component::ComponentNamedList + component::Lower + Send + Sync,
        R: component::ComponentNamedList + component::Lift + Send + Sync + 'static,
    {
        self.begin(None, session, allowed.cpu);
        let function = self
            .started
            .get_typed_func::<P, R>(&mut self.store, export)
            .map_err(|error| HookFailure::Unusable(format!("its exports do not fit: {error:#}")))?;
        let called = self.waits.bound(allowed.whole, function.call_async(&mut self.store, parameters)).await;
        ended(&self.store, called, allowed)
    }

    /// Calls the request hook.
    pub async fn on_request(&mut self, request: Box<Request>) -> Result<Action<Box<Request>>, HookFailure> {
        let Some(guest) = self.request.clone() else { return Ok(Action::Next(request)) };
        let allowed = self.begin_hook(&request);
        let lent = self.store.data_mut().handles.lend_request(request);
        let lent = lent.map_err(|error| HookFailure::of(&self.store, &error, allowed.cpu))?;
        let call = guest.call_on_request(&mut self.store, borrowed(&lent));
        let called = self.waits.bound(allowed.whole, call).await;
        let action = ended(&self.store, called, allowed)?;
        let request = self.take_request(lent)?;
        self.action(action, request)
    }

    /// Calls the response hook.
    pub async fn on_response(
        &mut self,
        request: Box<Request>,
        response: Box<Response>,
    ) -> Result<Action<Box<Response>>, HookFailure> {
        let Some(guest) = self.response.clone() else { return Ok(Action::Next(response)) };
        let allowed = self.begin_hook(&request);
        let handles = &mut self.store.data_mut().handles;
        let lent =
            handles.lend_sent_request(request).and_then(|request| Ok((request, handles.lend_response(response)?)));
        let (request, response) = lent.map_err(|error| HookFailure::of(&self.store, &error, allowed.cpu))?;
        let call = guest.call_on_response(&mut self.store, borrowed(&request), borrowed(&response));
        let called = self.waits.bound(allowed.whole, call).await;
        let action = ended(&self.store, called, allowed)?;
        self.take_request(request)?;
        let response = self.take_response(response)?;
        self.action(action, response)
    }

    /// Calls the error hook.
    pub async fn on_error(&mut self, request: Box<Request>, kind: &str, detail: &str) -> Result<(), HookFailure> {
        let Some(guest) = self.error.clone() else { return Ok(()) };
        let allowed = self.begin_hook(&request);
        let lent = self.store.data_mut().handles.lend_sent_request(request);
        let lent = lent.map_err(|error| HookFailure::of(&self.store, &error, allowed.cpu))?;
        let call = guest.call_on_error(&mut self.store, borrowed(&lent), kind, detail);
        let called = self.waits.bound(allowed.whole, call).await;
        ended(&self.store, called, allowed)?;
        self.take_request(lent).map(drop)
    }

    fn limits(&self) -> &Limits {
        &self.store.data().shared.limits
    }

    fn begin_hook(&mut self, request: &Request) -> Allowed {
        let allowed = Allowed::hook(self.limits());
        self.begin(Some(request.flow), &request.session, allowed.cpu);
        allowed
    }

    fn begin(&mut self, flow: Option<FlowId>, session: &Session, cpu: Duration) {
        self.calls += 1;
        begin(&mut self.store, flow, session, cpu);
    }

    fn action<M>(&mut self, action: actions::Action, message: M) -> Result<Action<M>, HookFailure> {
        Ok(match action {
            actions::Action::Next => Action::Next(message),
            actions::Action::Kill => Action::Kill,
            actions::Action::Respond(response) => Action::Respond(self.take_response(response)?),
        })
    }

    fn take_request(&mut self, request: Resource<RequestHandle>) -> Result<Box<Request>, HookFailure> {
        self.store.data_mut().handles.take_request(request).map_err(not_its_own)
    }

    fn take_response(&mut self, response: Resource<ResponseHandle>) -> Result<Box<Response>, HookFailure> {
        let taken = self.store.data_mut().handles.take_response(response).map_err(not_its_own)?;
        taken.map_err(|status| HookFailure::Unusable(format!("it answered with status {status}")))
    }
}

/// The time that a call may take.
#[derive(Clone, Copy)]
struct Allowed {
    /// Computing.
    cpu: Duration,
    /// In all.
    whole: Duration,
}

impl Allowed {
    fn hook(limits: &Limits) -> Self {
        Self { cpu: limits.cpu, whole: limits.hook }
    }

    fn preparing(limits: &Limits) -> Self {
        Self { cpu: limits.configure, whole: limits.configure }
    }
}

/// Gives the next call its time, its flow and its session.
fn begin(store: &mut Store<State>, flow: Option<FlowId>, session: &Session, cpu: Duration) {
    let state = store.data_mut();
    state.shared.clock.need();
    state.cpu.begin(cpu);
    state.flow = flow;
    if state.session != *session {
        state.session.clone_from(session);
    }
    state.output.begin(flow);
    store.set_epoch_deadline(1);
}

/// What came of a call that may have run out of its time.
fn ended<T>(store: &Store<State>, called: Option<wasmtime::Result<T>>, allowed: Allowed) -> Result<T, HookFailure> {
    match called {
        Some(Ok(done)) => {
            store.data().output.end();
            Ok(done)
        }
        Some(Err(error)) => Err(HookFailure::of(store, &error, allowed.cpu)),
        None => Err(HookFailure::TimedOut(allowed.whole)),
    }
}

/// What the component gets of something that is lent to it: an owned handle would leave an entry behind in its own table.
fn borrowed<T: 'static>(lent: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(lent.rep())
}

fn not_its_own(error: wasmtime::Error) -> HookFailure {
    HookFailure::Unusable(format!("it answered with a handle that is not its own: {error}"))
}

/// What of a started instance is called for flows.
struct Hooks {
    request: Option<request_hook::Guest>,
    response: Option<response_hook::Guest>,
    error: Option<error_hook::Guest>,
}

impl Hooks {
    fn load(exports: &Exports, store: &mut Store<State>, started: &component::Instance) -> wasmtime::Result<Self> {
        Ok(Self {
            request: exports.request.as_ref().map(|indices| indices.load(&mut *store, started)).transpose()?,
            response: exports.response.as_ref().map(|indices| indices.load(&mut *store, started)).transpose()?,
            error: exports.error.as_ref().map(|indices| indices.load(&mut *store, started)).transpose()?,
        })
    }
}
