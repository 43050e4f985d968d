//! Flows as rows of a table, or as objects of JSON.

use std::path::Path;

use recording::{Details, Exchange, FlowProtocol, Recording, media_type};
use serde::Serialize;

use super::{FlowsError, console::Console, measure, subject::Subject, text};

/// What a list says of a flow.
#[derive(Serialize)]
pub(super) struct Row {
    file: String,
    number: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    protocol: &'static str,
    started_at: Option<f64>,
    method: String,
    url: String,
    version: Option<String>,
    status: Option<u16>,
    content_type: Option<String>,
    request_size: Option<u64>,
    response_size: Option<u64>,
    /// The seconds until all of the response had arrived, or its head where only that is known.
    duration: Option<f64>,
    error: Option<String>,
}

impl Row {
    /// The row of an exchange.
    pub(super) fn of_exchange(recording: &Recording, exchange: &Exchange) -> Self {
        let request = &exchange.request;
        let response = exchange.response.as_ref();
        let started_at = Some(request.started_at).filter(|seconds| *seconds > 0.0);
        let content_type = response.and_then(|response| response.fields.joined("content-type"));
        let session_end = exchange.websocket.as_ref().and_then(|session| session.ended_at);
        let ended_at = response.map(|response| session_end.or(response.ended_at).unwrap_or(response.started_at));
        Self {
            file: recording.path().to_string_lossy().into_owned(),
            number: exchange.number,
            id: exchange.id.clone(),
            protocol: if exchange.is_websocket { "websocket" } else { "http" },
            started_at,
            method: text::decoded(&request.method),
            url: url(recording, exchange),
            version: Some(format!("{:?}", request.version)),
            status: response.map(|response| response.status),
            content_type: content_type.map(|kind| text::decoded(&kind)),
            request_size: request.content.size(),
            response_size: response.and_then(|response| response.content.size()),
            duration: ended_at.zip(started_at).map(|(end, start)| end - start).filter(|seconds| *seconds >= 0.0),
            error: exchange.error.as_ref().map(|failure| failure.reason.clone()),
        }
    }

    /// The row of a flow that is no exchange.
    pub(super) fn of_other(recording: &Recording, number: usize, details: &Details) -> Self {
        let size = |from_client| {
            let sent = details.messages.iter().filter(|message| message.from_client == from_client);
            Some(sent.filter_map(|message| message.content.size()).sum())
        };
        let protocol = match details.protocol {
            FlowProtocol::Http => "http",
            FlowProtocol::Tcp => "tcp",
            FlowProtocol::Udp => "udp",
            FlowProtocol::Dns => "dns",
            FlowProtocol::WebSocket => "websocket",
            FlowProtocol::Unknown => "unknown",
        };
        Self {
            file: recording.path().to_string_lossy().into_owned(),
            number,
            id: String::new(),
            protocol,
            started_at: details.messages.first().map(|message| message.at).filter(|seconds| *seconds > 0.0),
            method: protocol.to_uppercase(),
            url: if details.question.is_empty() { &details.destination } else { &details.question }.clone(),
            version: None,
            status: None,
            content_type: None,
            request_size: size(true),
            response_size: size(false),
            duration: None,
            error: None,
        }
    }

    /// What the columns say.
    fn cells(&self) -> [String; COLUMNS] {
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let status = match (self.status, &self.error) {
            (Some(status), None) => status.to_string(),
            // What came before the failure was not all.
            (Some(status), Some(_)) => format!("{status}!"),
            (None, Some(_)) => "failed".to_owned(),
            (None, None) => "-".to_owned(),
        };
        let kind = self.content_type.as_deref().map(media_type::essence);
        [
            self.number.to_string(),
            measure::moment(self.started_at.unwrap_or(0.0)),
            text::line(&self.method),
            text::line(&self.url),
            status,
            or_none(kind.map(|kind| text::cut(&text::line(kind), TYPE_WIDTH))),
            or_none(self.response_size.map(measure::size)),
            or_none(self.duration.map(measure::duration)),
        ]
    }
}

/// The URL of an exchange: the one that `~u` of the filter language matches.
pub(super) fn url(recording: &Recording, exchange: &Exchange) -> String {
    flowfilter::url(&Subject::new(recording, Some(exchange), None)).unwrap_or_default()
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    JsonLines,
}

impl Form {
    /// The form that the flag `--json` asks for.
    pub(super) fn of(matches: &clap::ArgMatches) -> Self {
        if matches.get_flag("json") { Self::JsonLines } else { Self::Table }
    }
}

/// Prints rows.
pub(super) fn print(rows: &[Row], form: Form, console: &mut Console<'_>) -> Result<(), FlowsError> {
    if form == Form::JsonLines {
        return rows.iter().try_for_each(|row| match serde_json::to_string(row) {
            Ok(line) => console.print(line),
            Err(error) => Err(FlowsError::Output(error.into())),
        });
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let shown = match console.width() {
        Some(limit) => fit(&mut lines, limit),
        None => (0..COLUMNS).collect(),
    };
    let mut widths = widths(&lines);
    if let (Some(limit), Some(url)) = (console.width(), widths.get(URL).copied()) {
        let others = line_width(&widths, &shown) - url;
        widths[URL] = url.min(limit.saturating_sub(others).max(LEAST_URL));
    }
    lines.iter().try_for_each(|line| print_line(line, &widths, &shown, console))
}

/// Makes cells shorter, and leaves columns out, until addresses have room or there is nothing more to be left out. The columns
/// that stay.
fn fit(lines: &mut [[String; COLUMNS]], limit: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..COLUMNS).collect();
    let has_room = |lines: &[[String; COLUMNS]], shown: &[usize]| {
        let mut widths = widths(lines);
        widths[URL] = widths[URL].min(READABLE_URL);
        line_width(&widths, shown) <= limit
    };
    // The year and the milliseconds go first, and then the day.
    for range in [5..19, 6..14] {
        if has_room(lines, &shown) {
            return shown;
        }
        for line in lines.iter_mut() {
            if let Some(shorter) = line[TIME].get(range.clone()) {
                line[TIME] = shorter.to_owned();
            }
        }
        if let Some(headings) = lines.first_mut() {
            headings[TIME] = "time".to_owned();
        }
        let column = if range.start == 5 { TYPE } else { DURATION };
        if !has_room(lines, &shown) {
            shown.retain(|shown| *shown != column);
        }
    }
    for column in [SIZE, TIME] {
        if !has_room(lines, &shown) {
            shown.retain(|shown| *shown != column);
        }
    }
    shown
}

fn widths(lines: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let mut widths = [0; COLUMNS];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// How wide a line with these columns is.
fn line_width(widths: &[usize; COLUMNS], shown: &[usize]) -> usize {
    let cells: usize = shown.iter().filter_map(|column| widths.get(*column)).sum();
    cells + GAP.len() * shown.len().saturating_sub(1)
}

/// The file that a list is about, where there are several.
pub(super) fn print_heading(path: &Path, console: &mut Console<'_>) -> Result<(), FlowsError> {
    console.print(format_args!("{}:", text::path(path)))
}

fn print_line(
    cells: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
    shown: &[usize],
    console: &mut Console<'_>,
) -> Result<(), FlowsError> {
    let aligned = cells.iter().zip(widths).enumerate().filter(|(column, _)| shown.contains(column));
    let aligned = aligned.map(|(column, (cell, &width))| match column {
        NUMBER | SIZE | DURATION => format!("{cell:>width$}"),
        URL => format!("{:<width$}", text::short_url(cell, width)),
        _ => format!("{cell:<width$}"),
    });
    let line = aligned.collect::<Vec<_>>().join(GAP);
    let line = line.trim_end();
    match console.width() {
        Some(limit) => console.print(text::cut(line, limit)),
        None => console.print(line),
    }
}

const COLUMNS: usize = 8;
const HEADINGS: [&str; COLUMNS] = ["#", "time (UTC)", "method", "url", "status", "type", "size", "took"];
const NUMBER: usize = 0;
const TIME: usize = 1;
const URL: usize = 3;
const TYPE: usize = 5;
const SIZE: usize = 6;
const DURATION: usize = 7;
const GAP: &str = "  ";
/// Addresses of this width show where most requests go.
const READABLE_URL: usize = 44;
const LEAST_URL: usize = 10;
/// Longer types exist, and say little more.
const TYPE_WIDTH: usize = 32;
