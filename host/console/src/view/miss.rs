//! Why a recording did not answer a request: the nearest recorded ones beside it.

use control::Flow;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::{
    theme,
    width::{clean, filled, left, short, wrapped},
};

type Lines = Vec<Line<'static>>;

/// What the note of a miss says. Members that are missing, or of another type than expected, are left out.
pub(super) fn lines(flow: &Flow, width: u16) -> Lines {
    let mut lines = Lines::new();
    for note in flow.summary.notes.iter().filter(|note| note.name == "missed") {
        let data = note.data.as_ref().unwrap_or(&Value::Null);
        let reason = text(data, "reason").unwrap_or_else(|| note.text.clone());
        lines.extend(filled(&reason, width.into()).into_iter().map(|line| Line::styled(line, theme::ODD)));
        lines.extend(hint(data, width));
        let nearest = items(data, "nearest");
        let parts = items(data, "parts");
        for candidate in nearest {
            lines.push(Line::default());
            lines.extend(compared(parts, candidate, width));
        }
        if nearest.is_empty() {
            lines.push(Line::default());
            lines.push(Line::styled("no recorded request is near", theme::DIM));
            lines.extend(parts.iter().flat_map(|part| {
                let value = text(part, "value").map(|value| format!(": {value}")).unwrap_or_default();
                let name = text(part, "name").unwrap_or_default();
                wrapped(&format!("{name}{value}"), theme::PLAIN, width).collect::<Lines>()
            }));
        }
    }
    lines
}

/// The request and a recorded one, side by side: parts that differ first, then those that are equal.
fn compared(parts: &[Value], candidate: &Value, width: u16) -> Lines {
    let differences = items(candidate, "differences");
    let is_differing = |name: &str| differences.iter().any(|one| text(one, "part").as_deref() == Some(name));
    let equal: Vec<(String, Option<String>)> = parts
        .iter()
        .filter_map(|part| Some((text(part, "name")?, text(part, "value"))))
        .filter(|(name, _)| !is_differing(name))
        .collect();
    let names =
        differences.iter().filter_map(|one| text(one, "part")).chain(equal.iter().map(|(name, _)| name.clone()));
    let columns = Columns::new(width, names.map(|name| clean(&name).chars().count()).max().unwrap_or(0));

    let recorded = match (candidate.get("flow").and_then(Value::as_u64), text(candidate, "file")) {
        (Some(number), Some(file)) => format!("flow {number} of {file}"),
        (None, Some(file)) => file,
        (Some(number), None) => format!("flow {number}"),
        (None, None) => "recorded".to_owned(),
    };
    let mut lines = Lines::new();
    if let Some(request) = text(candidate, "request") {
        lines.extend(wrapped(&format!("{recorded}: {request}"), theme::PLAIN, width));
    }
    lines.extend(columns.row("", "this request", &recorded, [theme::BOLD; 3]));
    for one in differences {
        let (live, recorded) = sides(one);
        let name = text(one, "part").unwrap_or_else(|| "parts".to_owned());
        lines.extend(columns.row(&name, &live, &recorded, [theme::NAME, theme::BAD, theme::GOOD]));
    }
    if let Some(more) = candidate.get("more_differences").and_then(Value::as_u64) {
        lines.push(Line::styled(format!("and {more} more that differ"), theme::BAD));
    }
    if let Some(lack) = text(candidate, "cannot_answer") {
        lines.extend(wrapped(&format!("it could not answer: it has {lack}"), theme::BAD, width));
    }
    lines.extend(hint(candidate, width));
    let (with_value, without): (Vec<_>, Vec<_>) = equal.into_iter().partition(|(_, value)| value.is_some());
    for (name, value) in with_value {
        lines.extend(columns.row(&name, value.as_deref().unwrap_or_default(), "=", [theme::DIM; 3]));
    }
    if !without.is_empty() {
        let names: Vec<String> = without.into_iter().map(|(name, _)| name).collect();
        lines.extend(wrapped(&format!("equal: {}", names.join(", ")), theme::DIM, width));
    }
    lines
}

/// The option that would have it answered.
fn hint(value: &Value, width: u16) -> Lines {
    let option = text(value, "would_match_with");
    option.into_iter().flat_map(|option| wrapped(&format!("would match with {option}"), theme::ODD, width)).collect()
}

/// What a difference says of either side. Values may be secret, and then are not there.
fn sides(difference: &Value) -> (String, String) {
    let (live, recorded) = (text(difference, "live"), text(difference, "recorded"));
    let (live_word, recorded_word) = match text(difference, "kind").as_deref() {
        Some("added") => ("only here", "–"),
        Some("missing") => ("–", "only recorded"),
        Some("order") => ("in another order", "in another order"),
        Some("written") => ("written otherwise", "written otherwise"),
        _ => ("differs", "differs"),
    };
    (live.unwrap_or_else(|| live_word.to_owned()), recorded.unwrap_or_else(|| recorded_word.to_owned()))
}

/// Names of parts, and the two sides.
struct Columns {
    name: usize,
    side: usize,
}

impl Columns {
    /// Names take at most a third.
    fn new(width: u16, longest: usize) -> Self {
        let width = usize::from(width);
        let name = longest.min(width / 3);
        Self { name, side: width.saturating_sub(name + 4) / 2 }
    }

    /// A row with as many lines as the longer side takes, up to a few.
    fn row(&self, name: &str, live: &str, recorded: &str, styles: [ratatui::style::Style; 3]) -> Lines {
        const MOST_LINES: usize = 8;
        let [name_style, live_style, recorded_style] = styles;
        let side = |text: &str| -> Vec<String> {
            let lines = wrapped(text, theme::PLAIN, self.side.try_into().unwrap_or(u16::MAX));
            lines.take(MOST_LINES).map(|line| line.to_string()).collect()
        };
        let (live, recorded) = (side(live), side(recorded));
        let at = |lines: &[String], place: usize| lines.get(place).cloned().unwrap_or_default();
        let row = |place: usize| {
            let name = if place == 0 { short(&clean(name), self.name) } else { String::new() };
            Line::from(vec![
                Span::styled(left(&name, self.name), name_style),
                Span::raw("  "),
                Span::styled(left(&at(&live, place), self.side), live_style),
                Span::raw("  "),
                Span::styled(at(&recorded, place), recorded_style),
            ])
        };
        (0..live.len().max(recorded.len())).map(row).collect()
    }
}

/// A member as text.
fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
