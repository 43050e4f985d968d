//! The component: the host's request as a [`Subject`], and the options.

use std::sync::OnceLock;

use proxyhost_sdk::{
    BodyError, Declaration, Lifecycle, Matcher, Readiness, Request,
    declare::{self, Declared},
    options,
};
use redaction::DECODED_LIMIT;

use crate::{Comparison, Content, Digest, JsonPointer, NameList, Options, Rules, Subject, key, key_by, parts, suggest};

struct DefaultMatcher;

impl Declaration for DefaultMatcher {
    fn declare() -> Declared {
        declare::component(
            "matches requests by method, URL and content",
            vec![
                declare::flag("server_replay_ignore_content", false, "Leave the content out when matching")
                    .setting("replay-ignore-content", "true"),
                declare::texts("server_replay_ignore_params", "Leave this query parameter out when matching")
                    .taking("replay-ignore-param"),
                declare::texts(
                    "server_replay_ignore_payload_params",
                    "Leave this field of forms out when matching, urlencoded or multipart",
                )
                .taking("replay-ignore-payload-param"),
                declare::texts("server_replay_use_headers", "Take this field into account when matching")
                    .taking("rheader")
                    .taking("server-replay-use-header"),
                declare::flag("server_replay_ignore_host", false, "Leave the host out when matching")
                    .setting("replay-ignore-host", "true"),
                declare::flag("server_replay_ignore_port", false, "Leave the port out when matching"),
                declare::flag("server_replay_ignore_scheme", false, "Leave http or https out when matching"),
                declare::flag(
                    "server_replay_ignore_origin",
                    false,
                    "Leave scheme, host and port out when matching: a recording of one server answers for any",
                ),
                declare::flag(
                    "server_replay_canonical_json",
                    false,
                    "Compare JSON by its values: the order of members and white space do not count",
                ),
                declare::flag(
                    "server_replay_graphql",
                    false,
                    "Compare GraphQL requests by operation, variables and query: white space in the query does not count",
                ),
                declare::texts(
                    "server_replay_ignore_json",
                    "Leave the value at this JSON pointer out when matching, such as /user/id or /items/*/time",
                ),
            ],
        )
        // Recorded and live requests are compared redacted.
        .reading(&["record_redact"])
    }
}

impl Lifecycle for DefaultMatcher {
    fn configure() -> Result<Readiness, String> {
        read_options().map(|_| Readiness::Active)
    }
}

impl Matcher for DefaultMatcher {
    fn key(request: &Request) -> Option<Vec<u8>> {
        key(&Held { request, most: None }, options_once())
    }

    fn key_by(request: &Request, comparison: proxyhost_sdk::Comparison) -> Option<Vec<u8>> {
        let proxyhost_sdk::Comparison { media_type, any_order, at_least } = comparison;
        key_by(&Held { request, most: None }, &Comparison { media_type, any_order, at_least }, options_once())
    }

    fn explain(request: &Request, limit: u64) -> Vec<proxyhost_sdk::Part> {
        let parts = parts(&Held { request, most: Some(limit) }, options_once()).into_iter();
        parts.map(|part| proxyhost_sdk::Part { name: part.name, value: part.value, detail: part.detail }).collect()
    }

    fn suggest(live: &Request, recorded: &Request, limit: u64) -> Option<String> {
        let held = |request| Held { request, most: Some(limit) };
        suggest(&held(live), &held(recorded), options_once())
    }
}

proxyhost_sdk::export!(DefaultMatcher: declaration, lifecycle, matcher);

/// The options do not change while an instance lives, and `configure` refused those that cannot be read.
fn options_once() -> &'static Options {
    static OPTIONS: OnceLock<Options> = OnceLock::new();
    OPTIONS.get_or_init(|| read_options().unwrap_or_default())
}

fn read_options() -> Result<Options, String> {
    let pointers = options::texts("server_replay_ignore_json");
    let pointers = pointers.iter().map(|text| JsonPointer::parse(text).map_err(|bad| bad.to_string()));
    Ok(Options {
        use_headers: options::texts("server_replay_use_headers"),
        ignore_content: options::flag("server_replay_ignore_content"),
        ignore_params: NameList::new(options::texts("server_replay_ignore_params")),
        ignore_payload_params: NameList::new(options::texts("server_replay_ignore_payload_params")),
        ignore_json: pointers.collect::<Result<_, _>>()?,
        canonical_json: options::flag("server_replay_canonical_json"),
        graphql: options::flag("server_replay_graphql"),
        ignore_host: options::flag("server_replay_ignore_host"),
        ignore_port: options::flag("server_replay_ignore_port"),
        ignore_scheme: options::flag("server_replay_ignore_scheme"),
        ignore_origin: options::flag("server_replay_ignore_origin"),
        redact: Rules::parse(&options::texts("record_redact")).map_err(|bad| oneline::chain(&bad))?,
    })
}

/// A request that the host holds.
struct Held<'a> {
    request: &'a Request,
    /// The most bytes of a content to look at, coded or not.
    most: Option<u64>,
}

impl Subject for Held<'_> {
    fn method(&self) -> String {
        self.request.method()
    }

    fn scheme(&self) -> String {
        self.request.scheme()
    }

    fn host(&self) -> String {
        self.request.host()
    }

    fn port(&self) -> u16 {
        self.request.port()
    }

    fn authority(&self) -> Option<String> {
        self.request.authority()
    }

    fn target(&self) -> String {
        self.request.path()
    }

    fn field(&self, name: &str) -> Option<Vec<u8>> {
        self.request.field(name)
    }

    fn field_lines(&self, name: &str) -> Vec<Vec<u8>> {
        self.request.field_lines(name)
    }

    fn content(&self) -> Content {
        match self.request.body().read(self.most.unwrap_or(u64::MAX)) {
            Ok(bytes) => Content::Bytes(bytes),
            Err(BodyError::Gone) => Content::NotRecorded,
            Err(BodyError::TooLarge | BodyError::TimedOut | BodyError::Incomplete(_)) => Content::Unreadable,
        }
    }

    fn digest(&self) -> Digest {
        let body = self.request.body();
        if body.size() == Some(0) {
            return Digest::Empty;
        }
        match body.digest() {
            // A body of unknown length may turn out to be empty.
            Ok(digest) if digest == EMPTY => Digest::Empty,
            Ok(digest) => Digest::Known(digest),
            Err(BodyError::Gone) => Digest::NotRecorded,
            Err(BodyError::TooLarge | BodyError::TimedOut | BodyError::Incomplete(_)) => Digest::Unreadable,
        }
    }

    fn most_decoded(&self) -> usize {
        let most = self.most.and_then(|most| usize::try_from(most).ok());
        most.map_or(DECODED_LIMIT, |most| most.min(DECODED_LIMIT))
    }
}

/// The SHA-256 digest of nothing.
const EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
