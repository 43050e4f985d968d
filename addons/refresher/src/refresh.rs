//! Which fields hold dates.

use crate::{Date, cookie};

/// A field line that a refresh changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The position of the line among those given.
    pub line: usize,
    /// Its new value.
    pub value: Vec<u8>,
}

/// The lines that change when the dates among them move by `delta` seconds, in order.
pub fn refresh_fields<N: AsRef<str>, V: AsRef<[u8]>>(fields: &[(N, V)], delta: f64) -> Vec<Edit> {
    let edit = |(line, (name, value)): (usize, &(N, V))| {
        let value = refresh_value(name.as_ref(), value.as_ref(), delta)?;
        Some(Edit { line, value })
    };
    fields.iter().enumerate().filter_map(edit).collect()
}

/// The value of one field line after its date moved by `delta` seconds; nothing when it does not change.
///
/// `Date`, `Expires` and `Last-Modified` are dates; `Set-Cookie` may contain one. The delta may have a fraction: what
/// comes out is rounded down to the second.
pub fn refresh_value(name: &str, value: &[u8], delta: f64) -> Option<Vec<u8>> {
    const DATES: [&str; 3] = ["date", "expires", "last-modified"];
    let refreshed = if DATES.iter().any(|date| name.eq_ignore_ascii_case(date)) {
        Date::parse(value)?.moved(delta)?.to_string().into_bytes()
    } else if name.eq_ignore_ascii_case("set-cookie") {
        cookie::refresh(value, delta)?
    } else {
        return None;
    };
    (refreshed != value).then_some(refreshed)
}
