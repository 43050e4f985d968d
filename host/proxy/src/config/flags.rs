//! The flags that addons declare.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{
    ConfigError, DEFAULT_ADDONS, DeclaredAddon, command,
    values::{Given, Setting},
};
use crate::addon::options::{Flag, Kind, OptionDeclaration};

/// The command line with the flags of addons.
pub(super) struct Flags {
    pub(super) command: Command,
    arguments: Vec<Argument>,
}

/// A flag of an addon, with the others that do the same.
struct Argument {
    id: String,
    long: String,
    option: String,
    /// What it stands for, if it never has a value.
    sets: Option<String>,
    /// The type of its value, if it may have one and need not.
    or_takes: Option<Kind>,
}

impl Flags {
    /// Adds to `own` what the addons declare.
    pub(super) fn new(own: Command, declared: &[DeclaredAddon]) -> Result<Self, ConfigError> {
        check(&own, declared)?;
        let mut flags = Self { command: own, arguments: Vec::new() };
        for addon in declared {
            let heading = oneline::escaped(&format!("{} ({})", addon.name, addon.summary));
            for option in &addon.options {
                flags.add(option, &heading);
            }
        }
        let others = without_flags(declared);
        if !others.is_empty() {
            let note = format!("Options without a flag of their own, for --set NAME=VALUE:\n{others}");
            flags.command = flags.command.after_long_help(note);
        }
        Ok(flags)
    }

    fn add(&mut self, option: &OptionDeclaration, heading: &str) {
        let mut groups: BTreeMap<(Option<&str>, bool), Vec<&Flag>> = BTreeMap::new();
        for flag in &option.flags {
            let same = || option.flags.iter().filter(|other| other.long == flag.long);
            let is_both = same().count() > 1;
            // One that takes a value as well as standing for one is added once, with the value that it stands for.
            if !is_both || flag.sets.is_some() {
                groups.entry((flag.sets.as_deref(), is_both)).or_default().push(flag);
            }
        }
        for ((sets, is_both), group) in groups {
            let Some((first, aliases)) = group.split_first() else { continue };
            // No id of a flag of the proxy's own has a blank.
            let id = format!("addon flag {}", self.arguments.len());
            let mut argument = Arg::new(id.clone())
                .long(first.long.clone())
                .action(ArgAction::Append)
                .help(help(option, sets, is_both))
                .help_heading(heading.to_owned())
                .visible_aliases(aliases.iter().map(|flag| flag.long.clone()).collect::<Vec<_>>());
            let mut shorts = group.iter().filter_map(|flag| flag.short);
            if let Some(short) = shorts.next() {
                argument = argument.short(short).visible_short_aliases(shorts.collect::<Vec<_>>());
            }
            argument = match sets {
                Some(sets) if is_both => argument
                    .value_name(value_name(&option.kind))
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value(sets.to_owned()),
                Some(sets) => argument.num_args(0).default_missing_value(sets.to_owned()),
                None => {
                    argument.value_name(value_name(&option.kind)).allow_negative_numbers(option.kind == Kind::Integer)
                }
            };
            let or_takes = is_both.then(|| option.kind.clone());
            let sets = sets.filter(|_| !is_both).map(str::to_owned);
            self.arguments.push(Argument { id, long: first.long.clone(), option: option.name.clone(), sets, or_takes });
            self.command = std::mem::take(&mut self.command).arg(argument);
        }
    }

    /// The arguments with each value joined to its flag that may have one and need not: what follows a flag for a choice is
    /// its value, unless it is another flag or a command.
    pub(super) fn joined(&self, args: Vec<String>) -> Vec<String> {
        let takes = |flag: &str, word: &str| {
            let argument = self.arguments.iter().find(|argument| flag.strip_prefix("--") == Some(&argument.long));
            let is_choice = matches!(argument.and_then(|argument| argument.or_takes.as_ref()), Some(Kind::Choice(_)));
            is_choice && !word.starts_with('-') && !command::is_command(word)
        };
        let mut joined: Vec<String> = Vec::with_capacity(args.len());
        for arg in args {
            match joined.last_mut() {
                Some(flag) if takes(flag, &arg) => *flag = format!("{flag}={arg}"),
                _ => joined.push(arg),
            }
        }
        joined
    }

    /// The options that a command line sets, in its order.
    pub(super) fn settings(&self, matches: &ArgMatches, folder: &Path) -> Vec<Setting> {
        let setting = |name: &str, flag: &str, given| {
            let origin = format!("`--{flag}`");
            Setting { name: name.to_owned(), given_at: origin.clone(), origin, given, folder: folder.to_owned() }
        };
        let mut found: Vec<(usize, Setting)> = Vec::new();
        for argument in &self.arguments {
            for (index, text) in occurrences(matches, &argument.id) {
                let given = Given::One(argument.sets.as_deref().unwrap_or(text).to_owned());
                found.push((index, setting(&argument.option, &argument.long, given)));
            }
        }
        for (index, text) in occurrences(matches, "set") {
            let (name, given) = match text.split_once('=') {
                Some((name, value)) => (name, Given::One(value.to_owned())),
                None => (text, Given::Nothing),
            };
            found.push((index, setting(name, "set", given)));
        }
        found.sort_by_key(|(index, _)| *index);
        found.into_iter().map(|(_, setting)| setting).collect()
    }
}

fn occurrences<'a>(matches: &'a ArgMatches, id: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let texts = matches.get_many::<String>(id).unwrap_or_default().map(String::as_str);
    matches.indices_of(id).unwrap_or_default().zip(texts)
}

fn help(option: &OptionDeclaration, sets: Option<&str>, may_have_value: bool) -> String {
    let name = &option.name;
    let help = match sets {
        Some(sets) if !may_have_value => format!("Sets {name} to {sets}"),
        sets => {
            let mut help = format!("{} [option: {name}]", option.help);
            if let Some(sets) = sets {
                help += &format!(" [alone: {sets}]");
            }
            if let Kind::Choice(choices) = &option.kind {
                help += &format!(" [one of: {}]", choices.join(", "));
            }
            if let Some(default) = &option.default {
                help += &format!(" [default: {default}]");
            }
            help
        }
    };
    oneline::escaped(&if option.deprecated.is_some() { format!("{help} (deprecated)") } else { help })
}

/// A line for each option that only `--set` and the file reach.
fn without_flags(declared: &[DeclaredAddon]) -> String {
    let options = || declared.iter().flat_map(|addon| &addon.options);
    let mut listed: BTreeSet<&str> =
        options().filter(|option| !option.flags.is_empty()).map(|option| option.name.as_str()).collect();
    let others = options().filter(|option| option.deprecated.is_none() && listed.insert(&option.name));
    let lines = others.map(|option| oneline::escaped(&format!("  {} ({}): {}", option.name, option.kind, option.help)));
    lines.collect::<Vec<_>>().join("\n")
}

fn value_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Flag => "BOOL",
        Kind::Integer => "N",
        Kind::Text | Kind::Texts => "TEXT",
        Kind::Choice(_) => "WORD",
        Kind::Files | Kind::Output => "FILE",
    }
}

/// Refuses what two addons, or an addon and the proxy, both claim, and what could be no name or flag.
fn check(own: &Command, declared: &[DeclaredAddon]) -> Result<(), ConfigError> {
    let mut owners: BTreeMap<String, Option<&DeclaredAddon>> =
        ["--help", "-h", "--version", "-V"].map(|flag| (flag.to_owned(), None)).into();
    for argument in own.get_arguments() {
        owners.extend(argument.get_long().map(|long| (format!("--{long}"), None)));
        owners.extend(argument.get_short().map(|short| (format!("-{short}"), None)));
    }
    let mut options: BTreeMap<&str, &DeclaredAddon> = BTreeMap::new();
    for addon in declared {
        for option in &addon.options {
            if !is_name(&option.name) {
                return Err(misdeclared(addon, "an option", &option.name));
            }
            if let Some(earlier) = options.insert(&option.name, addon) {
                return Err(clash("option", &option.name, Some(earlier), addon));
            }
            for (flag, kind) in flags(option) {
                if !is_name(flag.trim_start_matches('-')) || !flag.starts_with(kind) {
                    return Err(misdeclared(addon, "a flag", &flag));
                }
                let is_own = |earlier: &Option<&DeclaredAddon>| earlier.is_some_and(|owner| std::ptr::eq(owner, addon));
                if let Some(earlier) = owners.insert(flag.clone(), Some(addon))
                    && !(is_own(&earlier) && may_stand_alone(option, &flag))
                {
                    return Err(clash("flag", &flag, earlier, addon));
                }
            }
            check_values(addon, option)?;
        }
    }
    Ok(())
}

/// The flags of an option with their dashes, and the dashes.
fn flags(option: &OptionDeclaration) -> impl Iterator<Item = (String, &'static str)> {
    option.flags.iter().flat_map(|flag| {
        let long = (format!("--{}", flag.long), "--");
        let short = flag.short.map(|short| (format!("-{short}"), "-"));
        [Some(long), short].into_iter().flatten()
    })
}

/// Whether a long flag takes a value of the option, and stands for one where there is none.
fn may_stand_alone(option: &OptionDeclaration, flag: &str) -> bool {
    let mut same = option.flags.iter().filter(|other| flag.strip_prefix("--") == Some(&other.long));
    matches!((same.next(), same.next(), same.next()), (Some(one), Some(other), None) if one.sets.is_some() != other.sets.is_some())
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.bytes().all(allowed) && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn misdeclared(addon: &DeclaredAddon, what: &str, found: &str) -> ConfigError {
    ConfigError::new(format_args!(
        "cannot use addon `{}`: it declares {what} `{found}`, and names are of ASCII letters, digits, `-` and `_`",
        addon.name
    ))
}

/// A flag that stands for a value its option does not take would fail only when somebody uses it. One that stands for a
/// file would give the addon a file that the operator did not name.
fn check_values(addon: &DeclaredAddon, option: &OptionDeclaration) -> Result<(), ConfigError> {
    let stands_for_file = |flag: &&Flag| flag.sets.as_deref().is_some_and(|file| !file.is_empty());
    if matches!(option.kind, Kind::Files | Kind::Output)
        && let Some(flag) = option.flags.iter().find(stands_for_file)
    {
        return Err(ConfigError::new(format_args!(
            "cannot use addon `{}`: its flag `--{}` stands for a file, and a file has to be named by who runs the proxy",
            addon.name, flag.long
        )));
    }
    let standing_for = option.flags.iter().filter_map(|flag| flag.sets.as_deref());
    for text in standing_for.chain(option.default.as_deref()).collect::<BTreeSet<_>>() {
        option.parse(text, Path::new("")).map_err(|error| {
            ConfigError::new(format_args!("cannot use addon `{}`: it declares a wrong value", addon.name))
                .because(error)
        })?;
    }
    Ok(())
}

fn clash(what: &str, name: &str, earlier: Option<&DeclaredAddon>, later: &DeclaredAddon) -> ConfigError {
    let Some(earlier) = earlier else {
        return ConfigError::new(format_args!(
            "cannot load addon `{}`: its {what} `{name}` is one of the proxy's own",
            later.name
        ));
    };
    if std::ptr::eq(earlier, later) {
        return ConfigError::new(format_args!("cannot use addon `{}`: it declares {what} `{name}` twice", later.name));
    }
    let error = ConfigError::new(format_args!(
        "cannot load both addon `{}` and addon `{}`: both declare {what} `{name}`",
        earlier.name, later.name
    ));
    if DEFAULT_ADDONS.contains(&later.name.as_str()) {
        error.hint(format_args!("`--no-default-addons` leaves out `{}`", later.name))
    } else {
        error.hint("leave one of them out")
    }
}
