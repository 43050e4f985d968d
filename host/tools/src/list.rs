//! `flows list`: the exchanges of recordings.

use clap::ArgMatches;

use super::{
    Exit, FlowsError, command,
    console::Console,
    input,
    table::{self, Form, Row},
};

/// Lists the exchanges of all files. Bodies are not read.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Result<Exit, FlowsError> {
    let files = command::files(matches, "file");
    let form = Form::of(matches);
    for (index, path) in files.iter().enumerate() {
        let recording = input::open(path, console)?;
        let rows: Vec<Row> =
            recording.exchanges().iter().map(|exchange| Row::of_exchange(&recording, exchange)).collect();
        if files.len() > 1 && form == Form::Table {
            if index > 0 {
                console.print("")?;
            }
            table::print_heading(path, console)?;
        }
        table::print(&rows, form, console)?;
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests;
