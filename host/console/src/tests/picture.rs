//! The picture for the manual: screens as SVG, which stays text.

use std::{fmt::Write as _, path::Path};

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier},
};

use super::Console;
use crate::samples::{self, Sample};

/// Of a character, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
/// Around the screens, and between them.
const MARGIN: f64 = 12.0;

const BACKGROUND: &str = "#1d1f21";
const FOREGROUND: &str = "#d5d8d6";

#[test]
fn the_picture_shows_the_console_as_it_is() {
    let shop = || Console::new(Sample::new(samples::shop()), 96, 14);
    let screens = [shop().press("gj").buffer(), shop().press("gj<enter>").buffer()];
    let picture = picture(&screens);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("console.svg");
    if std::env::var_os("RENEW_SCREENS").is_some() {
        std::fs::write(&path, &picture).expect("the picture can be written");
    }
    assert!(picture == std::fs::read_to_string(&path).unwrap_or_default(), "`console.svg` shows it as it was");
}

/// Screens, one below the other.
fn picture(screens: &[Buffer]) -> String {
    let columns = screens.iter().map(|screen| screen.area.width).max().unwrap_or(0);
    let rows: u16 = screens.iter().map(|screen| screen.area.height).sum();
    let width = f64::from(columns) * WIDTH + 2.0 * MARGIN;
    let height = f64::from(rows) * HEIGHT + (screens.len() as f64 + 1.0) * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#0c0d0e\"/>\n"
    );
    let mut top = MARGIN;
    for screen in screens {
        add_screen(&mut svg, screen, top);
        top += f64::from(screen.area.height) * HEIGHT + MARGIN;
    }
    svg.push_str("</svg>\n");
    svg
}

fn add_screen(svg: &mut String, screen: &Buffer, top: f64) {
    let (width, height) = (f64::from(screen.area.width) * WIDTH, f64::from(screen.area.height) * HEIGHT);
    let _ = writeln!(
        svg,
        "<rect x=\"{MARGIN}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{BACKGROUND}\"/>"
    );
    for (row, cells) in screen.content().chunks(screen.area.width.into()).enumerate() {
        let y = top + row as f64 * HEIGHT;
        let mut column = 0;
        for run in cells.chunk_by(|left, right| left.style() == right.style()) {
            let text: String = run.iter().map(ratatui::buffer::Cell::symbol).collect();
            let x = MARGIN + column as f64 * WIDTH;
            column += run.len();
            let Some(first) = run.first() else { continue };
            add_run(svg, &text, run.len() as f64 * WIDTH, [x, y], first);
        }
    }
}

fn add_run(svg: &mut String, text: &str, width: f64, [x, y]: [f64; 2], cell: &ratatui::buffer::Cell) {
    let mut colors = [color(cell.fg), BACKGROUND];
    if cell.modifier.contains(Modifier::REVERSED) {
        colors.reverse();
        let [_, fill] = colors;
        let _ =
            writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>");
    }
    if text.trim().is_empty() {
        return;
    }
    let [fill, _] = colors;
    let weight = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let opacity = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.65\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let baseline = y + 13.5;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{baseline}\" textLength=\"{width:.1}\" xml:space=\"preserve\" fill=\"{fill}\"{weight}{opacity}>\
         {text}</text>"
    );
}

fn color(color: Color) -> &'static str {
    match color {
        Color::Red => "#e06c75",
        Color::Green => "#98c379",
        Color::Yellow => "#e5c07b",
        Color::Magenta => "#c678dd",
        Color::Cyan => "#56b6c2",
        _ => FOREGROUND,
    }
}
