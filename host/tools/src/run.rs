//! From the arguments to a command.

use std::io;

use clap::ArgMatches;

use crate::{
    check, console::Console, convert, diff, error::FlowsError, exit::Exit, filter, list, merge, repair, show,
    writers::Writers,
};

/// Does what the arguments of [`crate::command`] say. That nobody reads the output to its end is no error.
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
