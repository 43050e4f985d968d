//! `flows merge`: the flows of several recordings in one file.

use std::path::Path;

use clap::ArgMatches;

use super::{
    Exit, FlowsError, Writers, command,
    console::Console,
    gather::Gathering,
    output::{Existing, Output},
};

/// Writes the flows of all recordings, in the order of the arguments.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>, writers: &dyn Writers) -> Result<Exit, FlowsError> {
    let inputs: Vec<&Path> = command::files(matches, "in").into_iter().map(AsRef::as_ref).collect();
    let output = Output::create(&command::the_file(matches, "out"), &inputs, Existing::of(matches))?;
    let mut gathering = Gathering::new(output, writers)?;
    for input in inputs {
        gathering.all_of(input, console)?;
    }
    gathering.commit(console)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests;
