//! `flows convert`: a recording in another format.

use clap::ArgMatches;

use super::{
    Exit, FlowsError, Writers, command,
    console::Console,
    gather::Gathering,
    output::{Existing, Output},
};

/// Writes the flows of a recording in the format that the output's name asks for.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>, writers: &dyn Writers) -> Result<Exit, FlowsError> {
    let input = command::the_file(matches, "in");
    let output = Output::create(&command::the_file(matches, "out"), &[&input], Existing::of(matches))?;
    let mut gathering = Gathering::new(output, writers)?;
    gathering.all_of(&input, console)?;
    gathering.commit(console)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests;
