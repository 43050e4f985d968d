//! Looking into byte strings that need not be UTF-8.

use memchr::memmem;

/// What is before and after the first separator.
pub(crate) fn split_once<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(memmem::find(text, separator)?)?;
    Some((before, rest.get(separator.len()..)?))
}

/// Whether some part of the text is the pattern, in any case.
pub(crate) fn contains_in_any_case(text: &[u8], pattern: &[u8]) -> bool {
    text.windows(pattern.len()).any(|window| window.eq_ignore_ascii_case(pattern))
}
