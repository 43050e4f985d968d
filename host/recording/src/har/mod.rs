//! The entries of HAR 1.2 files.
//!
//! `entry` makes an exchange of one of them. It has its bodies from `body` (with `form` for those that are lists of
//! parameters, `attached` for those in other files, `polly` for those that are lists of chunks, and `loss` for those that are
//! not there), its WebSocket from `messages`, and reads its fields with `field` and its dates with `clock`. What HAR has no place
//! for is in `extra`, which the writer has from here, as well as the `url` of a request.

use serde_json::value::RawValue;

use crate::{
    document::{Entry, Outcome, Strings},
    reading::heads::Heads,
};

mod attached;
mod body;
mod clock;
mod entry;
mod extra;
mod field;
mod form;
mod kind;
mod loss;
mod messages;
mod polly;
mod url;

pub(crate) use attached::Attached;
pub(crate) use extra::{Extra, KEY as EXTRA};
pub(crate) use url::{text, url};

/// Reads an entry, the `number`th of its file, of which `strings` were left there.
pub(crate) fn read(
    text: Box<RawValue>,
    number: usize,
    heads: &mut Heads,
    attached: &mut Attached,
    strings: Strings,
) -> Result<Outcome, String> {
    let entry = Entry::parse(text.get(), strings)?;
    // The largest entry may be most of the file.
    drop(text);
    entry::read(entry, number, heads, attached)
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
