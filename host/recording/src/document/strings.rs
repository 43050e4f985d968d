//! The long strings of a document that stay in its file.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fs::File,
    hash::{BuildHasher, RandomState},
    rc::Rc,
};

use crate::json_string::{JsonString, Surveyed, Unreadable};

/// The strings that were left out of the text of a document, each with another one in its place. Nothing is left out of a
/// document that is packed, because nothing can be read from the middle of it. Copies share them.
#[derive(Clone, Default)]
pub(crate) struct Strings(Option<Rc<Shared>>);

struct Shared {
    file: File,
    /// What the strings begin with that stand in the place of others. Who wrote the file could not know it.
    mark: String,
    table: RefCell<Table>,
}

#[derive(Default)]
struct Table {
    /// Those that the parser may still ask for, in their order.
    left_out: VecDeque<LeftOut>,
    /// How many were forgotten, and how much shorter the text is by them.
    forgotten: usize,
    forgotten_bytes: u64,
}

struct LeftOut {
    /// Where in the text the one in its place begins.
    at: u64,
    /// How much shorter that is.
    saved: u64,
    string: Option<Surveyed>,
}

impl Strings {
    /// Those of a file.
    pub(super) fn of(file: File) -> Self {
        let random = || RandomState::new().hash_one(0);
        let mark = format!("{:016x}{:016x}", random(), random());
        Self(Some(Rc::new(Shared { file, mark, table: RefCell::default() })))
    }

    /// Leaves out one of `raw_len` bytes, and returns the JSON to be put in its place, which is `at` in the text.
    pub(super) fn leave_out(&self, at: u64, raw_len: u64, string: Surveyed) -> String {
        let Some(shared) = &self.0 else { return String::new() };
        let mut table = shared.table.borrow_mut();
        let index = table.forgotten + table.left_out.len();
        let instead = format!("\"{}{index}\"", shared.mark);
        let saved = (raw_len + QUOTES).saturating_sub(instead.len() as u64);
        table.left_out.push_back(LeftOut { at, saved, string: Some(string) });
        instead
    }

    /// Notes that bytes before `at` were not handed on.
    pub(super) fn jump(&self, at: u64, saved: u64) {
        if let Some(shared) = &self.0 {
            shared.table.borrow_mut().left_out.push_back(LeftOut { at, saved, string: None });
        }
    }

    /// The string that a text stands for, if it was left out.
    pub(crate) fn take(&self, text: &str) -> Option<Surveyed> {
        let shared = self.0.as_ref()?;
        let index: usize = text.strip_prefix(&shared.mark)?.parse().ok()?;
        let mut table = shared.table.borrow_mut();
        let index = index.checked_sub(table.forgotten)?;
        table.left_out.get_mut(index)?.string.take()
    }

    /// Reads all of a string.
    pub(crate) fn read(&self, string: &JsonString) -> Result<Vec<u8>, String> {
        let Some(shared) = &self.0 else { return Ok(Vec::new()) };
        let read = string.read_at(&shared.file, 0, u64::MAX);
        read.map(Into::into).map_err(|unreadable| match unreadable {
            Unreadable::Failed(offset, error) => format!("the text at byte {offset} cannot be read: {error}"),
            Unreadable::Changed(offset) => format!("the text at byte {offset} was changed while it was read"),
        })
    }

    /// How much shorter the text is before a place in it.
    pub(super) fn saved_before(&self, at: u64) -> u64 {
        let Some(shared) = &self.0 else { return 0 };
        let table = shared.table.borrow();
        let before = table.left_out.iter().take_while(|left_out| left_out.at < at);
        table.forgotten_bytes + before.map(|left_out| left_out.saved).sum::<u64>()
    }

    /// Forgets those before a place in the text.
    pub(super) fn forget_before(&self, at: u64) {
        let Some(shared) = &self.0 else { return };
        let mut table = shared.table.borrow_mut();
        while let Some(left_out) = table.left_out.pop_front_if(|left_out| left_out.at < at) {
            table.forgotten += 1;
            table.forgotten_bytes += left_out.saved;
        }
    }
}

/// How many bytes of a string are not counted as its own.
const QUOTES: u64 = 2;
