//! Recordings and the index over them, shared by all instances of an addon.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use recording::Recording;

use super::RecordedFlows;
use crate::addon::memory::OutOfMemory;

/// An addon's recordings, and its table from keys to ids.
#[derive(Debug, Default)]
pub struct Library {
    recordings: Vec<Arc<RecordedFlows>>,
    /// For each id: which recording, and which exchange of it.
    places: Vec<(usize, usize)>,
    index: HashMap<Box<[u8]>, Entry>,
    /// What the index takes.
    index_bytes: usize,
}

#[derive(Debug, Default)]
struct Entry {
    ids: Vec<u32>,
    taken: AtomicU64,
}

/// What a key of the index takes beside its bytes, and what an id of it does.
const KEY: usize = 96;
const ID: usize = 8;

/// What the index may take for each exchange that the user had loaded, beyond the addon's memory: as much as a long key
/// under which it is filed, and shorter ones to find it by.
const FOR_EACH_EXCHANGE: usize = 16 * 1024;

impl Library {
    /// Adds the exchanges of a recording; how many there are.
    pub fn add(&mut self, recording: Recording) -> usize {
        let position = self.recordings.len();
        let exchanges = recording.exchanges().len();
        self.places.extend((0..exchanges).map(|exchange| (position, exchange)));
        self.recordings.push(Arc::new(RecordedFlows::new(recording)));
        exchanges
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
        Some((self.recordings.get(recording)?, exchange))
    }

    /// Appends an id to a key. `memory` is that of the addon.
    ///
    /// # Errors
    /// When the index has become larger than such recordings can need.
    pub fn file(&mut self, key: Vec<u8>, id: u32, memory: usize) -> Result<(), OutOfMemory> {
        let most = memory.saturating_add(self.places.len().saturating_mul(FOR_EACH_EXCHANGE));
        let new = if self.index.contains_key(key.as_slice()) { 0 } else { KEY + key.len() };
        let bytes = self.index_bytes.saturating_add(new + ID);
        if bytes > most {
            return Err(OutOfMemory);
        }
        self.index_bytes = bytes;
        self.index.entry(key.into_boxed_slice()).or_default().ids.push(id);
        Ok(())
    }

    /// The ids of a key.
    pub fn ids(&self, key: &[u8]) -> &[u32] {
        self.index.get(key).map_or(&[], |entry| &entry.ids)
    }

    /// Takes the counter of a key, and adds one to it.
    pub fn take(&self, key: &[u8]) -> Option<u64> {
        self.index.get(key).map(|entry| entry.taken.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_over_nothing_is_bounded_by_the_addons_memory() {
        let mut library = Library::default();
        let mut filed = 0;
        while library.file(vec![b'a'; 1000], filed, 10_000).is_ok() {
            filed += 1;
        }
        assert_eq!(library.ids(&[b'a'; 1000]).len(), filed as usize);
        assert!((1000..1250).contains(&filed), "{filed}");
        assert_eq!(library.file(vec![b'b'; 1000], 0, 10_000), Err(OutOfMemory));
    }

    #[test]
    fn a_counter_counts_for_keys_that_have_ids() {
        let mut library = Library::default();
        library.file(b"key".to_vec(), 7, 1000).expect("there is room");
        assert_eq!((library.take(b"key"), library.take(b"key"), library.take(b"other")), (Some(0), Some(1), None));
        assert!(library.ids(b"other").is_empty());
    }
}
