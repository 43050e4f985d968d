//! Options, and a list of one that is edited.

use control::{OptionInfo, OptionKind, OptionValue};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{
    areas::Areas,
    theme,
    width::{clean, columns, filled, left, short},
};
use crate::model::{ListEdit, Options};

pub(super) fn draw(options: &mut Options, areas: Areas, buffer: &mut Buffer) {
    let count = options.count();
    let name_width = options.all().iter().map(|option| columns(&option.name)).max().unwrap_or(0);
    let name_width = name_width.min(usize::from(areas.options.width) / 2);
    let changed = options.all().iter().filter(|option| option.value != option.default).count();
    let mut title = format!("Options: {count}, {changed} changed");
    if !options.search().is_empty() {
        title.push_str(&format!(", with `{}` {}", clean(options.search()), options.listed().count()));
    }
    Line::styled(title, theme::BOLD).render(areas.title, buffer);
    for ((option, is_focus), y) in options.rows(areas.options.height.into()).into_iter().zip(areas.options.y..) {
        let row = Rect { y, height: 1, ..areas.options };
        line(option, is_focus, name_width, row.width).render(row, buffer);
        if is_focus {
            buffer.set_style(row, theme::FOCUS);
        }
    }
    if let Some(option) = options.focused() {
        draw_help(option, areas.help, buffer);
    }
}

fn line(option: &OptionInfo, is_focus: bool, name_width: usize, width: u16) -> Line<'static> {
    let is_changed = option.value != option.default;
    let room = usize::from(width).saturating_sub(name_width + 4);
    let style = match option.value {
        _ if option.is_fixed => theme::DIM,
        _ if is_changed => theme::ODD,
        _ => theme::PLAIN,
    };
    Line::from(vec![
        Span::raw(if is_focus { ">" } else { " " }),
        Span::styled(if is_changed { "* " } else { "  " }, theme::ODD),
        Span::styled(left(&clean(&option.name), name_width), theme::NAME),
        Span::raw(" "),
        Span::styled(short(&clean(&shown(&option.value)), room), style),
    ])
}

/// A value as it is shown: also of none something is to be seen.
fn shown(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) if text.is_empty() => "–".to_owned(),
        OptionValue::Texts(texts) if texts.is_empty() => "–".to_owned(),
        value => value.to_string(),
    }
}

fn draw_help(option: &OptionInfo, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let kind = match &option.kind {
        OptionKind::Flag => "a flag".to_owned(),
        OptionKind::Integer => "a whole number".to_owned(),
        OptionKind::Text => "a text".to_owned(),
        OptionKind::Choice(words) => format!("one of {}", words.join(", ")),
        OptionKind::Texts => "a list of texts".to_owned(),
        OptionKind::Files => "a list of files".to_owned(),
        OptionKind::Output => "a file to write".to_owned(),
    };
    let mut facts = format!("{kind} of {}, by default {}", option.addon, shown(&option.default));
    if option.is_fixed {
        facts.push_str("; only a start can set it");
    }
    if let Some(instead) = &option.deprecated {
        facts.push_str(&format!("; deprecated: use {instead}"));
    }
    // The facts have the last line, whatever the help takes.
    let mut lines: Vec<Line<'_>> = vec![Line::styled("─".repeat(width), theme::DIM)];
    let room = usize::from(area.height).saturating_sub(2);
    lines.extend(filled(&option.help, width).into_iter().take(room).map(Line::raw));
    lines.push(Line::styled(short(&clean(&facts), width), theme::DIM));
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

pub(super) fn draw_list(edit: &ListEdit, option: Option<&OptionInfo>, areas: Areas, buffer: &mut Buffer) {
    Line::styled(clean(&format!("{}, line by line", edit.option)), theme::BOLD).render(areas.title, buffer);
    let area = areas.options;
    let top = (edit.focus + 1).saturating_sub(area.height.into());
    for ((place, text), y) in edit.lines.iter().enumerate().skip(top).zip(area.y..area.bottom()) {
        let row = Rect { y, height: 1, ..area };
        let is_focus = place == edit.focus;
        let text = format!("{} {}", if is_focus { ">" } else { " " }, clean(text));
        Line::raw(short(&text, row.width.into())).render(row, buffer);
        if is_focus {
            buffer.set_style(row, theme::FOCUS);
        }
    }
    if edit.lines.is_empty() {
        Line::styled("  nothing yet: a adds a line", theme::DIM).render(area, buffer);
    }
    if let Some(option) = option {
        draw_help(option, areas.help, buffer);
    }
}
