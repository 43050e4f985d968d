//! Recorded responses that only some requests of their key get: those with a precondition, or for a part of the content.

use proxyhost_sdk::{
    Request, RequestTraits, Response,
    index::{self, Order, Taken},
    recordings::{self, Exchange},
};
use sha2::{Digest as _, Sha256};

use crate::{
    form::includes,
    options::Options,
    ranges::{self, Range},
    replay::in_table,
    validators::{Conditions, Tag, Validators, is_any, is_in_range, seconds, tags},
};

/// Tables of the index: responses to requests with a precondition, by what that has to be; responses with a part, by how it
/// is asked for; responses of these kinds that stand for the whole content where there is no other; and all of them by key.
const CONDITIONAL: u8 = 4;
const PARTIAL: u8 = 5;
const SUBSTITUTE: u8 = 6;
const ALL: u8 = 7;

/// Tags, dates and responses that are looked at for a request.
const LOOKED_AT: u32 = 32;

/// Files an exchange, if its response is of these kinds; whether it is.
pub(crate) fn file(exchange: &Exchange, request: &Request, key: &[u8], id: u32) -> bool {
    let is_filed = match exchange.status {
        Some(304) => file_not_modified(request, key, id),
        Some(412) => file_failed(request, key, id),
        Some(206 | 416) => file_part(request, key, id),
        _ => false,
    };
    if is_filed {
        index::relate(&entry(ALL, key, b""), id);
    }
    is_filed
}

fn file_not_modified(request: &Request, key: &[u8], id: u32) -> bool {
    let Some(response) = recordings::recorded_answer(id) else { return false };
    let known = NotModified::new(request, &response);
    for tag in known.tags() {
        index::put(&entry(CONDITIONAL, key, &by_tag(tag.opaque)), id);
    }
    if let Some(date) = known.date {
        index::put(&entry(CONDITIONAL, key, &by_date(date)), id);
        index::relate(&entry(CONDITIONAL, key, DATES), id);
    }
    if known.is_for_any() {
        index::put(&entry(CONDITIONAL, key, ANY), id);
    }
    // A browser shows what its cache has.
    if response.body().size().is_some_and(|size| size > 0) {
        index::put(&entry(SUBSTITUTE, key, b""), id);
    }
    index::put(&entry(CONDITIONAL, key, ALL_TAGS), id);
    true
}

/// What tells which requests a recorded 304 answers.
struct NotModified {
    /// The field of the response, or else of the request.
    tags: Option<Vec<u8>>,
    date: Option<u64>,
}

impl NotModified {
    fn new(request: &Request, response: &Response) -> Self {
        let wanted = || request.field("if-none-match").filter(|list| !is_any(list));
        let since = || request.field("if-modified-since");
        let date = response.field("last-modified").or_else(since);
        Self { tags: response.field("etag").or_else(wanted), date: date.as_deref().and_then(seconds) }
    }

    fn tags(&self) -> impl Iterator<Item = Tag<'_>> {
        self.tags.iter().flat_map(|list| tags(list)).take(LOOKED_AT as usize)
    }

    /// Nothing tells.
    fn is_for_any(&self) -> bool {
        self.tags.is_none() && self.date.is_none()
    }
}

/// A precondition that failed. One that is not recorded is no reason for others not to get the response.
fn file_failed(request: &Request, key: &[u8], id: u32) -> bool {
    let conditions = conditions(request);
    if conditions.is_empty() {
        return false;
    }
    index::put(&entry(CONDITIONAL, key, &by_conditions(&conditions)), id);
    true
}

/// A part of a content, or none where it has no such part. Where the recorder forgot the field of the request, that of the
/// response tells what was asked for.
fn file_part(request: &Request, key: &[u8], id: u32) -> bool {
    let asked = request.field("range").and_then(|field| ranges::parse(&field));
    let mut ways: Vec<Vec<Range>> = asked.into_iter().collect();
    let response = recordings::recorded_answer(id);
    let found = response.and_then(|it| it.field("content-range")).and_then(|it| ranges::content_range(&it));
    if let Some(range) = found {
        ways.extend(ranges::ways_to_ask(range).into_iter().map(|way| vec![way]));
        if ranges::is_whole(range) {
            index::put(&entry(SUBSTITUTE, key, b""), id);
        }
    }
    let mut keys: Vec<Vec<u8>> = ways.iter().map(|way| by_ranges(key, way)).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in &keys {
        index::put(key, id);
        index::relate(key, id);
    }
    !keys.is_empty()
}

/// Takes a response that only requests with such fields get.
pub(crate) fn take(request: &Request, traits: RequestTraits, key: &[u8], options: &Options) -> Option<u32> {
    let order = options.reuse.order();
    let of_conditions = || includes(traits, RequestTraits::CONDITIONAL).then(|| conditional(request, key, order))?;
    let of_ranges = || includes(traits, RequestTraits::PARTIAL).then(|| partial(request, key, options))?;
    of_conditions().or_else(of_ranges)
}

/// Takes a response that stands for the whole content where there is no other.
pub(crate) fn take_substitute(request: &Request, key: &[u8], order: Order) -> Option<u32> {
    taken(request, &entry(SUBSTITUTE, key, b""), order)
}

/// Makes a 304 that was recorded with its content, or a part that is all of it, the answer to whoever asks for that.
pub(crate) fn make_whole(response: &Response) {
    // 200 is a status, the host owns no such field, and no head is too large to get smaller.
    let _ = response.set_status(200);
    let _ = response.remove_field("content-range");
}

/// The status of a recorded response of the key that only other requests get.
pub(crate) fn status_of_others(key: &[u8]) -> Option<u16> {
    let id = index::related(&entry(ALL, key, b""), 1).first().copied()?;
    recordings::describe(id)?.status
}

fn conditional(request: &Request, key: &[u8], order: Order) -> Option<u32> {
    let conditions = conditions(request);
    let failed = || taken(request, &entry(CONDITIONAL, key, &by_conditions(&conditions)), order);
    let any = || taken(request, &entry(CONDITIONAL, key, ANY), order);
    let known = match &conditions.none_match {
        Some(list) if is_any(list) => taken(request, &entry(CONDITIONAL, key, ALL_TAGS), order),
        Some(list) => tags(list)
            .take(LOOKED_AT as usize)
            .find_map(|tag| taken(request, &entry(CONDITIONAL, key, &by_tag(tag.opaque)), order)),
        None => {
            conditions.modified_since.as_deref().and_then(seconds).and_then(|since| dated(request, key, since, order))
        }
    };
    let may_be_known = conditions.none_match.is_some() || conditions.modified_since.is_some();
    known.or_else(|| may_be_known.then(any)?).or_else(failed)
}

/// A 304 of a content that was not modified since.
fn dated(request: &Request, key: &[u8], since: u64, order: Order) -> Option<u32> {
    let mut dates: Vec<u64> = Vec::new();
    for id in index::related(&entry(CONDITIONAL, key, DATES), LOOKED_AT) {
        let recorded = recordings::recorded_request(id).zip(recordings::recorded_answer(id));
        let date = recorded.and_then(|(asked, answered)| NotModified::new(&asked, &answered).date);
        dates.extend(date.filter(|date| *date <= since && !dates.contains(date)));
    }
    dates.into_iter().find_map(|date| taken(request, &entry(CONDITIONAL, key, &by_date(date)), order))
}

fn partial(request: &Request, key: &[u8], options: &Options) -> Option<u32> {
    let wanted = ranges::parse(&request.field("range")?)?;
    let key = by_ranges(key, &wanted);
    if let Some(validator) = request.field("if-range") {
        let id = index::related(&key, 1).first().copied()?;
        let moved = moved(id, request, options);
        if !is_in_range(&validator, &validators(&recordings::recorded_answer(id)?), moved) {
            return None;
        }
    }
    taken(request, &key, options.reuse.order())
}

/// By how many seconds at most a client was told a later date than the recorded one.
pub(crate) fn moved(id: u32, request: &Request, options: &Options) -> u64 {
    if !options.refresh {
        return 0;
    }
    let recorded_at = recordings::describe(id).map_or(0.0, |exchange| exchange.recorded_at);
    (request.received_at() - recorded_at).max(0.0) as u64
}

/// The preconditions of a request.
pub(crate) fn conditions(request: &Request) -> Conditions {
    Conditions {
        matches: request.field("if-match"),
        unmodified_since: request.field("if-unmodified-since"),
        none_match: request.field("if-none-match"),
        modified_since: request.field("if-modified-since"),
    }
}

/// The validators of a response.
pub(crate) fn validators(response: &Response) -> Validators {
    Validators { tag: response.field("etag"), last_modified: response.field("last-modified") }
}

fn taken(request: &Request, key: &[u8], order: Order) -> Option<u32> {
    match index::take(request, key, order) {
        Taken::Exchange(id) => Some(id),
        Taken::Used(_) | Taken::Unknown => None,
    }
}

/// What a 304 of a key is filed under beside tags and dates.
const ANY: &[u8] = b"a";
const ALL_TAGS: &[u8] = b"*";
const DATES: &[u8] = b"d";

fn by_tag(opaque: &[u8]) -> Vec<u8> {
    [b"t", opaque].concat()
}

fn by_date(date: u64) -> Vec<u8> {
    [&b"s"[..], &date.to_be_bytes()].concat()
}

/// A date may have been moved, so only that there is one counts.
fn by_conditions(conditions: &Conditions) -> Vec<u8> {
    let mut written = b"f".to_vec();
    for tags in [&conditions.matches, &conditions.none_match] {
        written.extend_from_slice(tags.as_deref().unwrap_or_default());
        written.push(0);
    }
    written.push(u8::from(conditions.unmodified_since.is_some()));
    written
}

fn by_ranges(key: &[u8], ranges: &[Range]) -> Vec<u8> {
    entry(PARTIAL, key, ranges::written(ranges).as_bytes())
}

/// The key of a table for a matcher's key and what else has to be equal. Both may be long, so they are hashed.
fn entry(table: u8, key: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(rest);
    in_table(table, &hash.finalize())
}
