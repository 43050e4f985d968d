//! The list of flows.

use control::{FlowSummary, Note, Outcome, Stage};
use ratatui::{
    buffer::Buffer,
    style::Style,
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{
    amount, theme,
    width::{clean, left, right, without_middle},
};
use crate::model::{Model, Row};

/// Columns of focus, mark, what became of it and how it goes, with a space behind.
const SIGNS: usize = 5;
/// Columns of status, size and time, with a space before each.
const FIGURES: usize = 4 + 8 + 8;
/// From this width on there is a column for media types.
const WIDE: usize = 110;
/// Its columns, with a space before.
const TYPE: usize = 17;
/// From this width on there is one for notes.
const WIDER: usize = 140;

pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let area = model.areas.list;
    let columns = Columns::new(area.width.into(), model);
    columns.head().render(model.areas.title, buffer);
    for (row, y) in model.flows.rows(area.height.into()).zip(area.y..) {
        let place = ratatui::layout::Rect { y, height: 1, ..area };
        columns.line(&row).render(place, buffer);
        if row.is_focus {
            buffer.set_style(place, theme::FOCUS);
        }
    }
    if model.flows.counts().0 == 0 {
        let text = if model.flows.counts().1 == 0 { "no flows yet" } else { "no flow is like that" };
        Line::styled(format!("     {text}"), theme::DIM).render(area, buffer);
    }
}

/// The widths of the columns.
struct Columns {
    method: usize,
    path: usize,
    media_type: usize,
    note: usize,
}

impl Columns {
    fn new(width: usize, model: &Model) -> Self {
        let methods = model.flows.rows(model.areas.list.height.into()).map(|row| row.flow.method.len());
        let method = methods.max().unwrap_or(0).clamp(6, 7);
        let media_type = if width >= WIDE { TYPE } else { 0 };
        let note = if width >= WIDER { width / 4 } else { 0 };
        let path = width.saturating_sub(SIGNS + method + 1 + FIGURES + media_type + note);
        Self { method, path, media_type, note }
    }

    fn head(&self) -> Line<'static> {
        let mut text = format!("{:SIGNS$}{} {}", "", left("method", self.method), left("host and path", self.path));
        text.push_str(&format!("{:>4}{:>8}{:>8}", "code", "size", "time"));
        if self.media_type > 0 {
            text.push_str(&left(" type", self.media_type));
        }
        if self.note > 0 {
            text.push_str(&left(" note", self.note));
        }
        Line::styled(text, theme::BOLD.patch(theme::DIM))
    }

    fn line(&self, row: &Row<'_>) -> Line<'static> {
        let flow = row.flow;
        let (outcome, outcome_style) = outcome(flow);
        let mut spans = vec![
            Span::raw(if row.is_focus { ">" } else { " " }),
            Span::styled(if row.is_marked { "●" } else { " " }, theme::BAD),
            Span::styled(outcome, outcome_style),
            Span::styled(progress(flow), theme::OTHER),
            Span::raw(" "),
            Span::styled(left(&clean(&flow.method), self.method), theme::NAME),
            Span::raw(" "),
            Span::raw(left(&without_middle(&clean(&place(flow)), self.path), self.path)),
        ];
        spans.push(match flow.status {
            Some(status) => Span::styled(format!(" {status:>3}"), theme::status(status)),
            None => Span::raw("    "),
        });
        let size = if flow.status.is_some() { amount::bytes(flow.response_bytes) } else { String::new() };
        let time = flow.ended_after.or(flow.head_after).map(amount::seconds).unwrap_or_default();
        spans.push(Span::raw(format!("{size:>8}")));
        spans.push(Span::raw(right(&time, 8)));
        if self.media_type > 0 {
            let media_type = clean(flow.media_type.as_deref().unwrap_or_default());
            spans.push(Span::styled(format!(" {}", left(&media_type, self.media_type - 1)), theme::DIM));
        }
        if self.note > 0 {
            let note = flow.notes.last().map(|note| clean(&note.text)).unwrap_or_default();
            spans.push(Span::styled(format!(" {}", left(&note, self.note - 1)), theme::DIM));
        }
        Line::from(spans)
    }
}

/// Host and path; the scheme only tells apart what is not encrypted.
fn place(flow: &FlowSummary) -> String {
    format!("{}{}", flow.authority, flow.path)
}

/// What became of a flow, as a sign.
fn outcome(flow: &FlowSummary) -> (&'static str, Style) {
    let is_noted = |name| flow.notes.iter().any(|note: &Note| note.name == name);
    match &flow.outcome {
        Outcome::Failed { .. } => ("!", theme::BAD),
        _ if is_noted("missed") => ("?", theme::ODD),
        Outcome::Killed { .. } => ("x", theme::BAD),
        _ if is_noted("replayed") => ("R", theme::GOOD),
        Outcome::Answered { .. } => ("A", theme::GOOD),
        Outcome::Forwarded => ("→", theme::PLAIN),
        Outcome::Open => (" ", theme::PLAIN),
    }
}

/// How a flow goes on, as a sign.
fn progress(flow: &FlowSummary) -> &'static str {
    match flow.stage {
        _ if flow.is_websocket => "w",
        Stage::Waiting => ".",
        Stage::Streaming => "~",
        Stage::Ended => " ",
    }
}
