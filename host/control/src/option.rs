//! Options of addons.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An option that an addon declares, and its value now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionInfo {
    /// The name, such as `server_replay_refresh`.
    pub name: String,
    /// The addon that declares it.
    pub addon: String,
    /// What it does, in a sentence.
    pub help: String,
    /// Its type.
    pub kind: OptionKind,
    /// Its value.
    pub value: OptionValue,
    /// Its value when nobody sets it.
    pub default: OptionValue,
    /// Whether only a start can set it.
    pub is_fixed: bool,
    /// What to use instead, when it is deprecated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}

/// The type of an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
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

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A text, one of several words, or a file to write.
    Text(String),
    /// Texts, or files.
    Texts(Vec<String>),
}

impl fmt::Display for OptionKind {
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

impl fmt::Display for OptionValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Text(value) => value.fmt(formatter),
            Self::Texts(values) => values.join(", ").fmt(formatter),
        }
    }
}
