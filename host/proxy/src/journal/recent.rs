//! Recent flows, bounded in number and bytes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::HeaderMap;

use super::{Content, Entry, FrameDecoder, Frames, Keeping, shown};
use crate::flow::Body;

/// Recent flows, by number. When there are too many, the oldest are forgotten, whether they have ended or not.
#[derive(Debug)]
pub(super) struct Recent {
    keeping: Keeping,
    entries: Mutex<Entries>,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Entries {
    entries: VecDeque<Arc<Entry>>,
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

    /// What is kept of a body.
    pub(super) fn content(&self, body: &Body) -> Content {
        match body {
            Body::Empty => Content::Empty,
            _ => Content::kept(body, Charge::new(self.room.clone()), self.keeping.body),
        }
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

    /// Adds a flow.
    pub(super) fn add(&self, entry: Arc<Entry>) {
        let mut entries = self.lock();
        // Flows get their numbers before they come here, so a few may come out of order.
        let later = entries.entries.iter().rev().take_while(|other| other.flow > entry.flow).count();
        let place = entries.entries.len() - later;
        entries.entries.insert(place, entry);
        while entries.entries.len() > self.keeping.flows {
            entries.forget_oldest();
        }
        self.make_room(&mut entries);
    }

    /// Forgets the oldest flows until a part of the room is free again. It is done from time to time, as a body that arrives
    /// is only kept while there is room.
    pub(super) fn settle(&self) {
        if self.room.is_scarce() {
            self.make_room(&mut self.lock());
        }
    }

    fn make_room(&self, entries: &mut Entries) {
        while self.room.is_scarce() && entries.forget_oldest() {}
    }

    /// All of them, the oldest first, and how many are forgotten.
    pub(super) fn all(&self) -> (Vec<Arc<Entry>>, u64) {
        let entries = self.lock();
        (entries.entries.iter().cloned().collect(), entries.forgotten)
    }

    /// The flow of a number.
    pub(super) fn one(&self, flow: u64) -> Option<Arc<Entry>> {
        let entries = self.lock();
        let place = entries.entries.binary_search_by_key(&flow, |entry| entry.flow).ok()?;
        entries.entries.get(place).cloned()
    }

    /// Forgets those that have ended.
    pub(super) fn clear(&self) {
        let mut entries = self.lock();
        let before = entries.entries.len();
        entries.entries.retain(|entry| entry.progress().ended_after.is_none());
        entries.forgotten += (before - entries.entries.len()) as u64;
    }

    /// Keeps what is stored elsewhere, of those that have ended, as far as there is room.
    pub(super) fn copy_stored(&self) {
        let (entries, _) = self.all();
        for entry in entries {
            let stored = {
                let progress = entry.progress();
                progress.ended_after.and_then(|after| Some((progress.content.stored()?, after)))
            };
            if let Some((stored, after)) = stored {
                // Nothing changes it any more.
                let charge = Charge::new(self.room.clone());
                let copied = Content::copied(&*stored, charge, self.keeping.body, entry.received_at + after);
                entry.progress().content = copied;
            }
        }
        self.settle();
    }

    /// How many there are, and how many bytes they take.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.lock().entries.len(), self.room.taken.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let was_there = self.entries.pop_front().is_some();
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
