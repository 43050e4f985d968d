//! Recent flows, bounded in number and bytes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::HeaderMap;

use super::{Content, Ended, Entry, FrameDecoder, Frames, Keeping, shown};
use crate::flow::Body;

/// Recent flows. When there are too many, those that ended first are forgotten.
#[derive(Debug)]
pub(super) struct Recent {
    keeping: Keeping,
    entries: Mutex<Entries>,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Entries {
    /// Those under way, in no order.
    live: Vec<Arc<Entry>>,
    /// In the order in which they ended.
    ended: VecDeque<Ended>,
    forgotten: u64,
}

/// The bytes that recent flows take together.
#[derive(Debug)]
struct Room {
    most: usize,
    taken: AtomicUsize,
}

/// What one flow, or one body, takes of the room. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    room: Arc<Room>,
    taken: AtomicUsize,
}

/// What a flow takes beside its fields and bodies, about.
const ENTRY_BYTES: usize = 1024;

impl Recent {
    /// None yet.
    pub(super) fn new(keeping: Keeping) -> Self {
        let room = Arc::new(Room { most: keeping.bytes, taken: AtomicUsize::new(0) });
        Self { keeping, entries: Mutex::default(), room }
    }

    /// What is kept of a body. `flow` is what its flow takes.
    pub(super) fn content(&self, body: &Body, flow: &Charge) -> Content {
        Content::kept(body, flow, self.keeping.body)
    }

    /// What is kept of the messages that a decoder finds, which is made for their largest size.
    pub(super) fn frames(&self, decoder: impl FnOnce(usize) -> Option<Box<dyn FrameDecoder>>) -> Option<Frames> {
        let limit = self.keeping.body;
        Some(Frames::new(decoder(limit)?, Charge::new(self.room.clone()), limit))
    }

    /// What a flow with these fields takes.
    pub(super) fn charge(&self, fields: &HeaderMap) -> Charge {
        let charge = Charge::new(self.room.clone());
        charge.add(ENTRY_BYTES + shown::size(fields));
        charge
    }

    /// Adds a flow that begins.
    pub(super) fn add(&self, entry: Arc<Entry>) {
        let mut entries = self.lock();
        entries.live.push(entry);
        while entries.len() > self.keeping.flows && entries.forget_oldest() {}
        self.make_room(&mut entries);
    }

    /// A flow has ended.
    pub(super) fn end(&self, entry: &Entry) {
        let charge = entry.charge.as_ref().map(Charge::hand_over);
        if let Some(charge) = &charge {
            charge.add(entry.notes.size());
        }
        let ended = Ended::of(entry, charge);
        let mut entries = self.lock();
        if let Some(place) = entries.live.iter().rposition(|live| live.flow == entry.flow) {
            entries.live.swap_remove(place);
        }
        entries.ended.push_back(ended);
        self.make_room(&mut entries);
    }

    /// Forgets the flows that ended first until a part of the room is free again. It is done from time to time, as a body
    /// that arrives is only kept while there is room.
    fn make_room(&self, entries: &mut Entries) {
        while self.room.is_scarce() && entries.forget_oldest() {}
    }

    /// All of them, the oldest first, and how many are forgotten.
    pub(super) fn all(&self) -> (Vec<Arc<Entry>>, u64) {
        let (mut all, forgotten) = {
            let entries = self.lock();
            let ended = entries.ended.iter().map(|ended| Arc::new(ended.entry()));
            (ended.chain(entries.live.iter().cloned()).collect::<Vec<_>>(), entries.forgotten)
        };
        all.sort_unstable_by_key(|entry| entry.flow);
        (all, forgotten)
    }

    /// The flow of a number.
    pub(super) fn one(&self, flow: u64) -> Option<Arc<Entry>> {
        let entries = self.lock();
        let live = entries.live.iter().find(|live| live.flow == flow).cloned();
        live.or_else(|| entries.ended.iter().find(|ended| ended.flow == flow).map(|ended| Arc::new(ended.entry())))
    }

    /// Forgets those that have ended.
    pub(super) fn clear(&self) {
        let mut entries = self.lock();
        let ended = std::mem::take(&mut entries.ended);
        entries.forgotten += ended.len() as u64;
    }

    /// Keeps what is stored elsewhere, of those that have ended, as far as there is room.
    pub(super) fn copy_stored(&self) {
        let stored: Vec<_> = {
            let entries = self.lock();
            let stored = |ended: &Ended| Some((ended.flow, ended.response.stored()?, ended.ended_at()));
            entries.ended.iter().filter_map(stored).collect()
        };
        for (flow, stored, ended_at) in stored {
            let copied = Content::copied(&*stored, Charge::new(self.room.clone()), self.keeping.body, ended_at);
            let mut entries = self.lock();
            if let Some(ended) = entries.ended.iter_mut().find(|ended| ended.flow == flow) {
                ended.response = copied;
            }
            self.make_room(&mut entries);
        }
    }

    /// How many there are, and how many bytes they take.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.lock().len(), self.room.taken.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn len(&self) -> usize {
        self.live.len() + self.ended.len()
    }

    /// Whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let was_there = self.ended.pop_front().is_some();
        self.forgotten += u64::from(was_there);
        was_there
    }
}

impl Room {
    /// Whether less than a quarter is free.
    fn is_scarce(&self) -> bool {
        self.taken.load(Ordering::Relaxed) > self.most / 4 * 3
    }
}

impl Charge {
    fn new(room: Arc<Room>) -> Self {
        Self { room, taken: AtomicUsize::new(0) }
    }

    /// Another one of the same room, which takes nothing yet.
    pub(super) fn another(&self) -> Self {
        Self::new(self.room.clone())
    }

    /// Takes so many bytes more, if there is room.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let taken = self.room.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken > self.room.most {
            self.room.taken.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        true
    }

    /// Takes so many bytes more, whatever there is.
    pub(super) fn add(&self, bytes: usize) {
        self.room.taken.fetch_add(bytes, Ordering::Relaxed);
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The same, for somebody else to hold.
    pub(super) fn hand_over(&self) -> Self {
        Self { room: self.room.clone(), taken: AtomicUsize::new(self.taken.swap(0, Ordering::Relaxed)) }
    }

    /// Gives back some of them.
    pub(super) fn give_back(&self, bytes: usize) {
        self.room.taken.fetch_sub(bytes, Ordering::Relaxed);
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(*self.taken.get_mut(), Ordering::Relaxed);
    }
}
