//! Places in JSON documents, by pointers as RFC 6901 describes them.
//!
//! [`JsonPointer`] is one that somebody wrote, to be followed; [`push`] and [`Place`] write one; [`compare`] finds the
//! places where two documents differ.

mod difference;
mod pointer;

pub use difference::{Difference, Place, Step, compare};
pub use pointer::{BadPointer, JsonPointer, Segment, behind, behind_element, push};
