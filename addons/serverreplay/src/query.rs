//! Recorded requests whose query is what others have at least, in any order, as stubs say it.
//!
//! A live request is looked for as each of them would have it: with its query in the place of its own.

use std::collections::HashSet;

use proxyhost_sdk::{Comparison, Request, index, next::matcher, recordings};
use sha2::{Digest as _, Sha256};

use crate::{comparison::ANYTHING, replay::in_table};

/// The table of the index with such requests: by all but query and content, and under an empty key, any of them.
const LEAST: u8 = 11;

/// Recorded requests that a live one is compared with.
const TRIED: u32 = 200;

/// Files a recorded request, if it is one of these.
pub(crate) fn file(request: &Request, id: u32) {
    if !recordings::query_is_least(id) {
        return;
    }
    if let Some(head) = head(request) {
        index::relate(&in_table(LEAST, &head), id);
        index::relate(&in_table(LEAST, b""), id);
    }
}

/// A live request with the query of each recorded one that has nothing else than it has.
pub(crate) fn narrowed(request: &Request) -> Vec<Request> {
    if index::related(&in_table(LEAST, b""), 1).is_empty() {
        return Vec::new();
    }
    let Some(head) = head(request) else { return Vec::new() };
    let path = request.path();
    let mut tried = HashSet::from([path.clone()]);
    let mut narrowed = Vec::new();
    for id in index::related(&in_table(LEAST, &head), TRIED) {
        let Some(recorded) = recordings::recorded_request(id).map(|recorded| recorded.path()) else { continue };
        if !has_at_least(query(&path), query(&recorded)) || !tried.insert(recorded.clone()) {
            continue;
        }
        let copy = request.copy();
        if copy.set_path(&recorded).is_ok() {
            narrowed.push(copy);
        }
    }
    narrowed
}

/// A key of all but the query and the content.
fn head(request: &Request) -> Option<[u8; 32]> {
    let path = request.path();
    let copy = request.copy();
    copy.set_path(path.split(['?', '#']).next().unwrap_or_default()).ok()?;
    let anything = Comparison { media_type: ANYTHING.to_owned(), any_order: false, at_least: None };
    matcher::key_by(&copy, &anything).map(|key| Sha256::digest(key).into())
}

fn query(path: &str) -> &str {
    path.split_once('?').map_or("", |(_, query)| query)
}

/// Whether a query has all parameters of another one, as often as that.
fn has_at_least(query: &str, least: &str) -> bool {
    let mut left: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    form_urlencoded::parse(least.as_bytes()).all(|wanted| {
        let found = left.iter().position(|pair| *pair == wanted);
        found.map(|at| left.swap_remove(at)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_another_one_at_least() {
        for (query, least) in
            [("a=1&b=2", "b=2&a=1"), ("a=1&b=2", "b=2"), ("b=x+y&a", "a=&b=x%20y"), ("a=1", ""), ("", "")]
        {
            assert!(has_at_least(query, least), "{query} {least}");
        }
        for (query, least) in [("a=1", "a=1&a=1"), ("a=1", "a=2"), ("", "a"), ("A=1", "a=1")] {
            assert!(!has_at_least(query, least), "{query} {least}");
        }
        assert_eq!(query("/a?b?c"), "b?c");
    }
}
