//! The default matcher: a key is what counts of a request, so that equal keys mean the same recorded response.
//!
//! The rules are those of mitmproxy's server replay, made stricter where it confuses requests that differ, and wider
//! where it tells apart requests that mean the same: hosts without regard to case, multipart bodies by their parts,
//! gRPC contents by their messages.
//!
//! Where recordings are redacted, what counts is redacted as well, of recorded and live requests alike: a request with
//! another secret has the same key.

mod body;
mod component;
mod grpc;
mod json;
mod key;
mod options;
mod part;
mod subject;
mod suggest;

pub use json_pointer::{BadPointer, JsonPointer};
pub use key::{Part, key, parts};
pub use options::Options;
pub use redaction::{NameList, RuleError, Rules};
pub use subject::{Content, Digest, Subject};
pub use suggest::suggest;
