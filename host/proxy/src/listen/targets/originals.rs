//! Paths of HTTP/2 for which others stand.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Request, uri::PathAndQuery};

use crate::flow::Target;

/// The paths of one connection that the HTTP library would not take, and those that stand for them, which begin with `?`.
/// Copies share them.
#[derive(Clone, Debug, Default)]
pub(in crate::listen) struct Originals(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Stand-ins with what they stand for, the latest last.
    paths: VecDeque<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
    /// How many there were.
    count: usize,
}

/// Most paths that are kept, and most bytes of them. Those that are used again without being sent again are in the client's
/// table of fields, which has 4 KiB (RFC 7541 §4.2).
const MOST: usize = 1024;
const MOST_BYTES: usize = 256 * 1024;

/// What may follow the `?`: all that a query may have.
const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!$%&'()*+,-./:;=?@[]^_{|}~";

/// The digit of zero.
const FIRST_DIGIT: u8 = b'0';

/// What a path begins with that stands for another.
const MARK: u8 = b'?';

impl Originals {
    /// Whether a path looks like one that stands for another.
    pub(super) fn may_stand_in(path: &[u8]) -> bool {
        path.first() == Some(&MARK)
    }

    /// A path of the same length that stands for this one. Nothing if it is too short or too long for that.
    pub(super) fn stand_in(&self, path: Vec<u8>) -> Option<Vec<u8>> {
        let mut kept = self.lock();
        if let Some(position) = kept.paths.iter().position(|(_, original)| *original == path) {
            let again = kept.paths.remove(position)?;
            let stand_in = again.0.clone();
            kept.paths.push_back(again);
            return Some(stand_in);
        }
        if path.len() < 2 || path.len() > MOST_BYTES / 2 {
            return None;
        }
        let mut stand_in = vec![FIRST_DIGIT; path.len()];
        let mut number = kept.count;
        for (position, byte) in stand_in.iter_mut().enumerate() {
            if position == 0 {
                *byte = MARK;
            } else {
                *byte = *DIGITS.get(number % DIGITS.len())?;
                number /= DIGITS.len();
            }
        }
        kept.count += 1;
        // Of very short paths, there are fewer than are kept.
        kept.paths.retain(|(other, _)| *other != stand_in);
        kept.paths.push_back((stand_in.clone(), path));
        kept.bytes = kept.paths.iter().map(|(_, path)| path.len() * 2).sum();
        while kept.paths.len() > MOST || kept.bytes > MOST_BYTES {
            let Some((_, oldest)) = kept.paths.pop_front() else { break };
            kept.bytes -= oldest.len() * 2;
        }
        Some(stand_in)
    }

    /// Gives a request its own path again, as stand-ins that a URI can have.
    pub(in crate::listen) fn restore<B>(&self, request: &mut Request<B>) {
        if !request.uri().path_and_query().is_some_and(|path| Self::may_stand_in(path.as_str().as_bytes())) {
            return;
        }
        let mut parts = request.uri().clone().into_parts();
        let restored = parts.path_and_query.as_ref().and_then(|path| self.original(path.as_str().as_bytes()));
        let Some(restored) = restored else { return };
        parts.path_and_query = Some(restored);
        if let Ok(uri) = http::Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }

    fn original(&self, stand_in: &[u8]) -> Option<PathAndQuery> {
        let kept = self.lock();
        let (_, original) = kept.paths.iter().find(|(other, _)| other == stand_in)?;
        match original.strip_prefix(b"?") {
            // No target, but for the library it is one.
            Some(_) => PathAndQuery::try_from(original.as_slice()).ok(),
            None => Target::of_bytes(original)?.into_path(),
        }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
