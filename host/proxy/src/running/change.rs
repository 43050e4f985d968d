//! Changes while the proxy runs.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use control::{Change, Changed, ControlError, Event, Setting};
use tracing::{error, info, warn};

use super::{
    ChangeError, Running, keeper,
    setup::{self, Override, Setup},
};
use crate::{
    addon::{
        Loaded, Source,
        options::{Kind, OptionDeclaration, Value, appending},
    },
    config::{Action, ConfigError, Edit, nearest, parse_option},
    ready::Reload,
};

impl Running {
    /// Prepares what a change makes of the configuration, and puts it in force.
    ///
    /// # Errors
    /// When it is refused, or fails. Everything is as it was then.
    pub async fn change(&self, change: Change) -> Result<Changed, ChangeError> {
        let _turn = self.changing.lock().await;
        let _reload = Reload::begin();
        let before = self.setup.load_full();
        let next = match change {
            Change::Options(settings) => {
                let values = settings.into_iter().map(|(name, setting)| self.value(&before, name, setting));
                self.with_options(&before, values.collect::<Result<_, _>>()?).await?
            }
            Change::AddRecording { addon, file } => {
                let file = self.path(&file);
                let (name, mut files) = recordings(&before, addon.as_deref(), &file)?;
                if self.position(&files, &file).is_none() {
                    files.push(file);
                }
                self.with_options(&before, vec![(name, Value::Texts(files))]).await?
            }
            Change::RemoveRecording { addon, file } => {
                let file = self.path(&file);
                let (name, mut files) = recordings(&before, addon.as_deref(), &file)?;
                let position = self.position(&files, &file);
                let unknown = || ChangeError::Unknown { what: "recording", name: file.clone(), near: None };
                files.remove(position.ok_or_else(unknown)?);
                self.with_options(&before, vec![(name, Value::Texts(files))]).await?
            }
            Change::AddAddon(text) => self.with_addon(&before, self.source("addon", &text)?).await?,
            Change::UploadAddon { name, bytes } => self.with_addon(&before, Source::Uploaded { name, bytes }).await?,
            Change::ReplaceAddon { name, file } => {
                let source = self.source("addon", &file)?;
                self.with_other_addon(&before, name, source).await?
            }
            Change::ReplaceAddonWith { name, bytes } => {
                self.with_other_addon(&before, name.clone(), Source::Uploaded { name, bytes }).await?
            }
            Change::RemoveAddon(name) => {
                known("addon", &name, addons(&before))?;
                self.with_edit(&before, Edit::RemoveAddon(name)).await?
            }
            Change::AddPlug(text) => self.with_edit(&before, Edit::AddPlug(self.source("plug", &text)?)).await?,
            Change::UploadPlug { name, bytes } => {
                self.with_edit(&before, Edit::AddPlug(Source::Uploaded { name, bytes })).await?
            }
            Change::ReplacePlug { name, file } => {
                let source = self.source("plug", &file)?;
                self.with_other_plug(&before, name, source).await?
            }
            Change::ReplacePlugWith { name, bytes } => {
                self.with_other_plug(&before, name.clone(), Source::Uploaded { name, bytes }).await?
            }
            Change::RemovePlug(name) => {
                known("plug", &name, all_plugs(&before))?;
                self.with_edit(&before, Edit::RemovePlug(name)).await?
            }
            Change::Reload => self.reread(&before, before.edits.clone()).await?,
        };
        Ok(self.put_in_force(&before, next))
    }

    /// Reads the configuration and all that it names again, where it has changed. What comes of it is in the log.
    pub async fn renew(&self) {
        match self.change(Change::Reload).await {
            Ok(Changed { what, .. }) if what.is_empty() => info!("read again: nothing has changed"),
            // What has changed is in the log already.
            Ok(_) => {}
            Err(error) => {
                let error = ControlError::from(error);
                error!("cannot take over what has changed, so everything stays as it was: {error}");
            }
        }
    }

    /// Sets options to values that are known to be of their types.
    pub(super) async fn set(&self, values: Vec<(String, Value)>) -> Result<Changed, ChangeError> {
        let _turn = self.changing.lock().await;
        let _reload = Reload::begin();
        let before = self.setup.load_full();
        let next = self.with_options(&before, values).await?;
        Ok(self.put_in_force(&before, next))
    }

    fn put_in_force(&self, before: &Setup, next: Setup) -> Changed {
        let what = differences(before, &next);
        if before.is_same(&next) {
            let generation = self.generations.current().number;
            self.setup.store(Arc::new(next));
            return Changed { generation, what };
        }
        let generation = self.generations.replace(next.addons());
        let files = |setup: &Setup| setup.entries.iter().map(|entry| entry.files.clone()).collect::<Vec<_>>();
        if files(before) != files(&next) {
            let journal = self.journal.clone();
            // Bodies of recent flows would keep recordings that are gone.
            tokio::task::spawn_blocking(move || journal.copy_stored());
        }
        self.setup.store(Arc::new(next));
        self.changed.notify_one();
        // An option was set to what it was already.
        if !what.is_empty() {
            info!("changed: {what}");
        }
        self.journal.tell(|| Event::Changed { generation, what: what.clone() });
        Changed { generation, what }
    }

    async fn with_options(&self, before: &Setup, values: Vec<(String, Value)>) -> Result<Setup, ChangeError> {
        let mut next = before.clone();
        for (name, value) in values {
            let configured = before.settings.addons.iter().find_map(|spec| spec.options.get(&name)).cloned();
            next.overrides.insert(name, Override { value, instead_of: configured });
        }
        let loaded: Vec<Arc<Loaded>> = before.entries.iter().map(|entry| entry.loaded.clone()).collect();
        let specs = setup::specs(&next.settings, &loaded, &next.overrides);
        next.entries = setup::prepare(specs, &loaded, &before.entries, false, &keeper(&self.journal)).await?;
        Ok(next)
    }

    async fn with_addon(&self, before: &Setup, source: Source) -> Result<Setup, ChangeError> {
        free(&source.name(), before)?;
        self.with_edit(before, Edit::AddAddon(source)).await
    }

    async fn with_other_addon(&self, before: &Setup, name: String, source: Source) -> Result<Setup, ChangeError> {
        known("addon", &name, addons(before))?;
        if source.name() != name {
            free(&source.name(), before)?;
        }
        self.with_edit(before, Edit::ReplaceAddon { name, source }).await
    }

    async fn with_other_plug(&self, before: &Setup, name: String, source: Source) -> Result<Setup, ChangeError> {
        known("plug", &name, all_plugs(before))?;
        self.with_edit(before, Edit::ReplacePlug { name, source }).await
    }

    async fn with_edit(&self, before: &Setup, edit: Edit) -> Result<Setup, ChangeError> {
        let mut edits = before.edits.clone();
        edits.push(edit);
        self.reread(before, edits).await
    }

    /// Reads everything again that may have changed outside.
    async fn reread(&self, before: &Setup, edits: Vec<Edit>) -> Result<Setup, ChangeError> {
        let preliminary = self.plan.scan(&edits)?;
        let (action, loaded) = self.plan.finish(&self.engine, preliminary).await?;
        let Action::Run(mut settings) = action else {
            return Err(ConfigError::new("cannot read the configuration again: the command line asks for help").into());
        };
        // What is the same code is not loaded twice.
        let known = |new: Arc<Loaded>| {
            let same = before.entries.iter().find(|entry| entry.loaded.is_same(&new));
            same.map_or(new, |entry| entry.loaded.clone())
        };
        let loaded: Vec<Arc<Loaded>> = loaded.into_iter().map(known).collect();
        for what in settings.fixed_differences(&before.settings) {
            warn!("{what} changed in the configuration, which only a start can take over");
        }
        let configured = |name: &str| settings.addons.iter().find_map(|spec| spec.options.get(name)).cloned();
        let mut overrides = before.overrides.clone();
        overrides.retain(|name, set| configured(name) == set.instead_of);
        keep_fixed(&mut settings.addons, &loaded, before);
        for warning in &settings.warnings {
            warn!("{warning}");
        }
        let specs = setup::specs(&settings, &loaded, &overrides);
        let entries = setup::prepare(specs, &loaded, &before.entries, true, &keeper(&self.journal)).await?;
        Ok(Setup { settings: Arc::from(settings), edits, overrides, entries })
    }

    /// The value that a setting gives an option.
    fn value(&self, setup: &Setup, name: String, setting: Setting) -> Result<(String, Value), ChangeError> {
        let Some((_, option)) = setup.option(&name) else {
            let names = setup.entries.iter().flat_map(|entry| &entry.loaded.options).map(|option| option.name.as_str());
            return Err(unknown("option", &name, names));
        };
        if option.fixed {
            return Err(ChangeError::Fixed { name });
        }
        let parse = |text: &str| parse_option(option, text, &self.plan.environment.folder, &self.plan.environment);
        let value = match setting {
            Setting::Default => option.default_value(),
            Setting::Text(text) if text.is_empty() && matches!(option.kind, Kind::Texts | Kind::Files) => {
                Value::Texts(Vec::new())
            }
            Setting::Text(text) => parse(&text)?,
            Setting::Value(value) => match (value, &option.kind) {
                (value @ Value::Flag(_), Kind::Flag) | (value @ Value::Integer(_), Kind::Integer) => value,
                // As in the configuration file: `404` is a text that looks like a number.
                (Value::Integer(number), Kind::Text | Kind::Choice(_)) => parse(&number.to_string())?,
                (Value::Text(text), Kind::Text | Kind::Choice(_) | Kind::Output) => parse(&text)?,
                (Value::Texts(texts), Kind::Texts | Kind::Files) => {
                    let mut all = Vec::new();
                    for text in texts {
                        if let Value::Texts(more) = parse(&text)? {
                            all.extend(more);
                        }
                    }
                    Value::Texts(all)
                }
                (given, kind) => {
                    return Err(ChangeError::Value { name, expected: kind.to_string(), given: given.to_string() });
                }
            },
        };
        Ok((name, value))
    }

    /// The path that a text names.
    pub(super) fn path(&self, text: &str) -> String {
        let environment = &self.plan.environment;
        environment.path(text, &environment.folder).to_string_lossy().into_owned()
    }

    /// Where the file is among these, by whatever path each names it.
    fn position(&self, files: &[String], file: &str) -> Option<usize> {
        let same = |path: &str| {
            let path = self.plan.environment.folder.join(path);
            path.canonicalize().unwrap_or(path)
        };
        let wanted = same(file);
        files.iter().position(|known| known == file).or_else(|| files.iter().position(|known| same(known) == wanted))
    }

    fn source(&self, what: &str, text: &str) -> Result<Source, ConfigError> {
        let environment = &self.plan.environment;
        environment.component(what, text, &environment.folder)
    }
}

/// Whether there is something of that name among these.
fn known<'a>(what: &'static str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Result<(), ChangeError> {
    if names.clone().any(|known| known == name) { Ok(()) } else { Err(unknown(what, name, names)) }
}

/// Whether another addon can be named so: by its name, it is replaced and removed.
fn free(name: &str, setup: &Setup) -> Result<(), ChangeError> {
    if addons(setup).any(|known| known == name) { Err(ChangeError::Taken { name: name.to_owned() }) } else { Ok(()) }
}

fn unknown<'a>(what: &'static str, name: &str, names: impl Iterator<Item = &'a str>) -> ChangeError {
    ChangeError::Unknown { what, name: name.to_owned(), near: nearest(name, names).map(str::to_owned) }
}

fn addons(setup: &Setup) -> impl Iterator<Item = &str> + Clone {
    setup.entries.iter().map(|entry| entry.loaded.name.as_str())
}

fn all_plugs(setup: &Setup) -> impl Iterator<Item = &str> + Clone {
    setup.entries.iter().flat_map(|entry| plugs(&entry.loaded))
}

fn plugs(addon: &Loaded) -> impl Iterator<Item = &str> + Clone {
    addon.plugs.iter().map(|plug| plug.name.as_str())
}

/// The option that says which recordings an addon replays, and its value: of the addon that is named, or of the only one that
/// has such an option.
fn recordings(setup: &Setup, addon: Option<&str>, file: &str) -> Result<(String, Vec<String>), ChangeError> {
    let of_files = |option: &&OptionDeclaration| option.kind == Kind::Files;
    let mut candidates = Vec::new();
    for entry in setup.entries.iter().filter(|entry| addon.is_none_or(|addon| entry.loaded.name == addon)) {
        candidates.extend(entry.loaded.options.iter().filter(of_files).map(|option| (entry, option)));
    }
    let ambiguous = |why: &str| ChangeError::Ambiguous { file: file.to_owned(), why: why.to_owned() };
    match candidates.as_slice() {
        [] if addon.is_some() => Err(ChangeError::Unknown {
            what: "addon that takes files",
            name: addon.unwrap_or_default().to_owned(),
            near: None,
        }),
        [] => Err(ambiguous("no addon takes files")),
        [(entry, option)] => match entry.spec.options.get(&option.name) {
            Some(Value::Texts(files)) => Ok((option.name.clone(), files.clone())),
            _ => Ok((option.name.clone(), Vec::new())),
        },
        _ => Err(ambiguous("several options take files; name the addon, or set the option itself")),
    }
}

/// Leaves options as they are that only a start can set, also for those who read them.
fn keep_fixed(specs: &mut [crate::config::AddonSpec], loaded: &[Arc<Loaded>], before: &Setup) {
    for option in loaded.iter().flat_map(|loaded| &loaded.options).filter(|option| option.fixed) {
        let Some(now) = before.option(&option.name).and_then(|(entry, _)| entry.spec.options.get(&option.name)) else {
            continue;
        };
        let values = specs.iter_mut().filter_map(|spec| spec.options.get_mut(&option.name));
        let mut others: Vec<&mut Value> = values.filter(|value| *value != now).collect();
        if !others.is_empty() {
            warn!("option `{}` changed in the configuration, which only a start can take over", option.name);
            others.iter_mut().for_each(|value| (*value).clone_from(now));
        }
    }
}

/// What is different, on one line; empty if nothing is.
fn differences(before: &Setup, next: &Setup) -> String {
    let mut found = Vec::new();
    let old = |name: &str| before.entries.iter().find(|entry| entry.loaded.name == name);
    for entry in &next.entries {
        let name = &entry.loaded.name;
        match old(name) {
            None => found.push(format!("addon {name} added")),
            Some(old) if !plugs(&old.loaded).eq(plugs(&entry.loaded)) => {
                let plugs: Vec<&str> = plugs(&entry.loaded).collect();
                let plugs = if plugs.is_empty() { "none".to_owned() } else { plugs.join(", ") };
                found.push(format!("plugs of {name} = {plugs}"));
            }
            Some(old) if !old.loaded.is_same(&entry.loaded) => found.push(format!("addon {name} replaced")),
            Some(old) => {
                let declared = entry.loaded.options.iter();
                let changed: BTreeMap<&String, String> = declared
                    .filter_map(|option| Some((option, entry.spec.options.get(&option.name)?)))
                    .filter(|(option, value)| old.spec.options.get(&option.name) != Some(value))
                    .map(|(option, value)| (&option.name, shown(&option.kind, value)))
                    .collect();
                found.extend(changed.into_iter().map(|(name, value)| format!("{name} = {value}")));
                if old.files != entry.files && !Arc::ptr_eq(&old.addon, &entry.addon) && old.spec == entry.spec {
                    found.push(format!("files of {name} read again"));
                }
            }
        }
    }
    let gone =
        before.entries.iter().filter(|old| next.entries.iter().all(|entry| entry.loaded.name != old.loaded.name));
    found.extend(gone.map(|old| format!("addon {} removed", old.loaded.name)));
    found.join(", ")
}

/// The value for the log. Texts may hold secrets; of files it is the names.
fn shown(kind: &Kind, value: &Value) -> String {
    match value {
        Value::Flag(_) | Value::Integer(_) => value.to_string(),
        Value::Text(text) if text.is_empty() => "(none)".to_owned(),
        Value::Texts(texts) if texts.is_empty() => "(none)".to_owned(),
        Value::Text(text) if !appending(text).1.contains('/') && text.len() <= 16 => oneline::escaped(text),
        Value::Text(_) => "…".to_owned(),
        Value::Texts(files) if *kind == Kind::Files && files.len() <= NAMED => {
            let names = files.iter().filter_map(|file| Path::new(file).file_name());
            names.map(|name| oneline::escaped(&name.to_string_lossy())).collect::<Vec<_>>().join(", ")
        }
        Value::Texts(texts) => format!("({})", texts.len()),
    }
}

/// Most files that are named.
const NAMED: usize = 3;
