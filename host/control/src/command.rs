//! Commands of addons.

use serde::Serialize;

/// A command that an addon offers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandInfo {
    /// The name, such as `replay.server.reset`.
    pub name: String,
    /// The addon that offers it.
    pub addon: String,
    /// What it does, in a sentence.
    pub help: String,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// The keys that run it in a console, one after the other, such as `Rs`; empty if there are none.
    pub keys: String,
}

/// What a command takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// Its type.
    pub kind: ParameterKind,
    /// Whether it may be left out. Only the last ones may.
    pub is_optional: bool,
    /// Whether it takes all arguments that are left. Only the last one may.
    pub is_repeated: bool,
}

/// The type of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// A file, which the addon may then read. Relative ones are taken from the folder that the proxy was started in.
    File,
    /// A file that the addon may then write; `+` before it appends.
    Output,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// For people; may have several lines, and be empty.
    pub text: String,
    /// For programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}
