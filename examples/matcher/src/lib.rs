//! A matcher for which ids in paths are all alike: `/api/orders/7` is answered by the recording of `/api/orders/1042`.
//!
//! It imports what it exports, and so builds on the next matcher, which ships with the host: all that one's rules and
//! options stay in force, and this one only shows it another path.
//!
//! ```sh
//! cargo build --release --target wasm32-wasip2 -p path-id-matcher
//! proxyhost -S examples/shop.mitm --plug target/wasm32-wasip2/release/path_id_matcher.wasm
//! ```

use proxyhost_sdk::{
    Comparison, Declaration, Matcher, Part, Request,
    declare::{self, Declared},
    next,
};

struct PathIdMatcher;

impl Declaration for PathIdMatcher {
    fn declare() -> Declared {
        declare::component("matches requests as if all ids in paths were alike", Vec::new())
    }
}

impl Matcher for PathIdMatcher {
    fn key(request: &Request) -> Option<Vec<u8>> {
        with_alike_ids(request, next::matcher::key)
    }

    fn key_by(request: &Request, comparison: Comparison) -> Option<Vec<u8>> {
        with_alike_ids(request, |request| next::matcher::key_by(request, &comparison))
    }

    fn explain(request: &Request, limit: u64) -> Vec<Part> {
        let parts = with_alike_ids(request, |request| next::matcher::explain(request, limit));
        parts.into_iter().map(Part::from).collect()
    }

    fn suggest(live: &Request, recorded: &Request, limit: u64) -> Option<String> {
        with_alike_ids(live, |live| with_alike_ids(recorded, |recorded| next::matcher::suggest(live, recorded, limit)))
    }
}

proxyhost_sdk::export!(PathIdMatcher: declaration, matcher);

/// Asks about the request as it would be with a placeholder for each id.
fn with_alike_ids<T>(request: &Request, ask: impl FnOnce(&Request) -> T) -> T {
    let Some(path) = without_ids(&request.path()) else { return ask(request) };
    // The request itself goes on to its server, or is part of a recording: a copy is neither.
    let copy = request.copy();
    match copy.set_path(&path) {
        Ok(()) => ask(&copy),
        Err(_) => ask(request),
    }
}

/// The path with a placeholder for each segment that is an id, and the query as it was; nothing without an id.
pub fn without_ids(target: &str) -> Option<String> {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    if !path.split('/').any(is_id) {
        return None;
    }
    let segments: Vec<&str> =
        path.split('/').map(|segment| if is_id(segment) { PLACEHOLDER } else { segment }).collect();
    Some(segments.join("/") + query)
}

/// What miss reports show in place of an id.
const PLACEHOLDER: &str = ":id";

/// Whether a segment is a number, a UUID or a long hexadecimal number.
fn is_id(segment: &str) -> bool {
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let is_hash = segment.len() >= SHORTEST_HASH && is_hexadecimal(segment);
    is_number || is_hash || is_uuid(segment)
}

/// Half an MD5 digest. English has no word of so many letters from a to f.
const SHORTEST_HASH: usize = 16;

fn is_uuid(segment: &str) -> bool {
    let groups = segment.split('-');
    groups.clone().map(str::len).eq([8, 4, 4, 4, 12]) && groups.clone().all(is_hexadecimal)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_uuids_and_hashes_are_ids() {
        let cases = [
            ("/api/orders/1042", "/api/orders/:id"),
            ("/api/orders/1042/items/3", "/api/orders/:id/items/:id"),
            ("/u/6f9619ff-8b86-d011-b42d-00c04fc964ff/", "/u/:id/"),
            ("/u/6F9619FF-8B86-D011-B42D-00C04FC964FF", "/u/:id"),
            ("/blob/d41d8cd98f00b204", "/blob/:id"),
            ("/0", "/:id"),
        ];
        for (path, expected) in cases {
            assert_eq!(without_ids(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn the_query_stays_as_it_is() {
        assert_eq!(without_ids("/orders/1042?page=2&back=/x/7").as_deref(), Some("/orders/:id?page=2&back=/x/7"));
    }

    #[test]
    fn everything_else_is_no_id() {
        for path in [
            "",
            "*",
            "/",
            "//",
            "/api/orders",
            "/v2/orders",
            "/cafe",
            "/d41d8cd98f00b20",
            "/6f9619ff-8b86-d011-b42d",
            "/6f9619ff-8b86-d011-b42d-00c04fc964fg",
            "/-",
            "/٣",
            "/search?id=7",
        ] {
            assert_eq!(without_ids(path), None, "{path}");
        }
    }
}
