//! Dates in `Set-Cookie` values.

use crate::Date;

/// The value with the dates of its `Expires` attributes moved; nothing when it has none that can be moved.
pub(crate) fn refresh(value: &[u8], delta: f64) -> Option<Vec<u8>> {
    let mut refreshed = Vec::with_capacity(value.len());
    let mut moved = false;
    let mut pieces = value.split_inclusive(|&byte| byte == b';');
    // The cookie's own name and value may look like anything.
    refreshed.extend_from_slice(pieces.next()?);
    for piece in pieces {
        match moved_attribute(piece, delta) {
            Some((before, date, after)) => {
                refreshed.extend_from_slice(before);
                refreshed.extend_from_slice(date.to_string().as_bytes());
                refreshed.extend_from_slice(after);
                moved = true;
            }
            None => refreshed.extend_from_slice(piece),
        }
    }
    moved.then_some(refreshed)
}

/// What is before an attribute's date, the new date and what is after; nothing when it is no date that can be moved.
fn moved_attribute(piece: &[u8], delta: f64) -> Option<(&[u8], Date, &[u8])> {
    let equals = piece.iter().position(|&byte| byte == b'=')?;
    let (name, value) = piece.split_at_checked(equals)?;
    if !name.trim_ascii().eq_ignore_ascii_case(b"expires") {
        return None;
    }
    let start = value.strip_prefix(b"=")?.trim_ascii_start();
    let start = start.strip_prefix(b"\"").unwrap_or(start);
    let date = start.strip_suffix(b";").unwrap_or(start).trim_ascii_end();
    let date = date.strip_suffix(b"\"").unwrap_or(date);
    // Some senders put another cookie behind a comma: the new date must not take its place.
    if date.contains(&b'=') {
        return None;
    }
    let (before, _) = piece.split_at_checked(piece.len() - start.len())?;
    let (_, after) = start.split_at_checked(date.len())?;
    Some((before, Date::parse(date)?.moved(delta)?, after))
}
