//! Options that addons declare, and their values.

use std::{collections::BTreeMap, path::Path};

/// Those who look at options see the same types and values.
pub use control::{OptionKind as Kind, OptionValue as Value};

/// A command-line flag that sets an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The long form without dashes.
    pub long: String,
    /// The short form.
    pub short: Option<char>,
    /// The value that the flag alone stands for; without one the flag takes a value.
    pub sets: Option<String>,
}

/// An option as a component declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDeclaration {
    /// The name, such as `server_replay`.
    pub name: String,
    /// What it does, in a sentence.
    pub help: String,
    /// Its type.
    pub kind: Kind,
    /// Its value when nobody sets it, as on the command line.
    pub default: Option<String>,
    /// Its own command-line flags.
    pub flags: Vec<Flag>,
    /// What to use instead, when it is deprecated.
    pub deprecated: Option<String>,
    /// Whether only a start can set it.
    pub fixed: bool,
}

/// Option values by name.
pub type Values = BTreeMap<String, Value>;

/// Why a text is not a value of an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("option `{name}` is {expected}, not `{given}`")]
pub struct ValueError {
    /// The option's name.
    pub name: String,
    /// What it takes.
    pub expected: String,
    /// What was given.
    pub given: String,
}

impl OptionDeclaration {
    /// The value that a text stands for. Relative files are taken from `folder`.
    ///
    /// # Errors
    /// When the text is not of the option's type.
    pub fn parse(&self, text: &str, folder: &Path) -> Result<Value, ValueError> {
        let value = match &self.kind {
            Kind::Flag => match text {
                "true" | "on" | "yes" | "1" => Some(Value::Flag(true)),
                "false" | "off" | "no" | "0" => Some(Value::Flag(false)),
                _ => None,
            },
            Kind::Integer => text.parse().ok().map(Value::Integer),
            Kind::Text => Some(Value::Text(text.to_owned())),
            Kind::Choice(choices) => choices.iter().find(|choice| *choice == text).cloned().map(Value::Text),
            Kind::Texts => Some(Value::Texts(vec![text.to_owned()])),
            Kind::Files => Some(Value::Texts(vec![folder.join(text).to_string_lossy().into_owned()])),
            Kind::Output => Some(Value::Text(match appending(text) {
                (_, "") => String::new(),
                (append, path) => format!("{append}{}", folder.join(path).display()),
            })),
        };
        value.ok_or_else(|| ValueError {
            name: self.name.clone(),
            expected: self.kind.to_string(),
            given: text.to_owned(),
        })
    }

    /// The value when nobody sets it. A component that declares a wrong default gets the type's empty value.
    pub fn default_value(&self) -> Value {
        let declared = self.default.as_deref().and_then(|default| self.parse(default, Path::new("")).ok());
        declared.unwrap_or_else(|| match &self.kind {
            Kind::Flag => Value::Flag(false),
            Kind::Integer => Value::Integer(0),
            Kind::Text | Kind::Choice(_) | Kind::Output => Value::Text(String::new()),
            Kind::Texts | Kind::Files => Value::Texts(Vec::new()),
        })
    }
}

/// Splits the `+`, which asks for a file to be appended to, from the file's path.
pub fn appending(text: &str) -> (&str, &str) {
    if text.starts_with('+') { text.split_at(1) } else { ("", text) }
}
