//! Names and values as queries and urlencoded forms write them.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::bytes::split_once;

/// The decoded pairs of a query or form, in order. A name alone has an empty value, and empty pairs do not count.
///
/// Bytes that are not UTF-8 are kept, so that `%FE` and `%FF` differ.
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = split_once(pair, b"=").unwrap_or((pair, b""));
        (decode(name), decode(value))
    })
}

fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).collect::<Vec<u8>>().into()
}
