//! Questions that are answered by a line, and those that are answered by a key.

use control::CommandInfo;

use super::editor::Editor;

/// A line that the user is asked for.
pub(crate) struct Prompt {
    pub(crate) about: About,
    pub(crate) editor: Editor,
    /// What Tab offered, to be gone through by further ones.
    pub(crate) offer: Option<Offer>,
    /// The place in the history, from its end; nothing for a line of its own.
    pub(crate) recalled: Option<usize>,
}

impl Prompt {
    pub(crate) fn new(about: About, text: impl Into<String>) -> Self {
        Self { about, editor: Editor::new(text), offer: None, recalled: None }
    }
}

/// What a line is asked for.
pub(crate) enum About {
    /// A filter for the list.
    Filter,
    /// A file to save flows to.
    Save,
    /// A command with its arguments.
    Command,
    /// The next argument of a command.
    Argument { command: CommandInfo, arguments: Vec<String> },
    /// The value of an option.
    Option { name: String },
    /// A line of the list that is edited.
    Item { place: usize, is_file: bool },
    /// What to look for among the options.
    SearchOptions,
    /// What to look for in the text on the screen.
    Find,
}

/// What a word can become.
pub(crate) struct Offer {
    /// Where the word begins, in bytes.
    pub(crate) start: usize,
    pub(crate) words: Vec<String>,
    /// The word that stands there now, if it is one of those.
    pub(crate) chosen: Option<usize>,
}

/// Lines that were entered.
#[derive(Default)]
pub(crate) struct History {
    lines: Vec<String>,
}

/// Lines that are remembered at most.
const MOST_LINES: usize = 200;

impl History {
    pub(crate) fn push(&mut self, line: &str) {
        if line.is_empty() || self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == MOST_LINES {
            self.lines.remove(0);
        }
        self.lines.push(line.to_owned());
    }

    /// A line, counted from the latest.
    pub(crate) fn recall(&self, back: usize) -> Option<&str> {
        self.lines.iter().rev().nth(back).map(String::as_str)
    }
}
