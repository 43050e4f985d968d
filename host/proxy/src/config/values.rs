//! The values of addons' options, from defaults, the file and the command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{ConfigError, DeclaredAddon, Environment, mitmproxy, suggest::nearest};
use crate::addon::options::{Kind, OptionDeclaration, Value, ValueError, Values, appending};

/// An option as the operator set it.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The option's name.
    pub(super) name: String,
    /// Where it was set: a flag, or a place in a file.
    pub(super) origin: String,
    pub(super) given: Given,
    /// Where its value is.
    pub(super) given_at: String,
    /// What relative files start from.
    pub(super) folder: PathBuf,
}

/// What an option is set to, before its type is known.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// No value: a flag is turned on, a list emptied.
    Nothing,
    One(String),
    Many(Vec<String>),
}

/// Works out the values of all options, addon by addon.
pub(super) struct Resolution<'a> {
    declared: &'a [DeclaredAddon],
    environment: &'a Environment,
    /// For each addon, a value for each of its options.
    pub(super) values: Vec<Values>,
    /// The names of the options that the operator set.
    set: BTreeSet<&'a str>,
    /// Deprecated options that were set, a line each.
    pub(super) warnings: Vec<String>,
}

impl<'a> Resolution<'a> {
    /// Starts with the defaults.
    pub(super) fn new(declared: &'a [DeclaredAddon], environment: &'a Environment) -> Self {
        let defaults = |addon: &DeclaredAddon| {
            addon.options.iter().map(|option| (option.name.clone(), option.default_value())).collect()
        };
        let values = declared.iter().map(defaults).collect();
        Self { declared, environment, values, set: BTreeSet::new(), warnings: Vec::new() }
    }

    /// Applies what a file says: `common` to whichever addon has the option, `own` to the addon of that number.
    pub(super) fn file(&mut self, common: &[Setting], own: &[Vec<Setting>]) -> Result<(), ConfigError> {
        let common = common.iter().map(|setting| (None, setting));
        let own = own.iter().enumerate().flat_map(|(addon, own)| own.iter().map(move |own| (Some(addon), own)));
        let mut origins: BTreeMap<&str, &str> = BTreeMap::new();
        for (addon, setting) in common.chain(own) {
            let (_, option) = self.find(addon, setting)?;
            if let Some(earlier) = origins.insert(&option.name, &setting.origin) {
                let message =
                    format_args!("option `{}` is set a second time, after {earlier}", option.name).to_string();
                return Err(ConfigError::new(message).at(&setting.origin));
            }
            self.replace(option, setting)?;
        }
        Ok(())
    }

    /// Applies the command line, in its order: lists that are given several times add up, of other values the last wins.
    pub(super) fn command_line(&mut self, settings: &[Setting]) -> Result<(), ConfigError> {
        let mut begun: Vec<&str> = Vec::new();
        for setting in settings {
            let (addon, option) = self.find(None, setting)?;
            let again = begun.contains(&option.name.as_str());
            begun.push(&option.name);
            let earlier = match self.values.get(addon).and_then(|values| values.get(&option.name)) {
                Some(Value::Texts(earlier)) if again && !matches!(setting.given, Given::Nothing) => earlier.clone(),
                _ => Vec::new(),
            };
            self.replace(option, setting)?;
            for values in &mut self.values {
                if let Some(Value::Texts(texts)) = values.get_mut(&option.name) {
                    texts.splice(0..0, earlier.iter().cloned());
                }
            }
        }
        Ok(())
    }

    /// The options of an addon that the operator set.
    pub(super) fn set(&self, addon: &DeclaredAddon) -> BTreeSet<String> {
        let names = addon.options.iter().map(|option| &option.name);
        names.filter(|name| self.set.contains(name.as_str())).cloned().collect()
    }

    /// Lets addons see the values of others' options that they read.
    pub(super) fn share(&mut self) {
        for (number, addon) in self.declared.iter().enumerate() {
            for name in &addon.reads {
                let Some(value) = self.values.iter().find_map(|values| values.get(name)).cloned() else { continue };
                if let Some(values) = self.values.get_mut(number) {
                    values.entry(name.clone()).or_insert(value);
                }
            }
        }
    }

    /// Sets an option.
    fn replace(&mut self, option: &'a OptionDeclaration, setting: &Setting) -> Result<(), ConfigError> {
        let value = self.value(option, setting).map_err(|error| error.at(&setting.given_at))?;
        if let Some(instead) = &option.deprecated {
            let instead = self.instead(instead, &value);
            let warning = format!("{}: option `{}` is deprecated; use {instead} instead", setting.origin, option.name);
            self.warnings.push(oneline::escaped(&warning));
        }
        self.values.iter_mut().filter_map(|values| values.get_mut(&option.name)).for_each(|old| old.clone_from(&value));
        self.set.insert(&option.name);
        Ok(())
    }

    /// What to use instead of a deprecated option with this value. `of_true` is what it says for one that is on; off, the
    /// other option has its default.
    fn instead(&self, of_true: &str, value: &Value) -> String {
        let named = of_true.split_once('=').filter(|_| *value == Value::Flag(false));
        let option = named.and_then(|(name, _)| {
            self.declared.iter().flat_map(|addon| &addon.options).find(|option| option.name == name)
        });
        match option {
            Some(option) => format!("{}={}", option.name, option.default_value()),
            None => of_true.to_owned(),
        }
    }

    /// The option a setting means, with the number of the first addon that has it.
    fn find(&self, addon: Option<usize>, setting: &Setting) -> Result<(usize, &'a OptionDeclaration), ConfigError> {
        let declared: &'a [DeclaredAddon] = self.declared;
        let all = || {
            let options =
                |(number, of): (usize, &'a DeclaredAddon)| of.options.iter().map(move |option| (number, of, option));
            declared.iter().enumerate().flat_map(options)
        };
        let candidates = || all().filter(|(number, ..)| addon.is_none_or(|addon| addon == *number));
        if let Some((number, _, option)) = candidates().find(|(.., option)| option.name == setting.name) {
            return Ok((number, option));
        }
        let only = addon.and_then(|addon| declared.get(addon));
        let foreign = all().find(|(.., option)| option.name == setting.name);
        if let Some(what) = mitmproxy::instead_of_option(&setting.name).filter(|_| foreign.is_none()) {
            let name = &setting.name;
            return Err(ConfigError::new(format_args!("no addon has an option `{name}`: {what}")).at(&setting.origin));
        }
        let message = match (only, foreign) {
            (Some(only), Some((_, owner, _))) => {
                format!("option `{}` is one of addon `{}`, not of `{}`", setting.name, owner.name, only.name)
            }
            (Some(only), None) => format!("addon `{}` has no option `{}`", only.name, setting.name),
            (None, _) => format!("no addon has an option `{}`", setting.name),
        };
        let near = nearest(&setting.name, candidates().map(|(.., option)| option.name.as_str()));
        Err(ConfigError::new(message).at(&setting.origin).did_you_mean(near))
    }

    fn value(&self, option: &OptionDeclaration, setting: &Setting) -> Result<Value, ConfigError> {
        let list = matches!(option.kind, Kind::Texts | Kind::Files);
        match &setting.given {
            Given::Nothing if option.kind == Kind::Flag => Ok(Value::Flag(true)),
            Given::Nothing if list => Ok(Value::Texts(Vec::new())),
            Given::Nothing => {
                Err(ConfigError::new(format_args!("option `{}` needs a value, {}", option.name, option.kind))
                    .hint(format_args!("give it as `--set {}=VALUE`", option.name)))
            }
            Given::One(text) => parse(option, text, &setting.folder, self.environment),
            Given::Many(texts) if list => {
                let mut all = Vec::with_capacity(texts.len());
                for text in texts {
                    if let Value::Texts(more) = parse(option, text, &setting.folder, self.environment)? {
                        all.extend(more);
                    }
                }
                Ok(Value::Texts(all))
            }
            Given::Many(_) => {
                Err(ConfigError::new(format_args!("option `{}` is {}, not a list", option.name, option.kind)))
            }
        }
    }
}

/// The value of an option that a text stands for. Relative files are taken from `folder`.
///
/// # Errors
/// When the text is not of the option's type.
pub fn parse(
    option: &OptionDeclaration,
    text: &str,
    folder: &Path,
    environment: &Environment,
) -> Result<Value, ConfigError> {
    let parsed = match (&option.kind, text) {
        (Kind::Files, "") => {
            Err(ValueError { name: option.name.clone(), expected: option.kind.to_string(), given: String::new() })
        }
        (Kind::Files, text) => option.parse(&environment.path(text, folder).to_string_lossy(), Path::new("")),
        (Kind::Output, text) if !text.is_empty() => {
            let (append, path) = appending(text);
            let path = environment.path(path, folder);
            option.parse(&format!("{append}{}", path.display()), Path::new(""))
        }
        (_, text) => option.parse(text, folder),
    };
    parsed.map_err(|error| match &option.kind {
        Kind::Choice(choices) => {
            ConfigError::new(&error).did_you_mean(nearest(text, choices.iter().map(String::as_str)))
        }
        _ => ConfigError::new(&error),
    })
}
