//! `flows check`: whether recordings are whole, and what of them can be replayed.

use std::collections::BTreeMap;

use clap::ArgMatches;
use oneline::chain;
use recording::{Content, Recording, RecordingError};

use super::{Exit, FlowsError, command, console::Console, input, measure, text};

/// Checks all files, and prints a line for each defect.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Result<Exit, FlowsError> {
    let mut exit = Exit::Success;
    for path in command::files(matches, "file") {
        let shown = text::path(path);
        match input::open_silently(path, console) {
            Ok(recording) => {
                let defects = defects(&recording);
                if defects.is_empty() {
                    console.print(format_args!("{shown}: ok, {}", holdings(&recording)))?;
                    continue;
                }
                defects.iter().try_for_each(|defect| console.print(format_args!("{shown}: {}", text::line(defect))))?;
            }
            // This names the file itself.
            Err(error) if is_defect(&error) => console.print(text::line(&chain(&error)))?,
            Err(error) => return Err(error.into()),
        }
        exit = Exit::Findings;
    }
    Ok(exit)
}

fn defects(recording: &Recording) -> Vec<String> {
    let invalid = recording.skipped().invalid.iter().map(ToString::to_string);
    invalid.chain(recording.warning().map(ToString::to_string)).collect()
}

/// Whether the error is about what the file holds, and not about getting at it.
fn is_defect(error: &RecordingError) -> bool {
    !matches!(error, RecordingError::Open { .. } | RecordingError::NotAFile { .. } | RecordingError::Read { .. })
}

/// What a recording without defects holds, and what of it can be replayed.
fn holdings(recording: &Recording) -> String {
    let exchanges = measure::count(recording.exchanges().len(), "exchange");
    let others = recording.skipped().reasons();
    let held = [vec![exchanges], others].concat().join(", ");
    text::line(
        &[held].into_iter().chain(unplayable(recording)).chain(unmatched(recording)).collect::<Vec<_>>().join("; "),
    )
}

/// What cannot be replayed whole, and why; nothing if all can be.
fn unplayable(recording: &Recording) -> Option<String> {
    let (mut broken, mut reasons) = (Vec::new(), BTreeMap::<&str, Vec<usize>>::new());
    for exchange in recording.exchanges() {
        match exchange.lacks() {
            Some(_) if exchange.is_broken() => broken.push(exchange.number),
            Some(lacks) => reasons.entry(lacks).or_default().push(exchange.number),
            None => {}
        }
    }
    let count: usize = reasons.values().map(Vec::len).sum();
    let mut said = vec![format!("{} can be replayed", recording.exchanges().len() - count)];
    if !broken.is_empty() {
        said.push(format!("{} of them {}", broken.len(), reason("up to where they broke off", &broken)));
    }
    if count > 0 {
        let reasons: Vec<String> = reasons.iter().map(|(lacks, numbers)| reason(lacks, numbers)).collect();
        said.push(format!("{count} cannot: {}", reasons.join(", ")));
    }
    (said.len() > 1).then(|| said.join(", "))
}

fn reason(lacks: &str, numbers: &[usize]) -> String {
    let named: Vec<String> = numbers.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if numbers.len() > NAMED { ", …" } else { "" };
    let flows = if numbers.len() == 1 { "flow" } else { "flows" };
    format!("{lacks} ({flows} {}{more})", named.join(", "))
}

/// Most flows of a reason that are named.
const NAMED: usize = 10;

/// The exchanges that no request matches, because what theirs sent is not there.
fn unmatched(recording: &Recording) -> Option<String> {
    let exchanges = recording.exchanges().iter();
    let lacking =
        exchanges.filter(|exchange| exchange.request.content == Content::NotRecorded && exchange.comparison.is_none());
    let numbers: Vec<String> = lacking.map(|exchange| exchange.number.to_string()).collect();
    let named = numbers.iter().take(REQUESTS_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if numbers.len() > REQUESTS_NAMED { ", …" } else { "" };
    let flows = if numbers.len() == 1 { "flow" } else { "flows" };
    (!numbers.is_empty()).then(|| format!("no content of the request, which matches nothing ({flows} {named}{more})"))
}

/// Most flows that are named of which the request has no content.
const REQUESTS_NAMED: usize = 10;

#[cfg(test)]
mod tests;
