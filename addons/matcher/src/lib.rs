//! The default matcher: a key is what counts of a request, so that equal keys mean the same recorded response.
//!
//! The rules are those of mitmproxy's server replay, made stricter where it confuses requests that differ, and wider
//! where it tells apart requests that mean the same: hosts without regard to case, contents before they were coded, multipart
//! bodies by their parts, gRPC contents by their messages.
//!
//! A recording may say itself how contents are compared, such as a stub that takes any: [`key_by`] gives such keys.
//!
//! Where recordings are redacted, what counts is redacted as well, of recorded and live requests alike: a request with
//! another secret has the same key.

mod body;
mod comparison;
mod component;
mod graphql;
mod grpc;
mod json;
mod key;
mod options;
mod part;
mod parts;
mod reading;
mod subject;
mod suggest;
mod xml;

pub use comparison::Comparison;
pub use json_pointer::{BadPointer, JsonPointer};
pub use key::{Part, key, key_by, parts};
pub use options::Options;
pub use redaction::{NameList, RuleError, Rules};
pub use subject::{Content, Digest, Subject};
pub use suggest::suggest;
