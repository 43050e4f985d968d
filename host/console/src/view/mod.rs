//! What is drawn.

pub(crate) mod amount;
pub(crate) mod areas;
mod flow;
mod footer;
mod help;
mod list;
mod miss;
mod options;
mod theme;
pub(crate) mod width;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget as _,
};

pub(crate) use flow::text as flow_text;
pub(crate) use footer::tab_at;

use crate::model::{Model, Screen, Scroll};

/// Draws all of it.
pub(crate) fn draw(model: &mut Model, frame: &mut Frame<'_>) {
    let areas = model.areas;
    let buffer = frame.buffer_mut();
    let mut screen = std::mem::replace(model.screen(), Screen::Flows);
    match &mut screen {
        Screen::Flows => list::draw(model, buffer),
        Screen::Detail(detail) => flow::draw(detail, areas, buffer),
        Screen::Options => options::draw(&mut model.options, areas, buffer),
        Screen::List(edit) => options::draw_list(edit, model.options.find(&edit.option), areas, buffer),
        Screen::Log(scroll) => {
            let lines: Vec<Line<'_>> = log_lines(model).collect();
            draw_text("Log", &lines, scroll, areas.title, areas.list, buffer);
        }
        Screen::Help(scroll) => {
            let lines = help::lines(&model.commands);
            draw_text("Keys", &lines, scroll, areas.title, areas.list, buffer);
        }
        Screen::Answer { title, text, scroll } => {
            let lines: Vec<Line<'_>> =
                text.lines().flat_map(|line| width::wrapped(line, theme::PLAIN, areas.list.width)).collect();
            draw_text(&width::clean(title), &lines, scroll, areas.title, areas.list, buffer);
        }
    }
    *model.screen() = screen;
    let cursor = footer::draw(model, buffer);
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Draws a text below a title, as far as it is scrolled.
fn draw_text(title: &str, lines: &[Line<'_>], scroll: &mut Scroll, head: Rect, area: Rect, buffer: &mut Buffer) {
    Line::styled(width::short(title, head.width.into()), theme::BOLD).render(head, buffer);
    draw_lines(lines, scroll, area, buffer);
}

fn draw_lines(lines: &[Line<'_>], scroll: &mut Scroll, area: Rect, buffer: &mut Buffer) {
    let top = scroll.within(lines.len(), area.height.into());
    for (line, y) in lines.iter().skip(top).zip(area.y..area.bottom()) {
        line.render(Rect { y, height: 1, ..area }, buffer);
    }
}

fn log_lines(model: &Model) -> impl Iterator<Item = Line<'static>> {
    let width = model.areas.list.width;
    model.log.lines().flat_map(move |line| {
        let style = match line.level {
            "error" => theme::BAD,
            "warn" => theme::ODD,
            "info" => theme::PLAIN,
            _ => theme::DIM,
        };
        width::wrapped(&format!("{} {:<5} {}", amount::clock(line.at), line.level, line.text), style, width)
    })
}

/// A name and what it is, on one line.
fn pair(name: &str, value: &str) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name} "), theme::NAME), Span::raw(value.to_owned())])
}
