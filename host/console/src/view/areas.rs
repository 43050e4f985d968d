//! What is where on the screen.

use ratatui::layout::Rect;

/// The parts of a screen of some size. All are within it, however small it is; those that do not fit are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    /// What it is that is shown.
    pub(crate) title: Rect,
    /// Below that, of a list or a text.
    pub(crate) list: Rect,
    /// Below the title, of one flow: its tabs.
    pub(crate) tabs: Rect,
    /// Below those.
    pub(crate) text: Rect,
    /// Below the title, of options.
    pub(crate) options: Rect,
    /// Below those: what the option in focus is.
    pub(crate) help: Rect,
    /// The last line but one: how things stand, or what can be entered.
    pub(crate) status: Rect,
    /// The last line: what is said, or entered.
    pub(crate) line: Rect,
}

/// Rows for the help of an option.
const HELP: u16 = 5;

impl Areas {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let rows = |from: u16, to: u16| {
            let (from, to) = (from.min(height), to.min(height));
            Rect::new(0, from, width, to.saturating_sub(from))
        };
        let end = height.saturating_sub(2);
        let help = end.saturating_sub(HELP).max(1);
        Self {
            title: rows(0, 1),
            list: rows(1, end),
            tabs: rows(1, 2),
            text: rows(2, end),
            options: rows(1, help),
            help: rows(help, end),
            status: rows(end, end + 1),
            line: rows(end + 1, end + 2),
        }
    }
}
