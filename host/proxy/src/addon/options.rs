//! Options that addons declare, and their values.

use std::{collections::BTreeMap, fmt, path::Path};

/// The type of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Flag,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// Any number of texts; given several times they add up.
    Texts,
    /// Any number of files, which the addon may then read.
    Files,
    /// A file that the addon may write; `+` before it appends.
    Output,
}

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

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// For [`Kind::Flag`].
    Flag(bool),
    /// For [`Kind::Integer`].
    Integer(i64),
    /// For [`Kind::Text`], [`Kind::Choice`] and [`Kind::Output`].
    Text(String),
    /// For [`Kind::Texts`] and [`Kind::Files`].
    Texts(Vec<String>),
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

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("true or false"),
            Self::Integer => formatter.write_str("a whole number"),
            Self::Text => formatter.write_str("text"),
            Self::Choice(choices) => write!(formatter, "one of {}", choices.join(", ")),
            Self::Texts => formatter.write_str("a list of texts"),
            Self::Files => formatter.write_str("a list of files"),
            Self::Output => formatter.write_str("a file to write"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Text(value) => value.fmt(formatter),
            Self::Texts(values) => values.join(", ").fmt(formatter),
        }
    }
}
