//! The options of all addons, as they are looked at.

use control::{Control, OptionInfo, OptionKind, OptionValue};

#[derive(Default)]
pub(crate) struct Options {
    all: Vec<OptionInfo>,
    /// What names, addons or helps have to contain, in lower case.
    search: String,
    focus: usize,
    top: usize,
}

impl Options {
    /// Takes over what the proxy has now.
    pub(crate) fn read(&mut self, control: &dyn Control) {
        let name = self.focused().map(|option| option.name.clone());
        self.all = control.options();
        let place = self.listed().position(|option| Some(&option.name) == name.as_ref());
        self.focus_on(place.unwrap_or(self.focus));
    }

    pub(crate) fn search(&self) -> &str {
        &self.search
    }

    pub(crate) fn set_search(&mut self, text: &str) {
        let name = self.focused().map(|option| option.name.clone());
        self.search = text.to_lowercase();
        let place = self.listed().position(|option| Some(&option.name) == name.as_ref());
        self.focus = place.unwrap_or(0);
    }

    /// The options that are searched for.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &OptionInfo> {
        self.all.iter().filter(|option| {
            let texts = [&option.name, &option.addon, &option.help];
            texts.into_iter().any(|text| text.to_lowercase().contains(&self.search))
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn focused(&self) -> Option<&OptionInfo> {
        self.listed().nth(self.focus)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&OptionInfo> {
        self.all.iter().find(|option| option.name == name)
    }

    pub(crate) fn all(&self) -> &[OptionInfo] {
        &self.all
    }

    pub(crate) fn move_by(&mut self, rows: isize) {
        self.focus_on(self.focus.saturating_add_signed(rows));
    }

    pub(crate) fn focus_on(&mut self, place: usize) {
        self.focus = place.min(self.listed().count().saturating_sub(1));
    }

    /// Moves the focus to a row of the screen. Whether there is one, and it was in focus already.
    pub(crate) fn click(&mut self, row: usize) -> Option<bool> {
        let place = self.top + row;
        let was_in_focus = place == self.focus;
        (place < self.listed().count()).then(|| {
            self.focus = place;
            was_in_focus
        })
    }

    /// The options on so many rows, and whether each is in focus.
    pub(crate) fn rows(&mut self, rows: usize) -> Vec<(&OptionInfo, bool)> {
        self.top = self.top.clamp((self.focus + 1).saturating_sub(rows.max(1)), self.focus);
        let (top, focus) = (self.top, self.focus);
        let numbered = self.listed().enumerate().skip(top).take(rows);
        numbered.map(|(place, option)| (option, place == focus)).collect()
    }
}

/// A list of an option, while it is edited line by line.
pub(crate) struct ListEdit {
    /// The option.
    pub(crate) option: String,
    pub(crate) lines: Vec<String>,
    pub(crate) focus: usize,
    /// Whether the lines are files.
    pub(crate) is_files: bool,
    before: Vec<String>,
}

impl ListEdit {
    pub(crate) fn new(option: &OptionInfo) -> Self {
        let lines = match &option.value {
            OptionValue::Texts(lines) => lines.clone(),
            other => vec![other.to_string()],
        };
        Self {
            option: option.name.clone(),
            before: lines.clone(),
            lines,
            focus: 0,
            is_files: option.kind == OptionKind::Files,
        }
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.before != self.lines
    }

    pub(crate) fn move_by(&mut self, rows: isize) {
        self.focus = self.focus.saturating_add_signed(rows).min(self.lines.len().saturating_sub(1));
    }

    /// Has a line at a place, which may be the one behind the last.
    pub(crate) fn set(&mut self, place: usize, text: String) {
        match self.lines.get_mut(place) {
            Some(line) => *line = text,
            None => self.lines.push(text),
        }
        self.focus = place.min(self.lines.len().saturating_sub(1));
    }

    /// Leaves the line in focus out.
    pub(crate) fn remove(&mut self) {
        if self.focus < self.lines.len() {
            self.lines.remove(self.focus);
        }
        self.move_by(0);
    }
}
