//! A report in lines.

use super::Report;

/// Lines of a kind that are written; of more, how many there are.
const LINES: usize = 20;

/// The report for a terminal, each line with its end.
pub(super) fn write(report: &Report) -> String {
    let unused = report.unused().count();
    let session = report.session.as_ref().map(|session| match session.as_str() {
        "" => "requests without a session: ".to_owned(),
        name => format!("session `{name}`: "),
    });
    let mut lines = vec![format!(
        "{}{}: {} replayed, {} missed, {} never served, {} failed",
        session.unwrap_or_default(),
        counted(report.flows, "request"),
        report.replayed(),
        report.missed,
        counted(unused as u64, "recorded exchange"),
        report.failed,
    )];
    for miss in report.misses.iter().take(LINES) {
        lines.push(format!("missed {}: {} ({})", miss.request, miss.reason, place(miss.flow, &miss.session)));
    }
    lines.extend(more(report.missed, report.misses.len(), "miss", "misses"));
    for exchange in report.unused().take(LINES) {
        let (number, file) = (exchange.number, &exchange.file);
        lines.push(format!("never served {} {}: flow {number} of {file}", exchange.request, exchange.status));
    }
    lines.extend(more(unused as u64, unused, "exchange never served", "exchanges never served"));
    for failure in report.failures.iter().take(LINES) {
        let (error, detail) = (&failure.error, &failure.detail);
        let place = place(failure.flow, &failure.session);
        lines.push(format!("failed {}: {detail} ({error}, {place})", failure.request));
    }
    lines.extend(more(report.failed, report.failures.len(), "failure", "failures"));
    lines.into_iter().map(|line| oneline::escaped(&line) + "\n").collect()
}

fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn place(flow: u64, session: &str) -> String {
    if session.is_empty() { format!("flow {flow}") } else { format!("flow {flow}, session `{session}`") }
}

/// How many there are beyond those that have a line.
fn more(all: u64, listed: usize, one: &str, several: &str) -> Option<String> {
    match all.saturating_sub(listed.min(LINES) as u64) {
        0 => None,
        1 => Some(format!("and 1 more {one}")),
        left => Some(format!("and {left} more {several}")),
    }
}
