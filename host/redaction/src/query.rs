//! Names and values as queries and urlencoded forms write them.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::{NameList, REPLACEMENT, bytes::split_once, edit::Edit};

/// The decoded pairs of a query or form, in order. A name alone has an empty value, and empty pairs do not count.
///
/// Bytes that are not UTF-8 are kept, so that `%FE` and `%FF` differ.
pub fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = split_once(pair, b"=").unwrap_or((pair, b""));
        (decode(name), decode(value))
    })
}

/// Replaces the values of the listed names in a query or form that begins at a position of its text.
pub(crate) fn edits(pairs: &[u8], start: usize, names: &NameList) -> impl Iterator<Item = Edit> {
    edits_where(pairs, start, |name| names.contains(&decode(name)))
}

/// Replaces the values of the listed parameters of a URL, those of its fragment as well: some servers answer with
/// tokens there.
pub(crate) fn url_edits(url: &[u8], names: &NameList) -> Vec<Edit> {
    let (resource, fragment) = split_once(url, b"#").unwrap_or((url, b""));
    let query = split_once(resource, b"?").map_or(b"".as_slice(), |(_, query)| query);
    let mut found: Vec<Edit> = edits(query, resource.len() - query.len(), names).collect();
    found.extend(edits_where(fragment, url.len() - fragment.len(), |name| {
        // Pages that route by fragment have queries in it: `#/login?token=1`.
        let last = name.rsplit(|&byte| byte == b'?').next().unwrap_or(name);
        names.contains(&decode(name)) || names.contains(&decode(last))
    }));
    found
}

fn edits_where(pairs: &[u8], start: usize, is_listed: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = Edit> {
    let mut next = start;
    pairs.split(|&byte| byte == b'&').filter_map(move |pair| {
        let end = next + pair.len();
        next = end + 1;
        let (name, value) = split_once(pair, b"=")?;
        is_listed(name).then(|| Edit { range: end - value.len()..end, with: REPLACEMENT })
    })
}

fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect::<Vec<u8>>().into()
}
