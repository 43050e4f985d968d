//! Builders for what a component declares of itself.

pub use crate::bindings::declaration::{Declared, Flag, Kind, OptionDeclaration};

/// An option of a type; see the functions of this module for the types.
fn option(name: &str, kind: Kind, default: Option<&str>, help: &str) -> OptionDeclaration {
    OptionDeclaration {
        name: name.to_owned(),
        help: help.to_owned(),
        kind,
        default: default.map(str::to_owned),
        flags: Vec::new(),
        deprecated: None,
        fixed: false,
    }
}

/// On or off.
pub fn flag(name: &str, default: bool, help: &str) -> OptionDeclaration {
    option(name, Kind::Flag, Some(if default { "true" } else { "false" }), help)
}

/// A whole number.
pub fn integer(name: &str, default: i64, help: &str) -> OptionDeclaration {
    option(name, Kind::Integer, Some(&default.to_string()), help)
}

/// Text.
pub fn text(name: &str, default: &str, help: &str) -> OptionDeclaration {
    option(name, Kind::Text, Some(default), help)
}

/// One of these words.
pub fn choice(name: &str, choices: &[&str], default: &str, help: &str) -> OptionDeclaration {
    let choices = choices.iter().map(|&choice| choice.to_owned()).collect();
    option(name, Kind::Choice(choices), Some(default), help)
}

/// Any number of texts.
pub fn texts(name: &str, help: &str) -> OptionDeclaration {
    option(name, Kind::Texts, None, help)
}

/// Any number of files that the addon may read.
pub fn files(name: &str, help: &str) -> OptionDeclaration {
    option(name, Kind::Files, None, help)
}

/// A file that the addon may write.
pub fn output(name: &str, help: &str) -> OptionDeclaration {
    option(name, Kind::Output, None, help)
}

impl OptionDeclaration {
    /// Adds a command-line flag that takes the option's value.
    pub fn taking(self, long: &str) -> Self {
        self.with(long, None, None)
    }

    /// Adds a command-line flag with a short form, that takes the option's value.
    pub fn taking_short(self, short: char, long: &str) -> Self {
        self.with(long, Some(short), None)
    }

    /// Adds a command-line flag that stands for a value.
    pub fn setting(self, long: &str, value: &str) -> Self {
        self.with(long, None, Some(value))
    }

    /// Adds a command-line flag with a short form, that stands for a value.
    pub fn setting_short(self, short: char, long: &str, value: &str) -> Self {
        self.with(long, Some(short), Some(value))
    }

    /// Marks the option as deprecated, and says what to use instead.
    pub fn deprecated(mut self, instead: &str) -> Self {
        self.deprecated = Some(instead.to_owned());
        self
    }

    /// Says that only a start can set it.
    pub fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    fn with(mut self, long: &str, short: Option<char>, sets: Option<&str>) -> Self {
        self.flags.push(Flag { long: long.to_owned(), short, sets: sets.map(str::to_owned) });
        self
    }
}

/// A component that does what `summary` says, with these options.
pub fn component(summary: &str, options: Vec<OptionDeclaration>) -> Declared {
    Declared { summary: summary.to_owned(), options, reads: Vec::new(), singleton: false, reads_bodies: false }
}

impl Declared {
    /// Has all flows go through one instance, one at a time, so that its memory is the addon's state.
    pub fn alone(mut self) -> Self {
        self.singleton = true;
        self
    }

    /// Says that the hooks read bodies: in an addon that is [`alone`](Self::alone), a slow one then keeps no other flow waiting.
    pub fn reading_bodies(mut self) -> Self {
        self.reads_bodies = true;
        self
    }

    /// Adds options of other addons whose values the component is to know.
    pub fn reading(mut self, names: &[&str]) -> Self {
        self.reads.extend(names.iter().map(|&name| name.to_owned()));
        self
    }
}
