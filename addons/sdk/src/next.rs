//! The plugs that are plugged in behind a component, to call.
//!
//! An addon that replays asks [`matcher`] and [`refresher`]. A plug that builds on the one before it imports what it
//! exports itself, and hands on what it does not want to change. A component that calls none of these functions imports
//! neither interface.

pub use crate::bindings::next::proxyhost::replay::{matcher, refresher};

/// A matcher that hands on the parts of the next one.
impl From<matcher::Part> for crate::Part {
    fn from(part: matcher::Part) -> Self {
        Self { name: part.name, value: part.value, detail: part.detail }
    }
}
