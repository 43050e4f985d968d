//! Colours: the sixteen that the terminal's user has chosen, so that they suit its background.

use ratatui::style::{Color, Modifier, Style};

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(crate) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// What is in focus, and bars: in one colour, or reversing would make many backgrounds.
pub(crate) const FOCUS: Style = Style::new().fg(Color::Reset).add_modifier(Modifier::REVERSED);
pub(crate) const NAME: Style = Style::new().fg(Color::Cyan);
pub(crate) const GOOD: Style = Style::new().fg(Color::Green);
pub(crate) const ODD: Style = Style::new().fg(Color::Yellow);
pub(crate) const BAD: Style = Style::new().fg(Color::Red);
pub(crate) const OTHER: Style = Style::new().fg(Color::Magenta);

/// The colour of a status.
pub(crate) fn status(status: u16) -> Style {
    match status {
        ..300 => GOOD,
        300..400 => NAME,
        400..500 => ODD,
        500.. => BAD,
    }
}
