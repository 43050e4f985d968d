//! `flows filter`: the flows that match an expression.

use std::path::PathBuf;

use clap::ArgMatches;
use flowfilter::Filter;
use recording::{FlowFile, FlowProtocol, Recording};

use super::{
    Exit, FlowsError, Writers, command,
    console::Console,
    gather::{Format, Gathering, has_notes, warn_of_notes},
    input::{self, Flow},
    measure,
    output::{Existing, Output},
    rebuilt::Rebuilder,
    subject::Subject,
    table::{self, Form, Row},
    text,
};

/// Lists the flows of a recording that match, or writes them.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>, writers: &dyn Writers) -> Result<Exit, FlowsError> {
    let expression: &String = matches.get_one("expression").ok_or(FlowsError::NoCommand)?;
    let filter = Filter::parse(expression)?;
    let path = command::the_file(matches, "in");
    let out: Option<&PathBuf> = matches.get_one("out");
    // What is wrong with the output is said before a long file is read.
    let output = out.map(|out| Output::create(out, &[&path], Existing::of(matches))).transpose()?;
    let recording = input::open_silently(&path, console)?;
    input::warn_of_broken_tail(&recording, console);
    let flow_file = recording.flow_file()?;
    let mut wanted = Wanted { filter, is_inverted: matches.get_flag("invert"), unreadable: 0, misplaced: 0, noted: 0 };
    match output {
        Some(output) => {
            let mut gathering = Gathering::new(output, writers)?;
            gather(&recording, flow_file.as_ref(), &mut wanted, &mut gathering)?;
            wanted.warn(&recording, console);
            gathering.commit(console)?;
        }
        None => {
            let rows = rows(&recording, flow_file.as_ref(), &mut wanted)?;
            wanted.warn(&recording, console);
            table::print(&rows, Form::of(matches), console)?;
        }
    }
    Ok(Exit::Success)
}

/// Which flows are wanted.
struct Wanted {
    filter: Filter,
    is_inverted: bool,
    /// The damaged flows, of which nobody knows whether they match. They never do.
    unreadable: usize,
    /// The flows of other protocols that HAR has no place for.
    misplaced: usize,
    /// The flows that are written without what was noted about them.
    noted: usize,
}

impl Wanted {
    fn takes(&mut self, recording: &Recording, flow: &Flow<'_>) -> Result<bool, FlowsError> {
        let is_other = || flow.details.as_ref().is_some_and(|details| details.protocol != FlowProtocol::Http);
        if flow.exchange.is_none() && !is_other() {
            self.unreadable += 1;
            return Ok(false);
        }
        let subject = Subject::new(recording, flow.exchange, flow.details.as_ref());
        Ok(subject.matches(&self.filter)? != self.is_inverted)
    }

    fn warn(&self, recording: &Recording, console: &mut Console<'_>) {
        let why = [
            (self.unreadable, "that cannot be read; `flows check` says why"),
            (self.misplaced, "of other protocols, which HAR has no place for"),
        ];
        for (count, why) in why.into_iter().filter(|(count, _)| *count > 0) {
            let path = text::path(recording.path());
            console.warn(format_args!("`{path}`: left out: {} {why}", measure::count(count, "flow")));
        }
        warn_of_notes(self.noted, recording.path(), console);
    }
}

fn rows(recording: &Recording, flow_file: Option<&FlowFile>, wanted: &mut Wanted) -> Result<Vec<Row>, FlowsError> {
    let mut rows = Vec::new();
    input::walk(recording, flow_file, &mut |flow| {
        if wanted.takes(recording, &flow)? {
            rows.extend(match (flow.exchange, &flow.details) {
                (Some(exchange), _) if !flow.is_continuation() => Some(Row::of_exchange(recording, exchange)),
                (_, Some(details)) => Some(Row::of_other(recording, flow.number, details)),
                (_, None) => None,
            });
        }
        Ok(())
    })?;
    Ok(rows)
}

fn gather(
    recording: &Recording,
    flow_file: Option<&FlowFile>,
    wanted: &mut Wanted,
    gathering: &mut Gathering<'_>,
) -> Result<(), FlowsError> {
    let rebuilder = Rebuilder::new(recording)?;
    input::walk(recording, flow_file, &mut |flow| {
        if !wanted.takes(recording, &flow)? {
            return Ok(());
        }
        match (flow_file, &flow.frame, flow.exchange) {
            (Some(flow_file), Some(frame), _) if gathering.format() == Format::FlowFile => {
                gathering.frame(flow_file, frame)
            }
            (_, _, Some(exchange)) if !flow.is_continuation() => {
                wanted.noted += usize::from(flow.details.as_ref().is_some_and(has_notes));
                gathering.exchange(exchange, flow.details.as_ref(), &rebuilder)
            }
            _ => {
                wanted.misplaced += usize::from(!flow.is_continuation());
                Ok(())
            }
        }
    })?;
    gathering.end_recording()
}

#[cfg(test)]
mod tests;
