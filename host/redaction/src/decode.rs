//! Contents before they were coded.

use std::borrow::Cow;

/// The most bytes that a content may decode to.
pub const DECODED_LIMIT: usize = 16 << 20;

/// The content before it was coded, as rules look at it: the same one when it was not coded; nothing when its coding is
/// not known, its data is damaged or more than [`DECODED_LIMIT`] comes of it.
pub fn decode<'a>(content: &'a [u8], coding: Option<&[u8]>) -> Option<Cow<'a, [u8]>> {
    coding::decode(content, coding.unwrap_or_default(), DECODED_LIMIT)
}
