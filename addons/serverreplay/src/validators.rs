//! Preconditions of requests (RFC 9110, section 13): what a client knows of a response that it has already.

use std::time::{SystemTime, UNIX_EPOCH};

/// An entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'v> {
    /// Whether it stands for what means the same, rather than for the same bytes.
    pub is_weak: bool,
    /// What tells it from others, with its quotes.
    pub opaque: &'v [u8],
}

impl<'v> Tag<'v> {
    /// The tag of an `ETag` field; nothing if there is none in it.
    pub fn parse(value: &'v [u8]) -> Option<Self> {
        tags(value).next()
    }

    fn is_strongly(self, other: Self) -> bool {
        !self.is_weak && !other.is_weak && self.opaque == other.opaque
    }
}

/// The tags of a list. Those that some servers write without quotes are taken as they are.
pub fn tags(list: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
        rest = rest.get(start..)?;
        let (is_weak, bare) = rest.strip_prefix(b"W/").map_or((false, rest), |bare| (true, bare));
        let end = match bare.strip_prefix(b"\"").and_then(|quoted| quoted.iter().position(|&byte| byte == b'"')) {
            Some(quote) => quote + 2,
            None => bare.iter().position(|&byte| byte == b',').unwrap_or(bare.len()),
        };
        let (opaque, after) = bare.split_at_checked(end)?;
        rest = after;
        Some(Tag { is_weak, opaque: opaque.trim_ascii_end() })
    })
}

/// Whether a list of tags stands for all of them.
pub fn is_any(list: &[u8]) -> bool {
    list.trim_ascii() == b"*"
}

/// The seconds since the epoch of a date field; nothing for what is no date.
pub fn seconds(date: &[u8]) -> Option<u64> {
    let parsed = httpdate::parse_http_date(str::from_utf8(date).ok()?.trim()).ok()?;
    since_epoch(parsed)
}

fn since_epoch(time: SystemTime) -> Option<u64> {
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// The preconditions of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`
    pub matches: Option<Vec<u8>>,
    /// `If-Unmodified-Since`
    pub unmodified_since: Option<Vec<u8>>,
    /// `If-None-Match`
    pub none_match: Option<Vec<u8>>,
    /// `If-Modified-Since`
    pub modified_since: Option<Vec<u8>>,
}

/// What tells one version of a content from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`
    pub tag: Option<Vec<u8>>,
    /// `Last-Modified`
    pub last_modified: Option<Vec<u8>>,
}

/// What comes of preconditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is answered as if there were none.
    Answered,
    /// The client has the content already: 304.
    NotModified,
    /// The client does not want it: 412.
    Failed,
}

/// Which dates a client may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Any one.
    Any,
    /// Only the recorded date: the server has answered a later one.
    Recorded,
}

impl Conditions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What comes of them for a content with these validators, in the order of RFC 9110, section 13.2.2. What cannot be told,
    /// as no validator is there to be compared with, is no reason not to answer.
    pub fn verdict(&self, validators: &Validators, since: Since) -> Verdict {
        let tag = validators.tag.as_deref().and_then(Tag::parse);
        let modified = validators.last_modified.as_deref().and_then(seconds);
        let is_refused = match (&self.matches, tag) {
            (Some(list), Some(tag)) => !is_any(list) && !tags(list).any(|wanted| wanted.is_strongly(tag)),
            (Some(_), None) => false,
            (None, _) => {
                let since = self.unmodified_since.as_deref().and_then(seconds);
                modified.zip(since).is_some_and(|(modified, since)| modified > since)
            }
        };
        let is_known = match &self.none_match {
            Some(list) => is_any(list) || tag.is_some_and(|tag| tags(list).any(|known| known.opaque == tag.opaque)),
            None => {
                let known = self.modified_since.as_deref().and_then(seconds);
                modified.zip(known).is_some_and(|(modified, known)| match since {
                    Since::Any => modified <= known,
                    Since::Recorded => modified == known,
                })
            }
        };
        match (is_refused, is_known) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::NotModified,
            (false, false) => Verdict::Answered,
        }
    }
}

/// Whether a validator of `If-Range` is that of a content, so that a part of it is wanted (RFC 9110, section 13.1.5). `moved`
/// is by how many seconds at most the client was told a later date than the recorded one.
pub fn is_in_range(validator: &[u8], validators: &Validators, moved: u64) -> bool {
    let (tag, modified) = (validators.tag.as_deref().and_then(Tag::parse), validators.last_modified.as_deref());
    match seconds(validator) {
        Some(known) => modified
            .and_then(seconds)
            .is_some_and(|modified| known.checked_sub(modified).is_some_and(|later| later <= moved)),
        None => Tag::parse(validator).zip(tag).is_some_and(|(known, tag)| known.is_strongly(tag)),
    }
}

#[cfg(test)]
mod tests;
