//! What takes time, and so is not done by the key that asks for it.

use std::path::PathBuf;

use control::{Answer, Change, Changed, ControlError, Existing};

/// Something to have the proxy do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Run a command.
    Run { name: String, arguments: Vec<String> },
    /// Change something.
    Change(Change),
    /// Write flows to a file.
    Save { flows: Vec<u64>, file: PathBuf, existing: Existing },
    /// End the console.
    Quit,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Done {
    Ran { name: String, result: Result<Answer, ControlError> },
    Changed(Result<Changed, ControlError>),
    Saved { flows: Vec<u64>, file: PathBuf, result: Result<usize, ControlError> },
}
