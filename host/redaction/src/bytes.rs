//! Looking into byte strings that need not be UTF-8.

use std::ops::Range;

use memchr::memmem;

/// What is before and after the first separator.
pub(crate) fn split_once<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(memmem::find(text, separator)?)?;
    Some((before, rest.get(separator.len()..)?))
}

/// Whether some part of the text is the pattern, in any case.
pub fn contains_in_any_case(text: &[u8], pattern: &[u8]) -> bool {
    text.windows(pattern.len()).any(|window| window.eq_ignore_ascii_case(pattern))
}

/// Where a slice of the text begins and ends in it; nothing when it is not a slice of the text.
pub(crate) fn range_of(slice: &[u8], text: &[u8]) -> Option<Range<usize>> {
    let start = slice.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(slice.len())?;
    (end <= text.len()).then_some(start..end)
}
