//! mitmproxy's filter language, such as `~m POST & ~u /login`.
//!
//! A [`Filter`] is parsed once and asked about many flows, each behind the trait [`Subject`]. What it does not need to know
//! of a flow it does not ask, so that bodies are only read and decoded for filters that speak of bodies.
//!
//! An expression that mitmproxy 12 takes means the same here, with these exceptions, which are refused instead:
//! * patterns that need backtracking (look-around, back-references, possessive repetition): patterns are matched in linear
//!   time here, whatever the flow;
//! * an operator without an operand, such as the `&` in `~q &`, which mitmproxy takes for a pattern that URLs should match,
//!   and what runs together, such as `~c 20x`.
//!
//! Some more is taken: `(~q)` and `~q&~s`, where mitmproxy wants a space after an operator, and `(~q ~s)`, where it wants
//! an `&`.
//!
//! The modules, from the outside in: `filter` is what is asked, `subject` what it asks, `parse` reads expressions with the
//! names in `operator`, and `pattern` makes Python's regular expressions into those of the `regex` crate (by `python`). `search` is one of them alone, for
//! whatever else takes patterns of mitmproxy's.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "texts and messages of anybody reach all of it"
)]

mod error;
mod filter;
mod operator;
mod parse;
mod pattern;
mod python;
mod search;
mod subject;

pub use error::ParseError;
pub use filter::Filter;
pub use search::Search;
pub use subject::{Message, Protocol, Side, Subject, Target, url};
