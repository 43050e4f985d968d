//! Changing pieces of a text, and no other byte of it.

use std::{borrow::Cow, ops::Range};

/// A place in a text, and what belongs there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) with: &'static str,
}

/// The text after these edits, which are in order and apart; borrowed when they change nothing.
pub(crate) fn apply<'a>(text: &'a [u8], edits: impl IntoIterator<Item = Edit>) -> Cow<'a, [u8]> {
    let mut edited = Vec::new();
    let mut done = 0;
    for Edit { range, with } in edits {
        let old = text.get(range.clone()).unwrap_or_default();
        // There is no secret in nothing.
        if old.is_empty() || old == with.as_bytes() {
            continue;
        }
        edited.extend_from_slice(text.get(done..range.start).unwrap_or_default());
        edited.extend_from_slice(with.as_bytes());
        done = range.end;
    }
    match done {
        0 => text.into(),
        _ => {
            edited.extend_from_slice(text.get(done..).unwrap_or_default());
            edited.into()
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
