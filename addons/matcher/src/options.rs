//! What counts.

use crate::{JsonPointer, NameList, Rules};

/// What of a request counts. By default everything that mitmproxy counts by default.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The fields that count. Absent and empty differ.
    pub use_headers: Vec<String>,
    /// Leave the content out; the other options on content then have no effect.
    pub ignore_content: bool,
    /// The query parameters to leave out.
    pub ignore_params: NameList,
    /// The form fields to leave out, urlencoded or multipart. A name makes urlencoded forms count by their fields.
    pub ignore_payload_params: NameList,
    /// The values to leave out of JSON bodies. A pointer makes JSON bodies count by their values.
    pub ignore_json: Vec<JsonPointer>,
    /// Let JSON bodies count by their values: the order of members, white space and escapes do not matter.
    pub canonical_json: bool,
    /// Let GraphQL requests count by operation, variables and document, in which white space does not matter.
    pub graphql: bool,
    /// Leave the host out.
    pub ignore_host: bool,
    /// Leave the port out.
    pub ignore_port: bool,
    /// Leave the scheme out.
    pub ignore_scheme: bool,
    /// Leave scheme, host and port out.
    pub ignore_origin: bool,
    /// What is secret. Target, fields and content count as they are when redacted.
    pub redact: Rules,
}
