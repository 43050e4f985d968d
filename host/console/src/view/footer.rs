//! The last two lines, and tabs.

use ratatui::{
    buffer::Buffer,
    layout::Position,
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{
    theme,
    width::{clean, columns, left, short},
};
use crate::{
    model::{Model, Order, Prompt, Screen, Tab},
    update::hint,
};

/// Draws how things stand and what is said or entered. Where the cursor is, if something is entered.
pub(super) fn draw(model: &mut Model, buffer: &mut Buffer) -> Option<Position> {
    let areas = model.areas;
    let width = usize::from(areas.status.width);
    let hint = hint::of(model);
    let (status, style) = match &hint {
        Some(hint) if hint.is_error => (clean(&hint.text), theme::FOCUS.patch(theme::BAD)),
        Some(hint) => (clean(&hint.text), theme::FOCUS),
        None => (status(model, width), theme::FOCUS),
    };
    Line::styled(left(&status, width), style).render(areas.status, buffer);
    if let Some(prompt) = &model.prompt {
        return Some(draw_prompt(prompt, &hint::label(prompt), areas.line, buffer));
    }
    let line = match &model.message {
        _ if model.is_quitting => Line::styled(question(model), theme::ODD),
        Some(message) if message.is_error => Line::styled(short(&clean(&message.text), width), theme::BAD),
        Some(message) => Line::raw(short(&clean(&message.text), width)),
        None => Line::styled(short(keys(model.screen()), width), theme::DIM),
    };
    line.render(areas.line, buffer);
    None
}

/// What would be lost, and the question whether to.
fn question(model: &Model) -> String {
    let (unsaved, open) = model.flows.at_stake();
    let mut lost = Vec::new();
    match unsaved {
        0 => {}
        1 => lost.push("1 marked flow is not saved".to_owned()),
        more => lost.push(format!("{more} marked flows are not saved")),
    }
    match open {
        0 => {}
        1 => lost.push("1 flow is under way".to_owned()),
        more => lost.push(format!("{more} flows are under way")),
    }
    format!("{}: quit? (y/n)", lost.join(", "))
}

/// How things stand.
fn status(model: &mut Model, width: usize) -> String {
    let flows = &model.flows;
    let (listed, all) = flows.counts();
    // There may be more among those that were not looked at yet.
    let more = if flows.is_behind() { "…" } else { "" };
    let mut parts = vec![if listed == all { format!(" {all}") } else { format!(" {listed}{more} of {all}") }];
    if !flows.filter().is_empty() {
        parts.push(format!("[f:{}]", clean(flows.filter())));
    }
    if flows.is_only_marked() {
        parts.push("[marked]".to_owned());
    }
    if flows.order() != Order::Time || flows.is_reversed() {
        let reversed = if flows.is_reversed() { ", reversed" } else { "" };
        parts.push(format!("[{}{reversed}]", flows.order().name()));
    }
    if flows.is_following() {
        parts.push("[following]".to_owned());
    }
    let places = format!("{} ", clean(&model.places.join(" ")));
    let text = parts.join(" ");
    let spaces = width.saturating_sub(columns(&text) + columns(&places));
    format!("{text}{:spaces$}{places}", "")
}

/// The keys to know first.
fn keys(screen: &Screen) -> &'static str {
    match screen {
        Screen::Flows => "enter look  f filter  m mark  w save  o options  : command  ? keys  q quit",
        Screen::Detail(_) => "tab next  space next flow  f whole  m form  / find  ? keys  q back",
        Screen::Options => "enter change  d default  / search  ? keys  q back",
        Screen::List(_) => "enter edit  a add  d remove  q take over and back",
        Screen::Log(_) => "z clear  ? keys  q back",
        Screen::Help(_) | Screen::Answer { .. } => "q back",
    }
}

fn draw_prompt(prompt: &Prompt, label: &str, area: ratatui::layout::Rect, buffer: &mut Buffer) -> Position {
    let label = short(&clean(label), usize::from(area.width) / 2);
    let room = usize::from(area.width).saturating_sub(columns(&label) + 1);
    // The cursor stays on the screen: what does not fit goes out at the start.
    let spaced = |text| oneline::spaced(text).collect::<String>();
    let whole = spaced(prompt.editor.before());
    let mut before = whole.as_str();
    while columns(before) > room {
        before = before.char_indices().nth(1).map_or("", |(at, _)| before.get(at..).unwrap_or_default());
    }
    let position = columns(&label) + columns(before);
    let text = format!("{before}{}", spaced(prompt.editor.after()));
    Line::from(vec![Span::styled(label, theme::NAME), Span::raw(short(&text, room + 1))]).render(area, buffer);
    let x = area.x.saturating_add(position.try_into().unwrap_or(u16::MAX));
    Position::new(x.min(area.right().saturating_sub(1)), area.y)
}

/// Tabs side by side.
pub(super) fn tabs(tabs: &[Tab], shown: Tab) -> Line<'static> {
    let spans = tabs.iter().map(|tab| {
        let style = if *tab == shown { theme::FOCUS } else { theme::PLAIN };
        Span::styled(format!(" {} ", tab.name()), style)
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// The tab at a column.
pub(crate) fn tab_at(tabs: &[Tab], column: u16) -> Option<Tab> {
    let mut end = 0;
    tabs.iter().copied().find(|tab| {
        end += columns(tab.name()) + 2;
        usize::from(column) < end
    })
}
