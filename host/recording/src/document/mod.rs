//! Items of JSON documents: entries of HAR files, requests in Web Page Replay archives, and stubs of WireMock.
//!
//! `source` is the text of a document, which may be packed, and `archive` the files beside it in a zip archive. Those who make
//! exchanges of items look into them by `entry`, which sees what `pruned` left.

use crate::model::Exchange;

mod archive;
mod entry;
mod pruned;
mod source;

pub(crate) use archive::Archive;
pub(crate) use entry::{Entry, item_text, parse, quoted, reason, should_be};
pub(crate) use source::{Packing, Position, Source};

/// What an item turned out to be.
pub(crate) enum Outcome {
    Exchange(Box<Exchange>),
    /// An exchange whose place among the others is only known at the end.
    Later,
    /// No HTTP exchange, and why.
    Other(String),
}
