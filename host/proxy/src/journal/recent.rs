//! Recent flows, bounded in number and bytes.

use std::{
    array,
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use control::Stage;

use super::{Content, Ended, Entry, FrameDecoder, Frames, Keeping, shown};
use crate::flow::Body;

/// Recent flows. When there are too many, those that ended first are forgotten.
///
/// Each thread has a shelf of its own, so that threads do not wait for each other and do not take memory from each other's
/// caches. What is too much is forgotten now and then, and before somebody looks.
#[derive(Debug)]
pub(super) struct Recent {
    keeping: Keeping,
    shelves: [Mutex<Shelf>; SHELVES],
    /// What bodies take.
    room: Arc<Room>,
    forgotten: AtomicUsize,
}

/// As many as keep most threads apart.
const SHELVES: usize = 8;

/// Flows that may end on a shelf, and bytes that they may take, until it is looked whether there are too many.
const MOST_UNSETTLED: usize = 64;
const MOST_UNSETTLED_BYTES: usize = 256 << 10;

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shelf {
    /// Those under way, in no order.
    live: Vec<Arc<Entry>>,
    /// In the order in which they ended.
    ended: VecDeque<Ended>,
    /// The numbers of these, by which they are found without each of them being looked at.
    numbers: VecDeque<u64>,
    /// What these take, but for bodies that arrived.
    bytes: usize,
    unsettled: usize,
    unsettled_bytes: usize,
}

/// The bytes that bodies of recent flows take together.
#[derive(Debug)]
struct Room {
    most: usize,
    taken: AtomicUsize,
}

/// What one body takes of the room. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    room: Arc<Room>,
    taken: AtomicUsize,
}

impl Recent {
    /// None yet.
    pub(super) fn new(keeping: Keeping) -> Self {
        let room = Arc::new(Room { most: keeping.bytes, taken: AtomicUsize::new(0) });
        Self { keeping, shelves: array::from_fn(|_| Mutex::default()), room, forgotten: AtomicUsize::new(0) }
    }

    /// What is kept of a body.
    pub(super) fn content(&self, body: &Body) -> Content {
        match body {
            Body::Empty => Content::Empty,
            Body::Live(_) => Content::arriving(body, Charge::new(self.room.clone()), self.keeping.body),
            _ => Content::here(body, self.keeping.body),
        }
    }

    /// What is kept of the messages that a decoder finds, which is made for their largest size.
    pub(super) fn frames(&self, decoder: impl FnOnce(usize) -> Option<Box<dyn FrameDecoder>>) -> Option<Frames> {
        let limit = self.keeping.body;
        Some(Frames::new(decoder(limit)?, Charge::new(self.room.clone()), limit))
    }

    /// Adds a flow that begins on the shelf of a number.
    pub(super) fn add(&self, shelf: usize, entry: Arc<Entry>) {
        self.lock(shelf).live.push(entry);
    }

    /// A flow has ended that began on the shelf of a number.
    pub(super) fn end(&self, shelf: usize, entry: &Entry) {
        let ended = Ended::of(entry);
        let mut shelf = self.lock(shelf);
        if let Some(place) = shelf.live.iter().rposition(|live| live.flow == entry.flow) {
            shelf.live.swap_remove(place);
        }
        let bytes = ended.bytes;
        shelf.numbers.push_back(ended.flow);
        shelf.ended.push_back(ended);
        shelf.bytes += bytes;
        shelf.unsettled += 1;
        shelf.unsettled_bytes += bytes;
        let is_settled = shelf.unsettled < MOST_UNSETTLED.min(self.keeping.flows / 16)
            && shelf.unsettled_bytes < MOST_UNSETTLED_BYTES;
        if is_settled && !self.room.is_scarce() {
            return;
        }
        drop(shelf);
        self.settle(&mut self.all_shelves());
    }

    /// Forgets the flows that ended first until there are few enough, and until a part of the room is free: a body that arrives
    /// is only kept while there is room.
    fn settle(&self, shelves: &mut [MutexGuard<'_, Shelf>; SHELVES]) {
        for shelf in shelves.iter_mut() {
            (shelf.unsettled, shelf.unsettled_bytes) = (0, 0);
        }
        let is_too_much = |shelves: &[MutexGuard<'_, Shelf>; SHELVES]| {
            let flows: usize = shelves.iter().map(|shelf| shelf.live.len() + shelf.ended.len()).sum();
            let bytes: usize = shelves.iter().map(|shelf| shelf.bytes).sum();
            flows > self.keeping.flows || self.room.is_scarce_with(bytes)
        };
        while is_too_much(shelves) {
            let first = shelves.iter_mut().filter(|shelf| !shelf.ended.is_empty());
            let Some(shelf) = first.min_by_key(|shelf| shelf.ended.front().map(Ended::ended_at)) else { return };
            shelf.numbers.pop_front();
            if let Some(oldest) = shelf.ended.pop_front() {
                shelf.bytes -= oldest.bytes;
                self.forgotten.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// All of them, the oldest first, and how many are forgotten.
    pub(super) fn all(&self) -> (Vec<Arc<Entry>>, u64) {
        let mut all = Vec::new();
        {
            let mut shelves = self.all_shelves();
            self.settle(&mut shelves);
            for shelf in &shelves {
                all.extend(shelf.live.iter().cloned());
                all.extend(shelf.ended.iter().map(|ended| Arc::new(ended.entry())));
            }
        }
        all.sort_unstable_by_key(|entry| entry.flow);
        (all, self.forgotten())
    }

    /// The numbers of all of them in ascending order, and how far they have come.
    pub(super) fn stages(&self) -> Vec<(u64, Stage)> {
        let mut all = Vec::with_capacity(self.keeping.flows);
        {
            let mut shelves = self.all_shelves();
            self.settle(&mut shelves);
            for shelf in &shelves {
                all.extend(shelf.numbers.iter().map(|flow| (*flow, Stage::Ended)));
                all.extend(shelf.live.iter().map(|entry| (entry.flow, shown::stage(&entry.progress()))));
            }
        }
        // Mostly made of runs that are in order, which this one makes use of.
        all.sort_by_key(|(flow, _)| *flow);
        all
    }

    /// How many have been forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed) as u64
    }

    /// The flow of a number.
    pub(super) fn one(&self, flow: u64) -> Option<Arc<Entry>> {
        self.some(&[flow]).pop()
    }

    /// Those of these flows that are kept, in ascending order as their numbers are.
    pub(super) fn some(&self, flows: &[u64]) -> Vec<Arc<Entry>> {
        let is_wanted = |flow: &u64| flows.binary_search(flow).is_ok();
        let mut found: Vec<Arc<Entry>> = Vec::with_capacity(flows.len());
        // One after the other: a flow ends on the shelf that it began on.
        for number in 0..SHELVES {
            let shelf = self.lock(number);
            found.extend(shelf.live.iter().filter(|live| is_wanted(&live.flow)).cloned());
            // The latest are wanted most often.
            let mut numbers = shelf.numbers.iter().enumerate().rev();
            while found.len() < flows.len()
                && let Some((place, _)) = numbers.find(|(_, flow)| is_wanted(flow))
            {
                found.extend(shelf.ended.get(place).map(|ended| Arc::new(ended.entry())));
            }
        }
        found.sort_unstable_by_key(|entry| entry.flow);
        found
    }

    /// Forgets those that have ended.
    pub(super) fn clear(&self) {
        for mut shelf in self.all_shelves() {
            let ended = std::mem::take(&mut shelf.ended);
            shelf.numbers.clear();
            shelf.bytes = 0;
            self.forgotten.fetch_add(ended.len(), Ordering::Relaxed);
        }
    }

    /// Keeps what is stored elsewhere, of those that have ended, as far as there is room.
    pub(super) fn copy_stored(&self) {
        for number in 0..SHELVES {
            let stored = |ended: &Ended| Some((ended.flow, ended.response.stored()?, ended.ended_at()));
            let all: Vec<_> = self.lock(number).ended.iter().filter_map(stored).collect();
            for (flow, stored, ended_at) in all {
                let copied = Content::copied(&*stored, Charge::new(self.room.clone()), self.keeping.body, ended_at);
                let mut shelf = self.lock(number);
                if let Some(ended) = shelf.ended.iter_mut().find(|ended| ended.flow == flow) {
                    ended.response = copied;
                }
            }
        }
        self.settle(&mut self.all_shelves());
    }

    /// How many there are, and how many bytes they take.
    pub(super) fn size(&self) -> (usize, usize) {
        let mut shelves = self.all_shelves();
        self.settle(&mut shelves);
        let of = |shelf: &MutexGuard<'_, Shelf>| (shelf.live.len() + shelf.ended.len(), shelf.bytes);
        let add = |(flows, bytes), (more, taken)| (flows + more, bytes + taken);
        shelves.iter().map(of).fold((0, self.room.taken.load(Ordering::Relaxed)), add)
    }

    fn lock(&self, number: usize) -> MutexGuard<'_, Shelf> {
        let [first, ..] = &self.shelves;
        self.shelves.get(number).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In the same order always, so that nobody waits for somebody who waits for him.
    fn all_shelves(&self) -> [MutexGuard<'_, Shelf>; SHELVES] {
        array::from_fn(|number| self.lock(number))
    }
}

/// The number of the shelf of this thread.
pub(super) fn shelf_of_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHELF: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHELVES;
    }
    SHELF.with(|shelf| *shelf)
}

impl Room {
    /// Whether less than a quarter is free.
    fn is_scarce(&self) -> bool {
        self.is_scarce_with(0)
    }

    /// The same where so many bytes are taken beside it.
    fn is_scarce_with(&self, bytes: usize) -> bool {
        self.taken.load(Ordering::Relaxed).saturating_add(bytes) > self.most / 4 * 3
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
