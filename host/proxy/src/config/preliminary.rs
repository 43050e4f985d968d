//! The configuration between the two passes over the command line.

use std::{ffi::OsString, time::Duration};

use clap::error::ErrorKind;

use super::{
    Action, AddonSpec, ConfigError, DEFAULT_ADDONS, Environment, HelpText, command,
    environment::same,
    file::{File, FileAddon},
    flags::Flags,
    low_args::{LowArgs, Show},
    merge::merge,
    suggest::nearest,
    values::{Resolution, Setting},
};
use crate::addon::{Source, options::OptionDeclaration};

/// What an addon and its plugs say of themselves.
#[derive(Clone, Debug)]
pub struct DeclaredAddon {
    /// What the addon is called.
    pub name: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// The options of the addon and its plugs.
    pub options: Vec<OptionDeclaration>,
    /// Options of other addons whose values it is to know.
    pub reads: Vec<String>,
}

/// The configuration as far as it is known before the addons are loaded.
#[derive(Debug)]
pub struct Preliminary {
    args: Vec<String>,
    environment: Environment,
    show: Option<Show>,
    choice: Choice,
}

/// A change of what is to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Load an addon too, before those that ship.
    AddAddon(Source),
    /// Load another component in the place of an addon.
    ReplaceAddon {
        /// The addon's name.
        name: String,
        /// The other component.
        source: Source,
    },
    /// Do not load an addon.
    RemoveAddon(String),
    /// Offer a plug to all addons.
    AddPlug(Source),
    /// Offer another component in the place of a plug.
    ReplacePlug {
        /// The plug's name.
        name: String,
        /// The other component.
        source: Source,
    },
    /// Do not offer a plug.
    RemovePlug(String),
}

/// What is to be loaded.
#[derive(Debug, Default)]
struct Choice {
    file: File,
    addons: Vec<AddonSpec>,
    /// For each addon, what the file sets for it alone.
    own_options: Vec<Vec<Setting>>,
    plugs: Vec<Source>,
}

impl Preliminary {
    /// Finds out which addons to load. `args` come without the program's name.
    ///
    /// # Errors
    /// When the configuration file cannot be read or is wrong, or an addon or a plug cannot be found. Not when help
    /// is asked for, which may be needed to repair just that.
    pub fn scan(args: impl IntoIterator<Item = OsString>, environment: Environment) -> Result<Self, ConfigError> {
        let text = |argument: OsString| {
            argument.into_string().map_err(|argument| {
                ConfigError::new(format_args!("cannot use argument `{}`: it is not UTF-8", argument.to_string_lossy()))
            })
        };
        let args: Vec<String> = args.into_iter().map(text).collect::<Result<_, _>>()?;
        let low = LowArgs::scan(&args);
        let choice = match low.show {
            Some(Show::Version) => Choice::default(),
            Some(_) => {
                choose(&low, &environment).or_else(|_| choose(&LowArgs::default(), &environment)).unwrap_or_default()
            }
            None => choose(&low, &environment)?,
        };
        Ok(Self { args, environment, show: low.show, choice })
    }

    /// The addons to load, outermost first. Their options are not known yet.
    pub fn addons(&self) -> &[AddonSpec] {
        &self.choice.addons
    }

    /// Plugs for whichever addon imports what they export, in order.
    pub fn plugs(&self) -> &[Source] {
        &self.choice.plugs
    }

    /// Changes what is to be loaded, as somebody did while the proxy ran.
    ///
    /// # Errors
    /// When there is no such addon or plug.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), ConfigError> {
        let Choice { addons, own_options, plugs, .. } = &mut self.choice;
        let addon = |addons: &[AddonSpec], name: &str| {
            let position = addons.iter().position(|spec| spec.source.name() == name);
            position.ok_or_else(|| {
                let names: Vec<String> = addons.iter().map(|spec| spec.source.name()).collect();
                let near = nearest(name, names.iter().map(String::as_str));
                ConfigError::new(format_args!("there is no addon `{name}`")).did_you_mean(near)
            })
        };
        let plug = |plugs: &[Source], name: &str| {
            let position = plugs.iter().position(|plug| plug.name() == name);
            position
                .ok_or_else(|| ConfigError::new(format_args!("there is no plug `{name}` among those for any addon")))
        };
        match edit {
            Edit::AddAddon(source) => {
                // Those that ship are innermost, so that others see what they answer.
                let is_default = |spec: &AddonSpec| DEFAULT_ADDONS.contains(&spec.source.name().as_str());
                let position = addons.iter().position(is_default).unwrap_or(addons.len());
                addons.insert(position, AddonSpec::new(source.clone()));
                own_options.insert(position, Vec::new());
            }
            Edit::ReplaceAddon { name, source } => {
                let position = addon(addons, name)?;
                if let Some(spec) = addons.get_mut(position) {
                    spec.source = source.clone();
                }
            }
            Edit::RemoveAddon(name) => {
                let position = addon(addons, name)?;
                addons.remove(position);
                own_options.remove(position);
            }
            Edit::AddPlug(source) => plugs.push(source.clone()),
            Edit::ReplacePlug { name, source } => {
                let position = plug(plugs, name)?;
                if let Some(plug) = plugs.get_mut(position) {
                    plug.clone_from(source);
                }
            }
            Edit::RemovePlug(name) => {
                let position = plug(plugs, name)?;
                plugs.remove(position);
            }
        }
        Ok(())
    }

    /// Whether the configuration is only to be looked at.
    pub fn is_check(&self) -> bool {
        self.args.iter().any(|argument| argument == command::CHECK)
    }

    /// How long compiling an addon may take, where the file says so.
    pub fn compile_time(&self) -> Option<Duration> {
        self.choice.file.limits.compile
    }

    /// Reads everything, now that it is known what the addons declare: one for each of [`Preliminary::addons`], in
    /// that order.
    ///
    /// # Errors
    /// When a flag, a name or a value is wrong, or two addons declare the same.
    pub fn finish(self, declared: &[DeclaredAddon]) -> Result<Action, ConfigError> {
        let flags = Flags::new(command::own(), declared)?;
        let parsed = match self.show {
            // Help is shown whatever else is wrong on the command line.
            Some(show) => flags.command.clone().try_get_matches_from([show.flag()]),
            None => flags.command.clone().try_get_matches_from(flags.joined(self.args)),
        };
        let matches = match parsed {
            Ok(matches) => matches,
            Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                return Ok(Action::Help(HelpText(error)));
            }
            Err(error) => return Err(command::explain(&error, &flags.command)),
        };
        let command = matches.get_one::<String>("command").map(String::as_str);
        if let Some(command) = command.filter(|command| command::OF_THEIR_OWN.contains(command)) {
            return Err(ConfigError::new(format_args!(
                "`{command}` takes no flags of the proxy: it has to come first"
            )));
        }
        let Self { environment, choice: Choice { file, addons, own_options, plugs }, .. } = self;
        let mut resolution = Resolution::new(declared, &environment);
        resolution.file(&file.options, &own_options)?;
        resolution.command_line(&flags.settings(&matches, &environment.folder))?;
        let set: Vec<_> = declared.iter().map(|addon| resolution.set(addon)).collect();
        resolution.share();
        let Resolution { values, warnings, .. } = resolution;
        let mut resolved = declared.iter().zip(values).zip(set);
        let with_options = |spec| {
            let Some(((declared, options), set)) = resolved.next() else { return spec };
            let mut spec = AddonSpec { options, set, ..spec };
            spec.grant(&declared.options);
            spec
        };
        let addons = addons.into_iter().map(with_options).collect();
        let settings = Box::new(merge(&file, &matches, &environment, (addons, plugs, warnings))?);
        Ok(match command {
            Some("ca") => Action::Ca(settings),
            Some("addons") => Action::Addons(settings),
            Some(command::CHECK) => Action::Check(settings),
            _ => Action::Run(settings),
        })
    }
}

fn choose(low: &LowArgs, environment: &Environment) -> Result<Choice, ConfigError> {
    let file = File::load(low.config.as_deref(), environment)?;
    let mut listed = Vec::new();
    for entry in &file.addons {
        listed.push(listed_addon(entry, &file, environment)?);
    }
    if !low.addons.is_empty() {
        let mut named = Vec::new();
        for text in &low.addons {
            let source =
                environment.component("addon", text, &environment.folder).map_err(|error| error.at("`--addon`"))?;
            // What the file says of an addon holds for it also when the command line chooses which ones are loaded.
            let known = listed.iter().find(|(spec, _)| same(&spec.source, &source)).cloned();
            named.push(known.unwrap_or_else(|| (AddonSpec::new(source), Vec::new())));
        }
        listed = named;
    }
    if !low.no_default_addons && file.default_addons.unwrap_or(true) {
        for &name in DEFAULT_ADDONS {
            let ships = environment.shipped.iter().any(|shipped| shipped == name);
            if ships && listed.iter().all(|(spec, _)| spec.source.name() != name) {
                listed.push((AddonSpec::new(Source::Shipped(name.to_owned())), Vec::new()));
            }
        }
    }
    let plugs = if low.plugs.is_empty() {
        environment.plugs(file.plugs.iter().flatten(), &file.folder)?
    } else {
        let plug = |text: &String| {
            environment.component("plug", text, &environment.folder).map_err(|error| error.at("`--plug`"))
        };
        low.plugs.iter().map(plug).collect::<Result<_, _>>()?
    };
    let (addons, own_options) = listed.into_iter().unzip();
    Ok(Choice { file, addons, own_options, plugs })
}

fn listed_addon(
    entry: &FileAddon,
    file: &File,
    environment: &Environment,
) -> Result<(AddonSpec, Vec<Setting>), ConfigError> {
    let source = environment.component("addon", &entry.source.value, &file.folder);
    let source = source.map_err(|error| error.at(&entry.source.place))?;
    let spec = AddonSpec {
        plugs: environment.plugs(&entry.plugs, &file.folder)?,
        on_failure: entry.on_failure,
        limits: entry.limits,
        ..AddonSpec::new(source)
    };
    Ok((spec, entry.options.clone()))
}
