//! `proxyhost flows`: what can be done with recordings besides replaying them.
//!
//! `run` does what the command line says, which `command` describes, and `console` is where it is written to. A module for each
//! command, in the order of the help: `list`, `show`, `check`, `repair`, `merge`, `filter`, `convert` and `diff`. `input` opens
//! recordings and walks over their flows, `output` makes new files, `gather` fills them, with `rebuilt` and `writers` for what
//! cannot be copied. `subject` is a flow as filters see it, `table` the list of flows, and `body`, `decode`, `json`, `text` and
//! `measure` make content readable; `show_json` and `raw_body` are for programs. `message_diff`, `session_diff` and `json_diff` compare.

// What recordings hold comes from outside. Tests may panic.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::expect_used, clippy::panic, clippy::unreachable))]
#![warn(clippy::match_bool)]

mod body;
mod check;
mod command;
mod console;
mod convert;
mod decode;
mod diff;
mod error;
mod exit;
mod filter;
mod gather;
mod input;
mod json;
mod json_diff;
mod list;
mod measure;
mod merge;
mod message_diff;
mod output;
mod raw_body;
mod rebuilt;
mod repair;
mod run;
mod session_diff;
mod show;
mod show_json;
mod subject;
mod table;
mod text;
mod writers;

#[cfg(test)]
mod formats;
#[cfg(test)]
mod samples;

pub use command::command;
pub use console::Console;
pub use error::FlowsError;
pub use exit::Exit;
pub use run::run;
pub use writers::{FlowSink, RecordingWriters, Writers};
