//! Recorded requests whose contents are compared as the recording says: a key for each way of that.
//!
//! They are filed twice: under their key, as all are, and under a key by their comparison. A live request has as many of
//! these as there are comparisons among the recorded requests that differ from it in the content at most, so it is asked for
//! them only where its own key was not found, and where the recordings have any.

use std::collections::HashSet;

use proxyhost_sdk::{
    Comparison, Request,
    index::{self, Taken},
    next::matcher,
    recordings,
};
use sha2::{Digest as _, Sha256};

use crate::replay::in_table;

/// The table of the index with the keys by comparisons.
const COMPARED: u8 = 9;
/// For each head of a request, recorded requests with all the comparisons that there are; under an empty one, any of them.
const BY_HEAD: u8 = 10;

/// Comparisons that a live request is tried by.
const TRIED: u32 = 200;

/// Bytes that are read for that at most, since each comparison reads the content anew.
const READ: u64 = 4 << 20;

/// The comparisons that are filed, each with the head of its requests.
#[derive(Default)]
pub(crate) struct Filed {
    known: HashSet<[u8; 32]>,
}

impl Filed {
    /// Has a recorded request `put` under the keys by its comparison, if it has one; whether it has.
    pub(crate) fn file(&mut self, request: &Request, id: u32, mut put: impl FnMut(&[u8])) -> bool {
        let Some(comparison) = recordings::compared_by(id) else { return false };
        let Some(head) = head(request) else { return false };
        let is_first = self.known.is_empty();
        let (mut is_filed, mut is_new) = (false, false);
        for comparison in ways(comparison) {
            let Some(key) = matcher::key_by(request, &comparison) else { continue };
            put(&compared(&comparison, &key));
            is_filed = true;
            let way = [head.as_slice(), &digest(&comparison)].concat();
            is_new |= self.known.insert(Sha256::digest(way).into());
        }
        if is_new {
            index::relate(&in_table(BY_HEAD, &head), id);
        }
        if is_filed && is_first {
            index::relate(&in_table(BY_HEAD, b""), id);
        }
        is_filed
    }
}

/// Takes the recorded response of a live request by the comparisons of recorded ones, whose keys `look` looks up.
pub(crate) fn take(request: &Request, mut look: impl FnMut(&[u8]) -> Taken) -> Taken {
    let mut found = Taken::Unknown;
    if index::related(&in_table(BY_HEAD, b""), 1).is_empty() {
        return found;
    }
    let Some(head) = head(request) else { return found };
    let mut tried: HashSet<[u8; 32]> = HashSet::new();
    let size = request.body().size().unwrap_or(READ);
    let candidates = index::related(&in_table(BY_HEAD, &head), TRIED);
    let mut left = READ;
    for way in [Way::Meaning, Way::AtLeast, Way::Anything] {
        for &id in &candidates {
            let comparisons = recordings::compared_by(id).into_iter().flat_map(ways);
            for comparison in comparisons.filter(|comparison| Way::of(comparison) == way) {
                if !tried.insert(digest(&comparison)) {
                    continue;
                }
                if way != Way::Anything {
                    let Some(rest) = left.checked_sub(size) else { continue };
                    left = rest;
                }
                let Some(key) = matcher::key_by(request, &comparison) else { continue };
                match look(&compared(&comparison, &key)) {
                    Taken::Exchange(id) => return Taken::Exchange(id),
                    used @ Taken::Used(_) => found = used,
                    Taken::Unknown => {}
                }
            }
        }
    }
    found
}

/// Whether a recorded request stands for others with any content.
pub(crate) fn takes_anything(id: u32) -> bool {
    recordings::compared_by(id).is_some_and(|comparison| comparison.media_type == ANYTHING)
}

/// Stands for a content that may be any.
pub(crate) const ANYTHING: &str = "*/*";

/// What a comparison asks of a content. What means the same is nearer than what has more, and anything is the farthest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Meaning,
    AtLeast,
    Anything,
}

impl Way {
    fn of(comparison: &Comparison) -> Self {
        match &comparison.at_least {
            _ if comparison.media_type == ANYTHING => Self::Anything,
            Some(_) => Self::AtLeast,
            None => Self::Meaning,
        }
    }
}

/// A key of all but the content.
fn head(request: &Request) -> Option<[u8; 32]> {
    let anything = Comparison { media_type: ANYTHING.to_owned(), any_order: false, at_least: None };
    matcher::key_by(request, &anything).map(|key| Sha256::digest(key).into())
}

/// How a recorded request is found: a content that may have more than was recorded mostly has not, and is found at once then.
fn ways(comparison: Comparison) -> impl Iterator<Item = Comparison> {
    let narrow = Comparison { at_least: None, ..comparison.clone() };
    let wide = comparison.at_least.is_some().then_some(comparison);
    std::iter::once(narrow).chain(wide)
}

/// Where requests are filed that have a key by a comparison.
fn compared(comparison: &Comparison, key: &[u8]) -> Vec<u8> {
    let key = Sha256::new_with_prefix(digest(comparison)).chain_update(key).finalize();
    in_table(COMPARED, &key)
}

fn digest(comparison: &Comparison) -> [u8; 32] {
    let Comparison { media_type, any_order, at_least } = comparison;
    let least = at_least.as_ref().map(Sha256::digest);
    let whole = Sha256::new_with_prefix([u8::from(*any_order), u8::from(least.is_some())]);
    whole.chain_update(least.unwrap_or_default()).chain_update(media_type).finalize().into()
}
