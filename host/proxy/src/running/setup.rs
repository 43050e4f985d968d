//! What is configured: as the configuration says, and as it was changed since.

use std::{collections::BTreeMap, sync::Arc};

use super::stamps::Stamps;
use crate::{
    addon::{
        Addon, Command, LoadError, Loaded, NoteKeeper, Preparation, Purpose,
        options::{Kind, OptionDeclaration, Value, appending},
    },
    config::{AddonSpec, Edit, Settings},
};

/// What is configured.
#[derive(Clone)]
pub(super) struct Setup {
    /// As the configuration says.
    pub(super) settings: Arc<Settings>,
    /// How what is loaded was changed since.
    pub(super) edits: Vec<Edit>,
    /// Options that were set since.
    pub(super) overrides: BTreeMap<String, Override>,
    /// The addons, outermost first.
    pub(super) entries: Vec<Entry>,
}

/// A value that was set while the proxy ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Override {
    pub(super) value: Value,
    /// What the configuration said then. When it says something else, that counts.
    pub(super) instead_of: Option<Value>,
}

/// An addon that is configured.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) spec: AddonSpec,
    pub(super) loaded: Arc<Loaded>,
    pub(super) addon: Arc<Addon>,
    pub(super) files: Stamps,
}

impl Setup {
    /// The addons, outermost first.
    pub(super) fn addons(&self) -> Vec<Arc<Addon>> {
        self.entries.iter().map(|entry| entry.addon.clone()).collect()
    }

    /// An option, and the first addon that has it.
    pub(super) fn option(&self, name: &str) -> Option<(&Entry, &OptionDeclaration)> {
        self.entries
            .iter()
            .find_map(|entry| Some((entry, entry.loaded.options.iter().find(|option| option.name == name)?)))
    }

    /// A command, and the addon that offers it.
    pub(super) fn command(&self, name: &str) -> Option<(&Entry, &Command)> {
        self.entries
            .iter()
            .find_map(|entry| Some((entry, entry.loaded.commands.iter().find(|command| command.name == name)?)))
    }

    /// Whether the other one has the same addons, configured by the same calls.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let pairs = || self.entries.iter().zip(&other.entries);
        self.entries.len() == other.entries.len() && pairs().all(|(one, other)| Arc::ptr_eq(&one.addon, &other.addon))
    }
}

/// The addons with their options, as the configuration says and as they were set since.
pub(super) fn specs(
    settings: &Settings,
    loaded: &[Arc<Loaded>],
    overrides: &BTreeMap<String, Override>,
) -> Vec<AddonSpec> {
    let mut specs = settings.addons.clone();
    for (spec, loaded) in specs.iter_mut().zip(loaded) {
        for (name, set) in overrides {
            if loaded.options.iter().any(|option| option.name == *name) {
                spec.set(name, set.value.clone());
            } else if let Some(read) = spec.options.get_mut(name) {
                read.clone_from(&set.value);
            }
        }
        spec.grant(&loaded.options);
    }
    specs
}

/// Configures addons aside. Those of `before` that are as they were go on; if `reads_anew`, their files must be too.
///
/// # Errors
/// When one refuses its options, or fails. Those that may write are configured last, so that nothing is written in vain.
pub(super) async fn prepare(
    specs: Vec<AddonSpec>,
    loaded: &[Arc<Loaded>],
    before: &[Entry],
    reads_anew: bool,
    journal: &Arc<dyn NoteKeeper>,
) -> Result<Vec<Entry>, LoadError> {
    let written = written(&specs, loaded);
    let mut known: Vec<Option<&Entry>> = before.iter().map(Some).collect();
    let mut pairs: Vec<(usize, AddonSpec, &Arc<Loaded>, Option<&Entry>)> = Vec::new();
    for (position, (spec, loaded)) in specs.into_iter().zip(loaded).enumerate() {
        let same = known.iter_mut().find(|entry| entry.is_some_and(|entry| entry.loaded.name == loaded.name));
        pairs.push((position, spec, loaded, same.and_then(Option::take)));
    }
    pairs.sort_by_key(|(_, spec, ..)| spec.grants.may_write_any());
    let mut entries = Vec::new();
    for (position, spec, loaded, before) in pairs {
        let files = Stamps::of(&spec, loaded, &written);
        let is_same = |entry: &&Entry| {
            entry.loaded.is_same(loaded) && entry.spec == spec && (!reads_anew || entry.files == files)
        };
        if let Some(same) = before.filter(is_same) {
            entries.push((position, same.clone()));
            continue;
        }
        let addon = loaded
            .configure(Preparation {
                options: spec.options.clone(),
                grants: spec.grants.clone(),
                limits: spec.limits,
                on_failure: spec.on_failure,
                purpose: Purpose::Run,
                before: before.map(|before| before.addon.as_ref()),
                journal: Some(journal.clone()),
            })
            .await?;
        entries.push((position, Entry { spec, loaded: loaded.clone(), addon: Arc::new(addon), files }));
    }
    entries.sort_by_key(|(position, _)| *position);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

/// The files that addons write to.
fn written(specs: &[AddonSpec], loaded: &[Arc<Loaded>]) -> Vec<String> {
    let mut written = Vec::new();
    for (spec, loaded) in specs.iter().zip(loaded) {
        for option in loaded.options.iter().filter(|option| option.kind == Kind::Output) {
            if let Some(Value::Text(file)) = spec.options.get(&option.name) {
                written.push(appending(file).1.to_owned());
            }
        }
    }
    written
}
