//! One flow.

use bytes::Bytes;
use control::{Content, Flow, Frame, Message, Outcome};
use ratatui::{
    buffer::Buffer,
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{
    amount,
    areas::Areas,
    draw_lines, footer, miss, pair, theme,
    width::{clean, short, wrapped},
};
use crate::{
    body::{self, Look},
    model::{Detail, Tab},
};

type Lines = Vec<Line<'static>>;

pub(super) fn draw(detail: &mut Detail, areas: Areas, buffer: &mut Buffer) {
    let flow = &detail.flow.summary;
    let title = format!("{} {}://{}{}", flow.method, flow.scheme, flow.authority, flow.path);
    Line::styled(short(&clean(&title), areas.title.width.into()), theme::BOLD).render(areas.title, buffer);
    footer::tabs(&detail.tabs(), detail.tab()).render(areas.tabs, buffer);
    let mut scroll = detail.scroll;
    draw_lines(detail.lines(areas.text.width), &mut scroll, areas.text, buffer);
    detail.scroll = scroll;
}

/// What is to be said of a flow under a tab, in lines of at most that width.
pub(crate) fn text(flow: &Flow, tab: Tab, look: Look, width: u16) -> Lines {
    match tab {
        Tab::Miss => miss::lines(flow, width),
        Tab::Request => {
            let summary = &flow.summary;
            let first = format!("{} {} {}", summary.method, summary.path, flow.request.version);
            message(&first, &flow.request, look, width)
        }
        Tab::Response => match &flow.response {
            Some(response) => message(&status_line(flow, response), response, look, width),
            None => no_response(flow, width),
        },
        Tab::Messages => frames(flow, look, width),
        Tab::Notes => notes(flow, width),
        Tab::Timing => timing(flow),
    }
}

fn status_line(flow: &Flow, response: &Message) -> String {
    let status = flow.summary.status.map(|status| status.to_string()).unwrap_or_default();
    format!("{} {status} {}", response.version, response.reason.as_deref().unwrap_or_default()).trim_end().to_owned()
}

fn no_response(flow: &Flow, width: u16) -> Lines {
    let text = match &flow.summary.outcome {
        Outcome::Failed { error, detail } => format!("no response, as it failed: {error}: {detail}"),
        Outcome::Killed { addon } => format!("no response, as the addon `{addon}` ended it"),
        _ => "no response yet".to_owned(),
    };
    wrapped(&text, theme::DIM, width).collect()
}

fn message(first: &str, message: &Message, look: Look, width: u16) -> Lines {
    let mut lines: Lines = wrapped(first, theme::BOLD, width).collect();
    lines.extend(message.fields.iter().flat_map(|field| self::field(field, width)));
    lines.push(Line::default());
    lines.extend(content(message, look, width));
    if !message.trailers.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("Trailers", theme::BOLD));
        lines.extend(message.trailers.iter().flat_map(|field| self::field(field, width)));
    }
    lines
}

fn field((name, value): &(String, Bytes), width: u16) -> Lines {
    let name = clean(name);
    let text = format!("{name}: {}", String::from_utf8_lossy(value));
    let mut lines: Lines = wrapped(&text, theme::PLAIN, width).collect();
    // The name in its colour, unless it goes over the line.
    if let Some(first) = lines.first_mut()
        && let Some(rest) = first.to_string().strip_prefix(&format!("{name}:"))
    {
        *first = Line::from(vec![Span::styled(format!("{name}:"), theme::NAME), Span::raw(rest.to_owned())]);
    }
    lines
}

fn content(message: &Message, look: Look, width: u16) -> Lines {
    let (bytes, state) = match &message.content {
        Content::Kept(bytes) if bytes.is_empty() => return vec![Line::styled("no content", theme::DIM)],
        Content::Kept(bytes) => match message.decoded() {
            Some(decoded) => (decoded, ""),
            None => (bytes.clone(), ", could not be decoded"),
        },
        Content::Partial(bytes) => (bytes.clone(), " so far"),
        Content::NotKept(size) => {
            let size = size.map(|size| format!("{}, ", amount::bytes(size))).unwrap_or_default();
            return vec![Line::styled(format!("content: {size}not kept"), theme::DIM)];
        }
    };
    let body = body::body(message.field("content-type"), &bytes, look);
    let mut lines: Lines = wrapped(&format!("{}{state}", body.title), theme::DIM, width).collect();
    lines.extend(body.lines.iter().flat_map(|line| wrapped(line, theme::PLAIN, width)));
    if body.is_cut {
        let hint = if look.is_whole { "there is more than is shown" } else { "there is more: f shows it" };
        lines.push(Line::styled(hint, theme::ODD));
    }
    lines
}

/// Bytes of a message of a WebSocket that are shown at first.
const FEW_BYTES: usize = 1_000;

fn frames(flow: &Flow, look: Look, width: u16) -> Lines {
    let mut lines = Lines::new();
    for frame in &flow.frames {
        lines.extend(frame_lines(frame, flow.timing.request_head, look, width));
    }
    if lines.is_empty() {
        lines.push(Line::styled("no messages yet", theme::DIM));
    }
    lines
}

fn frame_lines(frame: &Frame, start: f64, look: Look, width: u16) -> Lines {
    let (arrow, style) = if frame.is_from_client { ("→", theme::NAME) } else { ("←", theme::GOOD) };
    let kind = if frame.is_text { "text" } else { "binary" };
    let head = format!(
        "{arrow} {kind}, {}, after {}",
        amount::bytes(frame.content.len() as u64),
        amount::seconds((frame.at - start).max(0.0))
    );
    let most = if look.is_whole { frame.content.len() } else { FEW_BYTES };
    let shown = frame.content.get(..most).unwrap_or(&frame.content);
    let body = body::body(frame.is_text.then_some("text/plain"), shown, look);
    let mut lines = vec![Line::styled(head, style)];
    let width = width.saturating_sub(2);
    let indented = body.lines.iter().flat_map(|line| wrapped(line, theme::PLAIN, width)).map(|line| {
        let mut spans = vec![Span::raw("  ")];
        spans.extend(line.spans);
        Line::from(spans)
    });
    lines.extend(indented);
    if shown.len() < frame.content.len() {
        lines.push(Line::styled("  there is more: f shows it", theme::ODD));
    }
    lines
}

fn notes(flow: &Flow, width: u16) -> Lines {
    let mut lines = Lines::new();
    for note in &flow.summary.notes {
        lines.extend(wrapped(&format!("{}: {}", note.name, note.text), theme::BOLD, width));
        lines.push(Line::styled(clean(&format!("by {}", note.addon)), theme::DIM));
        if let Some(text) = note.data.as_ref().and_then(|data| serde_json::to_string_pretty(data).ok()) {
            lines.extend(text.lines().flat_map(|line| wrapped(line, theme::PLAIN, width)));
        }
        lines.push(Line::default());
    }
    if lines.is_empty() {
        lines.push(Line::styled("no addon noted anything", theme::DIM));
    }
    lines
}

fn timing(flow: &Flow) -> Lines {
    let summary = &flow.summary;
    let timing = &flow.timing;
    let outcome = match &summary.outcome {
        Outcome::Open => "not known yet".to_owned(),
        Outcome::Answered { addon } => format!("answered by the addon `{addon}`"),
        Outcome::Forwarded => "answered by the server".to_owned(),
        Outcome::Killed { addon } => format!("ended by the addon `{addon}`"),
        Outcome::Failed { error, detail } => format!("failed: {error}: {detail}"),
    };
    let mut lines = vec![pair("flow          ", &summary.id.to_string()), pair("outcome       ", &clean(&outcome))];
    let known = [
        ("session       ", Some(summary.session.as_str()).filter(|session| !session.is_empty())),
        ("client        ", summary.client.as_deref()),
        ("server        ", flow.server.as_deref()),
    ];
    lines.extend(known.into_iter().filter_map(|(name, value)| Some(pair(name, &clean(value?)))));
    lines.push(pair("content in    ", &amount::bytes(summary.request_bytes)));
    lines.push(pair("content out   ", &amount::bytes(summary.response_bytes)));
    lines.push(Line::default());
    lines.push(pair("request head  ", &amount::time(timing.request_head)));
    let later = [
        ("request end   ", timing.request_end),
        ("response head ", timing.response_head),
        ("response end  ", timing.response_end),
    ];
    for (name, at) in later {
        let text = match at {
            Some(at) => format!("+ {}", amount::seconds((at - timing.request_head).max(0.0))),
            None => "not yet".to_owned(),
        };
        lines.push(pair(name, &text));
    }
    lines
}
