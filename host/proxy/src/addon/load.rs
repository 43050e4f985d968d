//! From files to addons that can be called: read, compose, compile, ask for the declaration; then, with the options'
//! values, configure.

use std::{collections::BTreeSet, error::Error, sync::Arc};

use assembly::{Composition, Package, Plug, PlugError};
use ring::digest::{self, SHA256, SHA256_OUTPUT_LEN};
use shipped::Shipped;
use tracing::warn;
use wasmtime::component::{Component, InstancePre};

use super::{
    bindings::exports::proxyhost::addon::lifecycle,
    capability::Capability,
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
    pool::{Instances, Pool},
    scheduler::Scheduler,
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
    digest: [u8; SHA256_OUTPUT_LEN],
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
        let as_it_ships = match &addon.source {
            Source::Shipped(name) if own.is_empty() && shared_plugs.is_empty() => shipped::find(name),
            _ => None,
        };
        let assembled = match as_it_ships {
            Some(shipped) => assembled_before(engine, shipped).await?,
            None => {
                // Those named for this addon come first, then those for any, then what ships.
                let mut candidates = own.clone();
                candidates.extend(shared_plugs.iter().cloned());
                candidates.extend(shipped_plugs(&addon.source));
                assemble(engine, &addon.source, &candidates).await?
            }
        };
        let used: BTreeSet<usize> = assembled.plugs.iter().map(|plug| plug.position).collect();
        if let Some((_, unfit)) = own.iter().enumerate().find(|(position, _)| !used.contains(position)) {
            return Err(unused(unfit)?);
        }
        fitting.extend(used.iter().filter_map(|position| position.checked_sub(own.len())));
        loaded.push(load_one(engine, &addon.source, assembled, &addon.limits).await?);
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
    let others = shipped::all().iter().filter(move |shipped| shipped.name != addon);
    others.map(|shipped| Plug { name: shipped.name.to_owned(), bytes: shipped.bytes.into() })
}

fn unused(plug: &Plug) -> Result<LoadError, PlugError> {
    let (mut exports, _) = assembly::interfaces(&plug.name, &plug.bytes, &|_| false)?;
    exports.retain(|export| !Package::ADDON.has(export));
    let exports = if exports.is_empty() { "hooks only".to_owned() } else { exports.join(", ") };
    Ok(LoadError::UnusedPlug { plug: plug.name.clone(), exports })
}

/// An addon with its imports filled, compiled.
struct Assembled {
    component: Component,
    digest: [u8; SHA256_OUTPUT_LEN],
    imports: Vec<String>,
    plugs: Vec<LoadedPlug>,
}

async fn assemble(engine: &AddonEngine, source: &Source, candidates: &[Plug]) -> Result<Assembled, LoadError> {
    let name = source.name();
    let bytes = source.read()?;
    let host = engine.packages();
    let is_of_host = |interface: &str| host.iter().any(|package| package.has(interface));
    let interfaces = |name: &str, bytes: &[u8]| {
        let (exports, imports) = assembly::interfaces(name, bytes, &is_of_host)?;
        contract::check(&exports, &imports, &host)
            .map_err(|source| LoadError::Contract { addon: name.to_owned(), source })?;
        Ok::<_, LoadError>((exports, imports))
    };
    let (_, imports) = interfaces(&name, &bytes)?;
    let Composition { bytes, used } = assembly::compose(&name, &bytes, candidates, &is_of_host)?;
    let plugs = used.iter().filter_map(|&position| Some((position, candidates.get(position)?)));
    let plugs = plugs.map(|(position, plug)| {
        let (exports, _) = interfaces(&plug.name, &plug.bytes)?;
        Ok(LoadedPlug { name: plug.name.clone(), exports, position })
    });
    let plugs = plugs.collect::<Result<_, LoadError>>()?;
    let mut digest = [0; SHA256_OUTPUT_LEN];
    digest.copy_from_slice(digest::digest(&SHA256, &bytes).as_ref());
    let component = engine.compile(bytes).await.map_err(|source| LoadError::Compile { addon: name, source })?;
    Ok(Assembled { component, digest, imports, plugs })
}

/// What ships is assembled when the host is built.
async fn assembled_before(engine: &AddonEngine, shipped: &'static Shipped) -> Result<Assembled, LoadError> {
    let composed = &shipped.composed;
    let component = engine.compile_shipped(composed).await;
    let component = component.map_err(|source| LoadError::Compile { addon: shipped.name.to_owned(), source })?;
    let others: Vec<&Shipped> = shipped.others().collect();
    let plugs = composed.plugs.iter().filter_map(|&position| {
        let plug = others.get(position)?;
        Some(LoadedPlug { name: plug.name.to_owned(), exports: owned(plug.exports), position })
    });
    Ok(Assembled { component, digest: composed.digest, imports: owned(shipped.imports), plugs: plugs.collect() })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn load_one(
    engine: &AddonEngine,
    source: &Source,
    assembled: Assembled,
    limits: &Limits,
) -> Result<Loaded, LoadError> {
    let name = source.name();
    let Assembled { component, digest, imports, plugs } = assembled;
    let component = link(engine, &name, &component)?;
    let exports = Exports::of(&component, plugs.iter().map(|plug| plug.position));
    let declared = declared::ask(engine, &name, &component, &exports, limits).await?;
    Ok(Loaded {
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
    })
}

fn link(engine: &AddonEngine, name: &str, component: &Component) -> Result<InstancePre<State>, LoadError> {
    engine.linker.instantiate_pre(component).map_err(|error| LoadError::Link {
        addon: name.to_owned(),
        offered: engine.packages().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        source: error.into(),
    })
}

impl Loaded {
    /// Whether the other one is the same code.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.digest == other.digest
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
