//! A proxy that runs: what is configured, and changes of it.
//!
//! `plan` reads the configuration, `setup` is what came of it and of the changes since, and `change` prepares the next one
//! aside and puts its addons in force as a [generation](crate::generation). `command` runs what addons offer, and `watch`
//! tells when files have changed. `face` is what all of that looks like from outside, with the `numbers` for monitoring.

mod change;
mod command;
mod error;
mod face;
mod numbers;
mod plan;
mod setup;
mod stamps;
mod watch;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};

pub use error::ChangeError;
pub use face::{Face, SaveFlows};
pub use numbers::Counted;
pub use plan::Plan;

use crate::{
    addon::{AddonEngine, LoadError, Loaded, NoteKeeper, Source},
    config::Settings,
    generation::Generations,
    journal::Journal,
    upstream::Egress,
};
use setup::Setup;

/// A proxy that runs.
pub struct Running {
    engine: AddonEngine,
    plan: Plan,
    generations: Arc<Generations>,
    setup: ArcSwap<Setup>,
    /// Held while a change is prepared: they are made one after the other.
    changing: Mutex<()>,
    /// Another configuration is in force.
    changed: Notify,
    /// The marks that files had when they were read first.
    read: BTreeMap<PathBuf, u64>,
    journal: Arc<Journal>,
}

impl Running {
    /// Configures the addons, and puts them in force.
    ///
    /// # Errors
    /// When one refuses its options, or fails.
    pub async fn start(
        engine: AddonEngine,
        plan: Plan,
        settings: Settings,
        loaded: &[Arc<Loaded>],
        egress: Arc<Egress>,
        journal: Arc<Journal>,
    ) -> Result<Self, LoadError> {
        let overrides = BTreeMap::new();
        let specs = setup::specs(&settings, loaded, &overrides);
        let entries = setup::prepare(specs, loaded, &[], true, &keeper(&journal)).await?;
        let setup = Setup { settings: Arc::new(settings), edits: Vec::new(), overrides, entries };
        let generations = Arc::new(Generations::new(setup.addons(), egress));
        let (changing, changed, read) = Default::default();
        let setup = ArcSwap::from_pointee(setup);
        let mut running = Self { engine, plan, generations, setup, changing, changed, read, journal };
        running.read = running.marks(&BTreeMap::new());
        Ok(running)
    }

    /// The configuration in force, and those before it.
    pub fn generations(&self) -> &Arc<Generations> {
        &self.generations
    }

    /// Whether all that is replayed was replayed; nothing if nothing is.
    pub fn is_used_up(&self) -> Option<bool> {
        let setup = self.setup.load();
        setup.entries.iter().filter_map(|entry| entry.addon.is_used_up()).reduce(|one, other| one && other)
    }

    /// The files that the configuration was made of (itself, components, recordings), and their marks: those that are known, and
    /// of others the ones that they had when they were read.
    fn marks(&self, known: &BTreeMap<PathBuf, u64>) -> BTreeMap<PathBuf, u64> {
        let setup = self.setup.load();
        let sources = setup.entries.iter().flat_map(|entry| [&entry.spec.source].into_iter().chain(&entry.spec.plugs));
        let components = sources.chain(&setup.settings.plugs).filter_map(|source| match source {
            Source::File(path) => Some(path.clone()),
            _ => None,
        });
        let others = setup.settings.file.iter().cloned().chain(components);
        let others = others.map(|path| {
            let mark = stamps::stamp(&path);
            (path, mark)
        });
        let recordings = setup.entries.iter().flat_map(|entry| entry.files.all());
        let all = others.chain(recordings.map(|(path, mark)| (path.to_owned(), mark)));
        let mut marks: BTreeMap<PathBuf, u64> = all.collect();
        for (path, mark) in &mut marks {
            if let Some(known) = known.get(path) {
                *mark = *known;
            }
        }
        marks
    }
}

/// What keeps the notes of addons.
fn keeper(journal: &Arc<Journal>) -> Arc<dyn NoteKeeper> {
    journal.clone()
}
