//! Replaces secrets in messages that are recorded.
//!
//! [`Rules`] say what is secret: they come from the texts of the option `record_redact`. Who records a message asks
//! them for its redacted target, fields and content; who looks for a recorded message asks them for the same of a live
//! one, so that messages are equal that differ in secrets only.
//!
//! Only secrets change, and each to the same [`REPLACEMENT`], so that redacting twice changes nothing. A content in
//! which there may be secrets that cannot be found is refused instead.
//!
//! The readers of formats are public because a matcher reads the same formats.

#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "messages of anybody reach all of it")]

mod bytes;
mod content;
mod decode;
mod edit;
mod events;
mod fields;
mod json;
pub mod json_text;
pub mod media_type;
pub mod multipart;
mod names;
pub mod query;
mod rules;

pub use bytes::contains_in_any_case;
pub use content::Redacted;
pub use decode::{DECODED_LIMIT, decode, decode_within};
pub use names::NameList;
pub use rules::{RuleError, Rules};

/// What stands in the place of a secret. It means itself in every syntax that is redacted, also percent-encoded.
pub const REPLACEMENT: &str = "redacted";
