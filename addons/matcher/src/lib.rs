//! The default matcher: a key is what counts of a request, so that equal keys mean the same recorded response.
//!
//! The rules are those of mitmproxy's server replay, made stricter where it confuses requests that differ, and wider
//! where it tells apart requests that mean the same: hosts without regard to case, multipart bodies by their parts.

mod body;
mod bytes;
mod component;
mod decode;
mod json;
mod key;
mod multipart;
mod names;
mod options;
mod part;
mod pointer;
mod query;
mod subject;

pub use key::{Part, key, parts};
pub use names::NameList;
pub use options::Options;
pub use pointer::{BadPointer, JsonPointer};
pub use subject::{Content, Digest, Subject};
