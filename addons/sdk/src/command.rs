//! Builders for the commands that a component offers, and for their answers.

use crate::Value;
pub use crate::bindings::commands::{Answer, Command, Parameter, ParameterKind, Setting};

/// A command; see [`Command::taking`] for what it takes.
pub fn command(name: &str, help: &str) -> Command {
    Command { name: name.to_owned(), help: help.to_owned(), parameters: Vec::new(), keys: None }
}

impl Command {
    /// Adds a parameter.
    pub fn taking(mut self, name: &str, kind: ParameterKind) -> Self {
        self.parameters.push(Parameter { name: name.to_owned(), kind, optional: false, repeated: false });
        self
    }

    /// Adds a parameter that takes all arguments that are left.
    pub fn taking_all(mut self, name: &str, kind: ParameterKind) -> Self {
        self.parameters.push(Parameter { name: name.to_owned(), kind, optional: false, repeated: true });
        self
    }

    /// Adds the keys that run it in a console.
    pub fn on_keys(mut self, keys: &str) -> Self {
        self.keys = Some(keys.to_owned());
        self
    }
}

impl Answer {
    /// An answer for people.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), data: None, settings: Vec::new() }
    }

    /// Adds the same for programs, as JSON.
    pub fn with_data(mut self, data: String) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets one of the addon's options.
    pub fn setting(mut self, name: &str, value: Value) -> Self {
        self.settings.push(Setting { name: name.to_owned(), value });
        self
    }
}
