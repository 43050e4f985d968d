//! Commands that addons offer.

use std::collections::BTreeSet;

use control::{CommandInfo, Parameter, ParameterKind};

use super::{
    bindings::exports::proxyhost::addon::commands,
    failure::HookFailure,
    options::{Value, Values},
};

/// Most commands of an addon, parameters of a command, and bytes of all that is said of them.
const MOST: usize = 200;
const MOST_PARAMETERS: usize = 16;
const MOST_BYTES: usize = 256 << 10;

/// Most bytes of an answer's text and of its data.
const LONGEST_ANSWER: usize = 16 << 20;

/// Most keys that run a command.
const MOST_KEYS: usize = 3;

/// A command that an addon offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The name.
    pub name: String,
    /// What it does, in a sentence.
    pub help: String,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// The keys that run it in a console; empty if there are none.
    pub keys: String,
    /// The place of who offers it among the addon and its plugs that offer some.
    pub(super) place: usize,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub data: Option<serde_json::Value>,
    /// Options that are to change.
    pub settings: Vec<(String, Value)>,
}

/// Why a command was not run. Whoever asked for it knows which one.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The arguments do not fit.
    #[error("{what}; it takes {takes}")]
    Arguments {
        /// What is wrong.
        what: String,
        /// What it takes.
        takes: String,
    },
    /// The addon failed.
    #[error("addon `{addon}` failed")]
    Failed {
        /// The addon.
        addon: String,
        /// How.
        source: HookFailure,
    },
    /// The addon says why not.
    #[error("addon `{addon}`: {reason}")]
    Refused {
        /// The addon.
        addon: String,
        /// What the addon said.
        reason: String,
    },
}

/// The commands that an addon and its plugs offer, each with who does, if they can be used; or what of them cannot.
pub(super) fn checked(offered: Vec<(usize, commands::Command)>) -> Result<Vec<Command>, String> {
    let bytes: usize = offered.iter().map(|(_, command)| bytes(command)).sum();
    if offered.len() > MOST || bytes > MOST_BYTES {
        return Err(format!("{} commands of {bytes} bytes, and may offer {MOST} of {MOST_BYTES}", offered.len()));
    }
    let mut names = BTreeSet::new();
    for (_, command) in &offered {
        let name = oneline::escaped(&command.name);
        let is_word = |name: &str| !name.is_empty() && name.chars().all(|char| char.is_ascii_graphic());
        if !is_word(&command.name) {
            return Err(format!("command `{name}`, whose name is not a word"));
        }
        if !names.insert(&command.name) {
            return Err(format!("command `{name}` twice"));
        }
        if command.parameters.len() > MOST_PARAMETERS || command.parameters.iter().any(|taken| !is_word(&taken.name)) {
            return Err(format!("command `{name}` with parameters that are too many or have no word for a name"));
        }
        let mut rest = command.parameters.iter().skip_while(|taken| !taken.optional && !taken.repeated);
        let last = command.parameters.len().saturating_sub(1);
        let early = command.parameters.iter().position(|taken| taken.repeated).is_some_and(|position| position < last);
        if early || rest.any(|taken| !taken.optional && !taken.repeated) {
            return Err(format!("command `{name}` with a parameter after one that may be left out or takes the rest"));
        }
        let keys = command.keys.as_deref().unwrap_or("x");
        if !(1..=MOST_KEYS).contains(&keys.chars().count()) || !is_word(keys) {
            return Err(format!("command `{name}` with keys that nobody can press"));
        }
    }
    Ok(offered.into_iter().map(Command::from).collect())
}

fn bytes(command: &commands::Command) -> usize {
    let parameters = command.parameters.iter().map(|taken| match &taken.kind {
        commands::ParameterKind::Choice(words) => taken.name.len() + words.iter().map(String::len).sum::<usize>(),
        _ => taken.name.len(),
    });
    command.name.len() + command.help.len() + parameters.sum::<usize>()
}

impl From<(usize, commands::Command)> for Command {
    fn from((place, command): (usize, commands::Command)) -> Self {
        let parameter = |taken: commands::Parameter| Parameter {
            name: taken.name,
            kind: match taken.kind {
                commands::ParameterKind::Flag => ParameterKind::Flag,
                commands::ParameterKind::Integer => ParameterKind::Integer,
                commands::ParameterKind::Text => ParameterKind::Text,
                commands::ParameterKind::Choice(words) => ParameterKind::Choice(words),
                commands::ParameterKind::File => ParameterKind::File,
                commands::ParameterKind::Output => ParameterKind::Output,
            },
            is_optional: taken.optional,
            is_repeated: taken.repeated,
        };
        let parameters = command.parameters.into_iter().map(parameter).collect();
        Self { name: command.name, help: command.help, parameters, keys: command.keys.unwrap_or_default(), place }
    }
}

impl Command {
    /// The command as users see it, of the addon of this name.
    pub fn info(&self, addon: &str) -> CommandInfo {
        let Self { name, help, parameters, keys, .. } = self.clone();
        CommandInfo { name, addon: addon.to_owned(), help, parameters, keys }
    }

    /// The values that texts stand for, one for each parameter that is given, and the files among them. Relative files are
    /// found by `at`.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn arguments(
        &self,
        texts: &[String],
        at: impl Fn(&str) -> String,
    ) -> Result<(Vec<Value>, Files), CommandError> {
        let (mut values, mut files) = (Vec::new(), Files::default());
        let mut left = texts.iter();
        for parameter in &self.parameters {
            let wrong = |what: String| self.wrong(&what);
            let mut parse = |text: &String| match parse(&parameter.kind, text, &at, &mut files) {
                Some(value) => Ok(value),
                None => Err(wrong(format!("`{}` is not {}", oneline::escaped(text), shown(&parameter.kind)))),
            };
            if parameter.is_repeated {
                let mut all = Vec::new();
                for text in left.by_ref() {
                    all.push(parse(text)?.to_string());
                }
                if all.is_empty() && !parameter.is_optional {
                    return Err(self.wrong(&format!("`{}` is missing", parameter.name)));
                }
                values.push(Value::Texts(all));
                continue;
            }
            match left.next() {
                Some(text) => values.push(parse(text)?),
                None if parameter.is_optional => break,
                None => return Err(self.wrong(&format!("`{}` is missing", parameter.name))),
            }
        }
        match left.next() {
            Some(more) => Err(self.wrong(&format!("`{}` is one argument too many", oneline::escaped(more)))),
            None => Ok((values, files)),
        }
    }

    /// What it takes, in the order of the arguments: `FILE…`.
    pub fn usage(&self) -> String {
        let takes = self.parameters.iter().map(|taken| {
            let more = if taken.is_repeated { "…" } else { "" };
            let text = format!("{}{more}", taken.name.to_uppercase());
            if taken.is_optional { format!("[{text}]") } else { text }
        });
        takes.collect::<Vec<_>>().join(" ")
    }

    fn wrong(&self, what: &str) -> CommandError {
        let takes = self.usage();
        let takes = if takes.is_empty() { "no arguments".to_owned() } else { takes };
        CommandError::Arguments { what: what.to_owned(), takes }
    }
}

/// The files that a user named in the arguments of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// To read.
    pub read: BTreeSet<String>,
    /// To write.
    pub write: BTreeSet<String>,
}

fn parse(kind: &ParameterKind, text: &str, at: impl Fn(&str) -> String, files: &mut Files) -> Option<Value> {
    match kind {
        ParameterKind::Flag => match text {
            "true" | "on" | "yes" | "1" => Some(Value::Flag(true)),
            "false" | "off" | "no" | "0" => Some(Value::Flag(false)),
            _ => None,
        },
        ParameterKind::Integer => text.parse().ok().map(Value::Integer),
        ParameterKind::Text => Some(Value::Text(text.to_owned())),
        ParameterKind::Choice(words) => words.iter().find(|word| *word == text).cloned().map(Value::Text),
        ParameterKind::File if text.is_empty() => None,
        ParameterKind::File => {
            let file = at(text);
            files.read.insert(file.clone());
            Some(Value::Text(file))
        }
        ParameterKind::Output => {
            let (append, path) = super::options::appending(text);
            let file = (!path.is_empty()).then(|| format!("{append}{}", at(path)))?;
            files.write.insert(file.clone());
            Some(Value::Text(file))
        }
    }
}

fn shown(kind: &ParameterKind) -> String {
    match kind {
        ParameterKind::Flag => "true or false".to_owned(),
        ParameterKind::Integer => "a whole number".to_owned(),
        ParameterKind::Text => "text".to_owned(),
        ParameterKind::Choice(words) => format!("one of {}", words.join(", ")),
        ParameterKind::File => "a file".to_owned(),
        ParameterKind::Output => "a file to write".to_owned(),
    }
}

/// What an addon answered, if it can be used; or why not.
pub(super) fn answered(answer: commands::Answer) -> Result<Answer, HookFailure> {
    let unusable = |what: &str| HookFailure::Unusable(format!("its answer to a command {what}"));
    if answer.text.len() > LONGEST_ANSWER || answer.data.as_ref().is_some_and(|data| data.len() > LONGEST_ANSWER) {
        return Err(unusable("is too long"));
    }
    let data = answer.data.as_deref().map(serde_json::from_str).transpose();
    let settings = answer.settings.into_iter().map(|setting| (setting.name, setting.value.into()));
    Ok(Answer {
        text: answer.text,
        data: data.map_err(|_| unusable("has data that is not JSON"))?,
        settings: settings.collect::<Values>().into_iter().collect(),
    })
}
