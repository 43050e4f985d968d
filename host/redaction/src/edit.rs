//! Changing pieces of a text, and no other byte of it.

use std::{borrow::Cow, ops::Range};

use crate::REPLACEMENT;

/// A place in a text, and what belongs there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) with: &'static str,
}

/// How much longer edits may make a text, so that many small secrets cannot use up the memory.
pub(crate) const GROWTH: usize = 4 << 20;

/// The text after these edits, which are in order and apart; borrowed when they change nothing.
pub(crate) fn apply<'a>(text: &'a [u8], edits: impl IntoIterator<Item = Edit>) -> Cow<'a, [u8]> {
    let mut edited = Edited::new(text);
    edits.into_iter().for_each(|edit| edited.edit(edit));
    edited.finish().unwrap_or(Cow::Borrowed(REPLACEMENT.as_bytes()))
}

/// A text while it is edited from its start to its end: what is secret of it is never listed, as there may be much.
pub(crate) struct Edited<'t> {
    text: &'t [u8],
    edited: Vec<u8>,
    /// Up to where the text was edited.
    done: usize,
    is_too_long: bool,
}

impl<'t> Edited<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        Self { text, edited: Vec::new(), done: 0, is_too_long: false }
    }

    /// Makes another edit, behind those before.
    pub(crate) fn edit(&mut self, Edit { range, with }: Edit) {
        let old = self.text.get(range.clone()).unwrap_or_default();
        // There is no secret in nothing.
        if old.is_empty() || old == with.as_bytes() || self.is_too_long {
            return;
        }
        if self.done == 0 {
            // Growing by doubling would take up twice as much.
            self.edited.reserve_exact(self.text.len() + with.len());
        }
        let before = self.text.get(self.done..range.start).unwrap_or_default();
        let left = self.text.len().saturating_sub(range.end);
        if self.edited.len() + before.len() + with.len() + left > self.text.len() + GROWTH {
            self.is_too_long = true;
            return;
        }
        self.edited.extend_from_slice(before);
        self.edited.extend_from_slice(with.as_bytes());
        self.done = range.end;
    }

    /// The text after all edits, borrowed when they changed nothing; nothing when it grew by more than [`GROWTH`].
    pub(crate) fn finish(mut self) -> Option<Cow<'t, [u8]>> {
        match self.done {
            _ if self.is_too_long => None,
            0 => Some(self.text.into()),
            done => {
                self.edited.extend_from_slice(self.text.get(done..).unwrap_or_default());
                Some(self.edited.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Edit, apply};

    #[test]
    fn only_what_changes_is_written() {
        let edits = |ranges: &[(usize, usize)]| -> Vec<Edit> {
            ranges.iter().map(|&(start, end)| Edit { range: start..end, with: "x" }).collect()
        };
        for (text, ranges, expected) in [
            ("abc", [(0, 1), (2, 3)].as_slice(), Some("xbx")),
            ("abc", &[(0, 3)], Some("x")),
            ("axc", &[(0, 1), (1, 2)], Some("xxc")),
            ("axc", &[(1, 2)], None),
            ("abc", &[(1, 1)], None),
            ("", &[], None),
        ] {
            match (apply(text.as_bytes(), edits(ranges)), expected) {
                (Cow::Owned(edited), Some(expected)) => assert_eq!(edited, expected.as_bytes()),
                (Cow::Borrowed(same), None) => assert_eq!(same, text.as_bytes()),
                (edited, expected) => panic!("{text} {edited:?} {expected:?}"),
            }
        }
    }
}
