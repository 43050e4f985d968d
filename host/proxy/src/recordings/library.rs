//! Recordings and the index over them, shared by all instances of an addon.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use control::{ExchangeInfo, RecordingInfo};
use recording::Recording;

use super::{
    RecordedFlows,
    counters::Counters,
    ledger::{BySession, Ledger},
};
use crate::{addon::memory::OutOfMemory, flow::Session};

/// An addon's recordings, and its table from keys to ids.
#[derive(Debug, Default)]
pub struct Library {
    ledger: Arc<Ledger>,
    recordings: Vec<Loaded>,
    /// For each id: which recording, and which exchange of it.
    places: Vec<(usize, usize)>,
    index: HashMap<Box<[u8]>, Answers>,
    topics: HashMap<Box<[u8]>, Vec<u32>>,
    /// For each id, whether it answers requests.
    answering: Vec<bool>,
    /// No id before this one answers requests that was not served yet.
    unserved_from: AtomicUsize,
    /// What the index takes.
    index_bytes: usize,
    /// How far each key's exchanges were taken, by the key's number.
    cursors: BySession<Counters>,
}

/// Most ids of a topic.
pub(super) const MOST_RELATED: usize = 1000;

/// A recording that is loaded.
#[derive(Clone, Debug)]
struct Loaded {
    flows: Arc<RecordedFlows>,
    /// Where the ledger counts its exchanges.
    slots: Arc<[u32]>,
    /// What the file was like.
    stamp: Option<Stamp>,
}

/// The exchanges of a key.
#[derive(Debug)]
struct Answers {
    number: u32,
    ids: Vec<u32>,
}

/// Which of a key's exchanges is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each once.
    Once,
    /// Always the first.
    First,
    /// Always the last.
    Last,
    /// All in turn.
    Cycle,
    /// Each once, and then always the last.
    Stick,
}

/// What was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This exchange.
    Exchange(u32),
    /// All of the key's exchanges, this many, were taken before.
    Used(usize),
    /// The key has none.
    Unknown,
}

/// What a key of the index takes beside its bytes, and what an id of it does.
const KEY: usize = 96;
const ID: usize = 8;

/// What the index may take for each exchange that the user had loaded, beyond the addon's memory: as much as a long key
/// under which it is filed, and shorter ones to find it by.
const FOR_EACH_EXCHANGE: usize = 16 * 1024;

impl Library {
    /// Nothing yet. What is served of it is counted in `ledger`.
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger, ..Self::default() }
    }

    /// Opens the recording at a path, which takes a while: `open` does it. Where the library `before` has the same file, and
    /// nothing has changed in it since, it is taken from there. `again` is how often this library has the file already: each
    /// time that a file is given, its exchanges can be served.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn load<E>(
        path: &Path,
        ledger: &Ledger,
        before: Option<&Self>,
        again: usize,
        open: impl FnOnce() -> Result<Recording, E>,
    ) -> Result<Opened, E> {
        let stamp = Stamp::of(path).ok().flatten();
        let known = before.and_then(|before| before.at(path).nth(again));
        if let Some(same) = known.filter(|known| stamp.is_some() && known.stamp == stamp) {
            return Ok(Opened(same.clone()));
        }
        let recording = open()?;
        let before = known.map(|known| (known.flows.recording(), known.slots.as_ref()));
        let slots = ledger.slots(&recording, before);
        Ok(Opened(Loaded { flows: Arc::new(RecordedFlows::new(recording)), slots, stamp }))
    }

    /// Adds the exchanges of a recording; how many there are.
    pub(super) fn add(&mut self, Opened(loaded): Opened) -> usize {
        let position = self.recordings.len();
        let exchanges = loaded.slots.len();
        self.places.extend((0..exchanges).map(|exchange| (position, exchange)));
        self.answering.resize(self.places.len(), false);
        self.recordings.push(loaded);
        exchanges
    }

    /// How often the recording at a path was added.
    pub(super) fn times(&self, path: &Path) -> usize {
        self.at(path).count()
    }

    /// How many exchanges there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where the exchange of an id is: in which recording, and at which position.
    pub fn place(&self, id: u32) -> Option<(&Arc<RecordedFlows>, usize)> {
        let &(recording, exchange) = self.places.get(usize::try_from(id).ok()?)?;
        Some((&self.recordings.get(recording)?.flows, exchange))
    }

    /// Files an id as an answer to a key. `memory` is that of the addon.
    ///
    /// # Errors
    /// When the index has become larger than such recordings can need.
    pub fn file(&mut self, key: Vec<u8>, id: u32, memory: usize) -> Result<(), OutOfMemory> {
        let is_new = !self.index.contains_key(key.as_slice());
        self.charge(is_new.then_some(&key), memory)?;
        let number = u32::try_from(self.index.len()).unwrap_or(u32::MAX);
        let answers = self.index.entry(key.into_boxed_slice());
        answers.or_insert_with(|| Answers { number, ids: Vec::new() }).ids.push(id);
        if let Some(answering) = usize::try_from(id).ok().and_then(|id| self.answering.get_mut(id)) {
            *answering = true;
        }
        Ok(())
    }

    /// Files an id under a topic. `memory` is that of the addon. No more of a topic are kept than are ever given.
    ///
    /// # Errors
    /// When the index has become larger than such recordings can need.
    pub fn relate(&mut self, topic: Vec<u8>, id: u32, memory: usize) -> Result<(), OutOfMemory> {
        let known = self.topics.get(topic.as_slice());
        if known.is_some_and(|ids| ids.len() >= MOST_RELATED) {
            return Ok(());
        }
        let is_new = known.is_none();
        self.charge(is_new.then_some(&topic), memory)?;
        self.topics.entry(topic.into_boxed_slice()).or_default().push(id);
        Ok(())
    }

    fn charge(&mut self, new_key: Option<&Vec<u8>>, memory: usize) -> Result<(), OutOfMemory> {
        let most = memory.saturating_add(self.places.len().saturating_mul(FOR_EACH_EXCHANGE));
        let new = new_key.map_or(0, |key| KEY + key.len());
        let bytes = self.index_bytes.saturating_add(new + ID);
        if bytes > most {
            return Err(OutOfMemory);
        }
        self.index_bytes = bytes;
        Ok(())
    }

    /// The ids of a topic.
    pub fn related(&self, topic: &[u8]) -> &[u32] {
        self.topics.get(topic).map_or(&[], Vec::as_slice)
    }

    /// Takes one of a key's ids for a session.
    pub fn take(&self, session: &Session, key: &[u8], order: Order) -> Taken {
        let Some(Answers { number, ids }) = self.index.get(key) else { return Taken::Unknown };
        let unconditionally = |id: Option<&u32>| match id {
            Some(&id) => {
                self.serve(session, id, false);
                Taken::Exchange(id)
            }
            None => Taken::Used(ids.len()),
        };
        match order {
            Order::First => unconditionally(ids.first()),
            Order::Last => unconditionally(ids.last()),
            Order::Cycle => unconditionally(ids.get(self.turn(session, *number, ids) % ids.len().max(1))),
            Order::Once => self.unserved(session, *number, ids).map_or(Taken::Used(ids.len()), Taken::Exchange),
            Order::Stick => match self.unserved(session, *number, ids) {
                Some(id) => Taken::Exchange(id),
                None => unconditionally(ids.last()),
            },
        }
    }

    /// The first of these ids that the session was not served yet, for nobody else.
    fn unserved(&self, session: &Session, number: u32, ids: &[u32]) -> Option<u32> {
        loop {
            let position =
                self.cursors.with(session, |cursors| cursors.change(number, |cursor| advance(cursor, ids.len())))?;
            let id = *ids.get(position)?;
            if self.serve(session, id, true) {
                return Some(id);
            }
        }
    }

    /// Whose turn it is. What was served before there was this library counts.
    fn turn(&self, session: &Session, number: u32, ids: &[u32]) -> usize {
        let turn = self.cursors.with(session, |cursors| {
            cursors.change(number, |cursor| {
                if cursor.load(Ordering::Relaxed) == 0 {
                    let before: u64 = ids.iter().map(|&id| self.hits(Some(session), id)).sum();
                    let begin = u32::try_from(before).unwrap_or(0).saturating_add(1);
                    // Fails when somebody else has just done it.
                    let _ = cursor.compare_exchange(0, begin, Ordering::Relaxed, Ordering::Relaxed);
                }
                cursor.fetch_add(1, Ordering::Relaxed)
            })
        });
        turn.wrapping_sub(1) as usize
    }

    fn serve(&self, session: &Session, id: u32, first: bool) -> bool {
        self.slot(id).is_none_or(|slot| self.ledger.serve(session, slot, first))
    }

    fn slot(&self, id: u32) -> Option<u32> {
        let &(recording, exchange) = self.places.get(usize::try_from(id).ok()?)?;
        self.recordings.get(recording)?.slots.get(exchange).copied()
    }

    /// How often an id was taken in a session, or in all.
    pub fn hits(&self, session: Option<&Session>, id: u32) -> u64 {
        self.slot(id).map_or(0, |slot| self.ledger.hits(session, slot))
    }

    /// How many ids were taken in a session.
    pub fn used(&self, session: &Session) -> u64 {
        let answers = (0..).zip(&self.answering).filter(|(_, answering)| **answering);
        answers.filter(|&(id, _)| self.hits(Some(session), id) > 0).count() as u64
    }

    /// Whether an id was filed as an answer.
    pub fn is_answer(&self, id: u32) -> bool {
        usize::try_from(id).ok().and_then(|id| self.answering.get(id)).copied().unwrap_or(false)
    }

    /// Forgets what was taken in a session, or in all.
    pub fn forget(&self, session: Option<&Session>) {
        self.ledger.forget(session);
        self.cursors.forget(session);
        self.unserved_from.store(0, Ordering::Relaxed);
    }

    /// Whether every id that answers requests was taken, in whichever session; nothing if there is none.
    pub fn is_used_up(&self) -> Option<bool> {
        let answers = || self.answering.iter().enumerate().filter(|(_, answering)| **answering);
        answers().next()?;
        let from = self.unserved_from.load(Ordering::Relaxed);
        let is_unserved = |(id, _): &(usize, &bool)| u32::try_from(*id).is_ok_and(|id| self.hits(None, id) == 0);
        let unserved = answers().skip_while(|(id, _)| *id < from).find(is_unserved).map(|(id, _)| id);
        self.unserved_from.fetch_max(unserved.unwrap_or(self.answering.len()), Ordering::Relaxed);
        Some(unserved.is_none())
    }

    /// What there is, with the hits of a session, or of all. `addon` is whose it is.
    pub(super) fn inventory(&self, addon: &str, session: Option<&Session>) -> Vec<RecordingInfo> {
        let mut first = 0;
        let mut of_recording = |loaded: &Loaded| {
            let ids = first..first + loaded.slots.len();
            first = ids.end;
            let answering = ids.clone().filter_map(|id| u32::try_from(id).ok()).filter(|&id| self.is_answer(id));
            let exchanges: Vec<ExchangeInfo> = answering.filter_map(|id| self.describe(session, id)).collect();
            let unusable = ids.len() - exchanges.len();
            let file = loaded.flows.recording().path().display().to_string();
            RecordingInfo { addon: addon.to_owned(), file, exchanges, unusable }
        };
        self.recordings.iter().map(&mut of_recording).collect()
    }

    fn describe(&self, session: Option<&Session>, id: u32) -> Option<ExchangeInfo> {
        let (flows, position) = self.place(id)?;
        let exchange = flows.recording().exchanges().get(position)?;
        let request = flows.request(position)?;
        Some(ExchangeInfo {
            number: u32::try_from(exchange.number).unwrap_or(u32::MAX),
            method: request.head.method.to_string(),
            url: request.head.shown(),
            status: exchange.response.as_ref().map_or(0, |response| response.status),
            hits: self.hits(session, id),
        })
    }

    fn at(&self, path: &Path) -> impl Iterator<Item = &Loaded> {
        self.recordings.iter().filter(move |loaded| loaded.flows.recording().path() == path)
    }
}

/// A recording that was opened, to be added.
#[derive(Debug)]
pub(super) struct Opened(Loaded);

impl Opened {
    /// The recording.
    pub(super) fn recording(&self) -> &Recording {
        self.0.flows.recording()
    }
}

/// Takes the next position, if there are so many.
fn advance(cursor: &AtomicU32, positions: usize) -> Option<usize> {
    let next = |position: u32| (position as usize).lt(&positions).then(|| position + 1);
    cursor.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok().map(|position| position as usize)
}

/// What tells that a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: SystemTime,
}

impl Stamp {
    /// That of the file at a path; nothing for a folder, which does not tell when a file in it has changed.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let metadata = fs::metadata(path)?;
        let stamp = |modified| Self { file: (metadata.dev(), metadata.ino()), size: metadata.len(), modified };
        Ok(metadata.is_file().then_some(stamp(metadata.modified()?)))
    }
}

#[cfg(test)]
mod tests;
