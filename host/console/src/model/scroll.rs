//! How far a text is scrolled.

/// The first row of a text that is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scroll {
    top: usize,
}

impl Scroll {
    /// The last rows of a text.
    pub(crate) fn at_end() -> Self {
        Self { top: usize::MAX }
    }

    /// The first row that is shown of a text of that length, on so many rows.
    pub(crate) fn within(&mut self, length: usize, rows: usize) -> usize {
        self.top = self.top.min(length.saturating_sub(rows));
        self.top
    }

    pub(crate) fn move_by(&mut self, rows: isize) {
        self.top = self.top.saturating_add_signed(rows);
    }

    pub(crate) fn move_to(&mut self, row: usize) {
        self.top = row;
    }

    pub(crate) fn top(&self) -> usize {
        self.top
    }
}
