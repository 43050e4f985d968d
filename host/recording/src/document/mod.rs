//! Items of JSON documents: entries of HAR files, requests in Web Page Replay archives, and stubs of WireMock.
//!
//! `source` is the text of a document, which may be packed, and `archive` the files beside it in a zip archive. The text of a
//! HAR file is `thinned`: its long `strings` stay in the file. Those who make exchanges of items look into them by `entry`,
//! which sees what `pruned` left.

use crate::model::Exchange;

mod archive;
mod entry;
mod pruned;
mod source;
mod strings;
mod thinned;

pub(crate) use archive::Archive;
pub(crate) use entry::{Entry, Text, item_text, parse, quoted, reason, should_be};
pub(crate) use source::{Packing, Position, Source};
pub(crate) use strings::Strings;

/// What an item turned out to be.
pub(crate) enum Outcome {
    Exchange(Box<Exchange>),
    /// An exchange whose place among the others is only known at the end.
    Later,
    /// No HTTP exchange, and why.
    Other(String),
}
