//! What was served, session by session: kept while recordings and options change.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

use recording::{Exchange, Recording};

use super::counters::Counters;
use crate::flow::Session;

/// How often each exchange was served in each session. An exchange has a slot, which it keeps when its recording is loaded
/// anew.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    slots: AtomicU32,
    served: BySession<Counters>,
}

impl Ledger {
    /// Slots for the exchanges of a recording. Those that were in the recording `before`, loaded from the same file, have the
    /// slots from there.
    pub(super) fn slots(&self, recording: &Recording, before: Option<(&Recording, &[u32])>) -> Arc<[u32]> {
        let mut known: HashMap<u64, VecDeque<u32>> = HashMap::new();
        if let Some((before, slots)) = before {
            for (exchange, &slot) in before.exchanges().iter().zip(slots) {
                known.entry(fingerprint(exchange)).or_default().push_back(slot);
            }
        }
        let slot = |exchange: &Exchange| {
            let kept = if known.is_empty() { None } else { known.get_mut(&fingerprint(exchange)) };
            kept.and_then(VecDeque::pop_front).unwrap_or_else(|| self.slots.fetch_add(1, Ordering::Relaxed))
        };
        recording.exchanges().iter().map(slot).collect()
    }

    /// Counts that a session is served the exchange of a slot. `first` is for one that was not served before: whether this
    /// is so, and nothing is counted otherwise.
    pub(super) fn serve(&self, session: &Session, slot: u32, first: bool) -> bool {
        self.served.with(session, |served| {
            served.change(slot, |hits| {
                if first {
                    hits.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                } else {
                    hits.fetch_add(1, Ordering::Relaxed);
                    true
                }
            })
        })
    }

    /// How often the exchange of a slot was served in a session, or in all.
    pub(super) fn hits(&self, session: Option<&Session>, slot: u32) -> u64 {
        match session {
            Some(session) => self.served.find(session, |served| served.get(slot).into()).unwrap_or(0),
            None => self.served.all(|all| all.map(|served| u64::from(served.get(slot))).sum()),
        }
    }

    /// Forgets what was served in a session, or in all.
    pub(super) fn forget(&self, session: Option<&Session>) {
        self.served.forget(session);
    }
}

/// What an exchange is known by when its file is read again.
fn fingerprint(exchange: &Exchange) -> u64 {
    let mut hasher = DefaultHasher::new();
    let request = &exchange.request;
    (&request.method, &request.scheme, &request.host, request.port, &request.path).hash(&mut hasher);
    (request.started_at.to_bits(), request.content.size()).hash(&mut hasher);
    request.fields.iter().for_each(|line| line.hash(&mut hasher));
    if let Some(response) = &exchange.response {
        (response.status, response.started_at.to_bits(), response.content.size()).hash(&mut hasher);
        response.fields.iter().for_each(|line| line.hash(&mut hasher));
    }
    hasher.finish()
}

/// Something for each session.
#[derive(Debug, Default)]
pub(super) struct BySession<T> {
    /// Of the session without a name, which most clients use.
    unnamed: T,
    named: RwLock<HashMap<Session, Arc<T>>>,
}

impl<T: Default> BySession<T> {
    /// Uses what a session has, which is made if there is nothing yet.
    pub(super) fn with<R>(&self, session: &Session, use_it: impl FnOnce(&T) -> R) -> R {
        if !session.is_named() {
            return use_it(&self.unnamed);
        }
        let known = self.named.read().unwrap_or_else(PoisonError::into_inner).get(session).cloned();
        let made = || {
            let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
            named.entry(session.clone()).or_default().clone()
        };
        use_it(&known.unwrap_or_else(made))
    }

    /// Looks at what a session has, if there is something.
    fn find<R>(&self, session: &Session, look: impl FnOnce(&T) -> R) -> Option<R> {
        if !session.is_named() {
            return Some(look(&self.unnamed));
        }
        let known = self.named.read().unwrap_or_else(PoisonError::into_inner).get(session).cloned();
        known.map(|known| look(&known))
    }

    fn all<R>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &T>) -> R) -> R {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        look(&mut std::iter::once(&self.unnamed).chain(named.values().map(Arc::as_ref)))
    }
}

impl BySession<Counters> {
    /// Forgets what a session has, or all of them.
    pub(super) fn forget(&self, session: Option<&Session>) {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        match session {
            // What is being used of it while this happens counts as used before.
            Some(session) if session.is_named() => drop(named.remove(session)),
            Some(_) => self.unnamed.clear(),
            None => {
                self.unnamed.clear();
                named.clear();
            }
        }
    }
}
