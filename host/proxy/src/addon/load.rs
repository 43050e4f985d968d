//! From files to addons that can be called: read, compose, compile, ask for the declaration; then, with the options'
//! values, configure.

use std::{collections::BTreeSet, error::Error, sync::Arc};

use ring::digest::{self, Digest};
use tracing::warn;
use wasmtime::component::InstancePre;

use super::{
    bindings::exports::proxyhost::addon::lifecycle,
    capability::{Capability, Package},
    clock::Clock,
    commands::Command,
    component::{ComponentError, Source},
    contract::{self, ContractError},
    declared,
    engine::{AddonEngine, CompileError},
    failure::HookFailure,
    grants::Grants,
    hooks::{Addon, Duty, LONGEST_REASON, OnFailure},
    instance::Exports,
    limits::Limits,
    notes::NoteKeeper,
    options::{OptionDeclaration, Values},
    plug::{self, Plug, PlugError},
    pool::{Instances, Pool},
    scheduler::Scheduler,
    shipped,
    state::{Shared, State},
};

/// An addon to load.
#[derive(Clone, Debug)]
pub struct Request {
    /// The addon.
    pub source: Source,
    /// Plugs for this addon only: each must fit.
    pub plugs: Vec<Source>,
    /// What it may use.
    pub limits: Limits,
}

/// What an addon is configured with.
pub struct Preparation<'a> {
    /// The values of its options, and of those of other addons that it reads. Those that are not there have their default.
    pub options: Values,
    /// The files that it may use.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// What happens to a flow when it fails.
    pub on_failure: OnFailure,
    /// Why it is configured.
    pub purpose: Purpose,
    /// The addon of this name in the configuration before.
    pub before: Option<&'a Addon>,
    /// Where it finds what it noted, if that is kept.
    pub journal: Option<Arc<dyn NoteKeeper>>,
}

impl Preparation<'_> {
    /// With these options and files, and otherwise as by default: at a start.
    pub fn new(options: Values, grants: Grants, purpose: Purpose) -> Self {
        let (limits, on_failure) = (Limits::default(), OnFailure::default());
        Self { options, grants, limits, on_failure, purpose, before: None, journal: None }
    }
}

/// Why addons are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To run.
    Run,
    /// To see whether they could: nothing is written.
    Check,
}

/// Why an addon cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not a component.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Its imports cannot be filled.
    #[error(transparent)]
    Plug(#[from] PlugError),
    /// A plug was named that no addon imports.
    #[error("plug `{plug}` fits nothing: it exports {exports}, and no addon that is loaded imports it")]
    UnusedPlug {
        /// The plug.
        plug: String,
        /// What it exports.
        exports: String,
    },
    /// It was made for another host.
    #[error("cannot load addon `{addon}`")]
    Contract {
        /// The addon, or the plug.
        addon: String,
        /// How they differ.
        source: ContractError,
    },
    /// It cannot be compiled.
    #[error("cannot load addon `{addon}`: it cannot be compiled")]
    Compile {
        /// The addon.
        addon: String,
        /// What the compiler said.
        source: CompileError,
    },
    /// It asks the host for what it does not offer.
    #[error("cannot load addon `{addon}`: it asks for something that this host ({offered}) does not offer")]
    Link {
        /// The addon.
        addon: String,
        /// The packages that the host offers.
        offered: String,
        /// What is missing, or of another type.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It failed while it started, or declared its options.
    #[error("cannot load addon `{addon}`")]
    Declare {
        /// The addon.
        addon: String,
        /// How.
        source: HookFailure,
    },
    /// What it declares cannot be used.
    #[error("cannot load addon `{addon}`: it declares {what}")]
    Declared {
        /// The addon.
        addon: String,
        /// What cannot be used, and why.
        what: String,
    },
    /// It failed while it prepared itself.
    #[error("cannot configure addon `{addon}`")]
    Prepare {
        /// The addon.
        addon: String,
        /// How.
        source: HookFailure,
    },
    /// It refused its options.
    #[error("addon `{addon}`: {reason}")]
    Refused {
        /// The addon.
        addon: String,
        /// What it said.
        reason: String,
    },
}

/// An addon that is loaded, and waits for its options' values.
pub struct Loaded {
    /// The name that messages use.
    pub name: String,
    /// Where it is from.
    pub place: String,
    /// What it does.
    pub summary: String,
    /// Its options and those of its plugs.
    pub options: Vec<OptionDeclaration>,
    /// Options of other addons whose values it is to know.
    pub reads: Vec<String>,
    /// The plugs in it.
    pub plugs: Vec<LoadedPlug>,
    /// What it imports that plugs fill.
    pub imports: Vec<String>,
    /// The hooks it exports.
    pub hooks: Vec<&'static str>,
    /// The commands that it offers.
    pub commands: Vec<Command>,
    /// What tells that it is the same code.
    digest: Digest,
    instances: Instances,
    component: InstancePre<State>,
    exports: Arc<Exports>,
    scheduler: Arc<Scheduler>,
    clock: Arc<Clock>,
    capabilities: Vec<Arc<dyn Capability>>,
}

/// A plug of an addon that is loaded.
#[derive(Debug)]
pub struct LoadedPlug {
    /// The name that messages use.
    pub name: String,
    /// The interfaces that it exports.
    pub exports: Vec<String>,
    position: usize,
}

/// Loads addons, in order, with plugs for any of them.
///
/// # Errors
/// When one cannot be loaded, or a plug fits nothing.
pub async fn load(engine: &AddonEngine, addons: &[Request], plugs: &[Source]) -> Result<Vec<Loaded>, LoadError> {
    let shared_plugs = read_plugs(plugs)?;
    let mut fitting = BTreeSet::new();
    let mut loaded = Vec::new();
    for addon in addons {
        let own = read_plugs(&addon.plugs)?;
        let bytes = addon.source.read()?;
        // Those named for this addon come first, then those for any, then what ships.
        let mut candidates = own.clone();
        candidates.extend(shared_plugs.iter().cloned());
        candidates.extend(shipped_plugs(&addon.source));
        let (one, used) = load_one(engine, &addon.source, &bytes, &candidates, &addon.limits).await?;
        if let Some((_, unfit)) = own.iter().enumerate().find(|(position, _)| !used.contains(position)) {
            return Err(unused(unfit)?);
        }
        fitting.extend(used.iter().filter_map(|position| position.checked_sub(own.len())));
        loaded.push(one);
    }
    match shared_plugs.iter().enumerate().find(|(position, _)| !fitting.contains(position)) {
        Some((_, unfit)) => Err(unused(unfit)?),
        None => Ok(loaded),
    }
}

fn read_plugs(sources: &[Source]) -> Result<Vec<Plug>, ComponentError> {
    sources.iter().map(|source| Ok(Plug { name: source.name(), bytes: source.read()? })).collect()
}

/// What ships may fill any import, except the addon's own.
fn shipped_plugs(addon: &Source) -> impl Iterator<Item = Plug> {
    let addon = addon.name();
    shipped::names().filter(move |name| *name != addon).filter_map(|name| {
        let bytes = shipped::find(name)?.to_vec();
        Some(Plug { name: name.to_owned(), bytes })
    })
}

fn unused(plug: &Plug) -> Result<LoadError, PlugError> {
    let (mut exports, _) = plug::interfaces(&plug.name, &plug.bytes, &[])?;
    exports.retain(|export| !Package::ADDON.has(export));
    let exports = if exports.is_empty() { "hooks only".to_owned() } else { exports.join(", ") };
    Ok(LoadError::UnusedPlug { plug: plug.name.clone(), exports })
}

async fn load_one(
    engine: &AddonEngine,
    source: &Source,
    bytes: &[u8],
    candidates: &[Plug],
    limits: &Limits,
) -> Result<(Loaded, BTreeSet<usize>), LoadError> {
    let name = source.name();
    let host = engine.packages();
    let (exports, imports) = plug::interfaces(&name, bytes, &host)?;
    let misfit = |addon: &str, source| LoadError::Contract { addon: addon.to_owned(), source };
    contract::check(&exports, &imports, &host).map_err(|source| misfit(&name, source))?;
    let composition = plug::compose(&name, bytes, candidates, &host)?;
    let digest = digest::digest(&digest::SHA256, &composition.bytes);
    let component = prepare(engine, &name, composition.bytes).await?;
    let exports = Exports::of(&component, composition.used.iter().copied());
    let declared = declared::ask(engine, &name, &component, &exports, limits).await?;
    let used = composition.used.iter().filter_map(|&position| Some((position, candidates.get(position)?)));
    let plugs = used.map(|(position, plug)| {
        let (exports, imports) = plug::interfaces(&plug.name, &plug.bytes, &host)?;
        contract::check(&exports, &imports, &host).map_err(|source| misfit(&plug.name, source))?;
        Ok(LoadedPlug { name: plug.name.clone(), exports, position })
    });
    let plugs = plugs.collect::<Result<_, LoadError>>()?;
    let loaded = Loaded {
        name,
        place: source.place(),
        summary: declared.summary,
        options: declared.options,
        reads: declared.reads,
        plugs,
        imports,
        hooks: exports.names(),
        commands: declared.commands,
        digest,
        instances: declared.instances,
        component,
        exports: Arc::new(exports),
        scheduler: engine.scheduler.clone(),
        clock: engine.clock.clone(),
        capabilities: engine.capabilities.clone(),
    };
    Ok((loaded, composition.used))
}

async fn prepare(engine: &AddonEngine, name: &str, bytes: Vec<u8>) -> Result<InstancePre<State>, LoadError> {
    let compiled = engine.compile(bytes).await;
    let component = compiled.map_err(|source| LoadError::Compile { addon: name.to_owned(), source })?;
    let linked = engine.linker.instantiate_pre(&component);
    linked.map_err(|error| LoadError::Link {
        addon: name.to_owned(),
        offered: engine.packages().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        source: error.into(),
    })
}

impl Loaded {
    /// Whether the other one is the same code.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.digest.as_ref() == other.digest.as_ref()
    }

    /// Configures the addon.
    ///
    /// # Errors
    /// When it refuses its options, or fails.
    pub async fn configure(&self, preparation: Preparation<'_>) -> Result<Addon, LoadError> {
        let Preparation { options: values, grants, limits, on_failure, purpose, before, journal } = preparation;
        if self.hooks.is_empty() {
            warn!(addon = self.name, "addon exports no hook, so it will never be called");
        }
        let failed = |source| LoadError::Prepare { addon: self.name.clone(), source };
        let mut options: Values =
            self.options.iter().map(|option| (option.name.clone(), option.default_value())).collect();
        options.extend(values);
        let mut shared = Shared::new(
            self.name.clone(),
            limits,
            self.clock.clone(),
            &self.capabilities,
            before.map(|before| before.shared().as_ref()),
        );
        shared.changed = before.map(|before| differing(before.options(), &options)).unwrap_or_default();
        (shared.options, shared.grants, shared.is_trial) = (options, grants, purpose == Purpose::Check);
        shared.journal = journal;
        let shared = Arc::new(shared);
        let (component, exports) = (self.component.clone(), self.exports.clone());
        let pool = Arc::new(Pool::new(component, exports, shared, self.scheduler.clone(), self.instances));
        let readiness = pool.configure().await.map_err(failed)?.map_err(|refusal| {
            let plug = self.plugs.iter().find(|plug| Some(plug.position) == refusal.plug);
            let addon = plug.map_or(&self.name, |plug| &plug.name).clone();
            let end = refusal.reason.floor_char_boundary(LONGEST_REASON);
            LoadError::Refused { addon, reason: oneline::escaped(&refusal.reason[..end]) }
        })?;
        let duty = match readiness {
            lifecycle::Readiness::Active => Duty::Active,
            lifecycle::Readiness::Offline => Duty::Offline,
            lifecycle::Readiness::Idle => Duty::Idle,
        };
        Ok(Addon::new(self.name.clone(), pool, duty, on_failure).counting_on(before))
    }
}

/// The names of the options whose values are not the same.
fn differing(before: &Values, now: &Values) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != now.get(*name)).cloned().collect()
}
