//! `flows diff`: what two recordings of the same conversation have apart.

use std::collections::{HashMap, VecDeque};

use clap::ArgMatches;
use recording::{Exchange, Recording};

use super::{
    Exit, FlowsError, command,
    console::Console,
    input,
    message_diff::{self, Comparison},
    table, text,
};

/// Compares two recordings. The first exchange with a method and a URL is compared to the first one with those, the second
/// one to the second one, and so on.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Result<Exit, FlowsError> {
    let old = input::open(&command::the_file(matches, "a"), console)?;
    let new = input::open(&command::the_file(matches, "b"), console)?;
    let named: Vec<&String> = matches.get_many("ignore-field").into_iter().flatten().collect();
    let ignored = named.into_iter().map(|name| name.to_ascii_lowercase()).chain(["date".to_owned()]).collect();
    let comparison = Comparison { old: &old, new: &new, ignored };
    let mut exit = Exit::Success;
    for pair in pairs(&old, &new) {
        let differences = match pair {
            Pair::Both(old, new) => message_diff::differences(&comparison, old, new)?,
            Pair::Removed(_) | Pair::Added(_) => Vec::new(),
        };
        let heading = match pair {
            Pair::Both(..) if differences.is_empty() => continue,
            Pair::Both(before, after) => format!("~ {} (flow {}, {})", name(&old, before), before.number, after.number),
            Pair::Removed(exchange) => format!("- {} (flow {})", name(&old, exchange), exchange.number),
            Pair::Added(exchange) => format!("+ {} (flow {})", name(&new, exchange), exchange.number),
        };
        exit = Exit::Findings;
        console.print(text::line(&heading))?;
        differences.iter().try_for_each(|line| console.print(format_args!("    {}", text::line(line))))?;
    }
    Ok(exit)
}

/// What stands for an exchange.
fn name(recording: &Recording, exchange: &Exchange) -> String {
    format!("{} {}", text::decoded(&exchange.request.method), table::url(recording, exchange))
}

#[derive(Clone, Copy)]
enum Pair<'r> {
    Both(&'r Exchange, &'r Exchange),
    Removed(&'r Exchange),
    Added(&'r Exchange),
}

/// The exchanges that belong together, in the order of the old recording; then those that only the new one has.
fn pairs<'r>(old: &'r Recording, new: &'r Recording) -> Vec<Pair<'r>> {
    let mut waiting: HashMap<String, VecDeque<&Exchange>> = HashMap::new();
    for exchange in new.exchanges() {
        waiting.entry(name(new, exchange)).or_default().push_back(exchange);
    }
    let mut pairs = Vec::new();
    for exchange in old.exchanges() {
        match waiting.get_mut(&name(old, exchange)).and_then(VecDeque::pop_front) {
            Some(other) => pairs.push(Pair::Both(exchange, other)),
            None => pairs.push(Pair::Removed(exchange)),
        }
    }
    let mut added: Vec<&Exchange> = waiting.into_values().flatten().collect();
    added.sort_by_key(|exchange| exchange.number);
    pairs.extend(added.into_iter().map(Pair::Added));
    pairs
}

#[cfg(test)]
mod tests;
