//! `proxyhost flows`: what can be done with recordings besides replaying them.
//!
//! A module for each command, in the order of the help: `list`, `show`, `check`, `repair`, `merge`, `filter`, `convert` and
//! `diff`. `command` is their command line and `console` where they write to. `input` opens recordings and walks over their
//! flows, `output` makes new files, `gather` fills them, with `rebuilt` and `writers` for what cannot be copied. `subject`
//! is a flow as filters see it, `table` the list of flows, and `body`, `decode`, `json`, `text` and `measure` make content
//! readable. `message_diff` and `json_diff` compare.

// What recordings hold comes from outside. Tests may panic.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::expect_used, clippy::panic, clippy::unreachable))]
#![warn(clippy::match_bool)]

use std::{fs::File, io};

use clap::ArgMatches;
use recording::{Flow, Source};

mod body;
mod check;
mod command;
mod console;
mod convert;
mod decode;
mod diff;
mod error;
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
mod rebuilt;
mod repair;
mod show;
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
pub use writers::RecordingWriters;

/// Writes flows one after the other in some format.
pub trait FlowSink {
    /// Writes a flow.
    ///
    /// # Errors
    /// When the file does not take it, or when its bodies can no longer be read.
    fn write(&mut self, flow: &Flow<Source>) -> io::Result<()>;

    /// Writes what is left to write. Nothing is written after that.
    ///
    /// # Errors
    /// When the file does not take it.
    fn finish(&mut self) -> io::Result<()>;
}

/// Makes the sinks of the formats.
pub trait Writers {
    /// A sink that goes on where the file stands, which may be behind other flows.
    ///
    /// # Errors
    /// When the file does not take what comes first.
    fn flow_file(&self, file: File) -> io::Result<Box<dyn FlowSink>>;

    /// A sink for an empty file.
    ///
    /// # Errors
    /// When the file does not take what comes first.
    fn har(&self, file: File) -> io::Result<Box<dyn FlowSink>>;
}

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// There is nothing to complain about.
    Success,
    /// There are defects, or differences.
    Findings,
}

impl Exit {
    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
        }
    }
}

/// Does what the arguments of [`command`] say. That nobody reads the output to its end is no error.
///
/// # Errors
/// When the arguments are wrong, or a file cannot be read or written.
pub fn run(matches: &ArgMatches, mut console: Console<'_>, writers: &dyn Writers) -> Result<Exit, FlowsError> {
    let outcome = dispatch(matches, &mut console, writers);
    let outcome = outcome.and_then(|exit| console.finish().map(|()| exit));
    match outcome {
        Err(FlowsError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Success),
        outcome => outcome,
    }
}

fn dispatch(matches: &ArgMatches, console: &mut Console<'_>, writers: &dyn Writers) -> Result<Exit, FlowsError> {
    match matches.subcommand() {
        Some(("list", matches)) => list::run(matches, console),
        Some(("show", matches)) => show::run(matches, console),
        Some(("check", matches)) => check::run(matches, console),
        Some(("repair", matches)) => repair::run(matches, console),
        Some(("merge", matches)) => merge::run(matches, console, writers),
        Some(("filter", matches)) => filter::run(matches, console, writers),
        Some(("convert", matches)) => convert::run(matches, console, writers),
        Some(("diff", matches)) => diff::run(matches, console),
        // The command line requires one of these.
        _ => Err(FlowsError::NoCommand),
    }
}
