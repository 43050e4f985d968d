//! What was used lately, within a bound.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, mem, sync::PoisonError, sync::RwLock};

/// Values by key. When they take more than half of what they may, they are the older half, and those of the older half that
/// were not asked for since are forgotten.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    halves: RwLock<Halves<K, V>>,
    /// Most bytes of a half.
    most: usize,
}

#[derive(Debug)]
struct Halves<K, V> {
    newer: HashMap<K, (V, usize)>,
    bytes: usize,
    older: HashMap<K, (V, usize)>,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Nothing yet, and never more than `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        let halves = Halves { newer: HashMap::new(), bytes: 0, older: HashMap::new() };
        Self { halves: RwLock::new(halves), most: most / 2 }
    }

    /// The value of a key.
    pub(super) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        {
            let halves = self.halves.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((value, _)) = halves.newer.get(key) {
                return Some(value.clone());
            }
            if !halves.older.contains_key(key) {
                return None;
            }
        }
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        let (key, (value, bytes)) = halves.older.remove_entry(key)?;
        halves.add(key, value.clone(), bytes, self.most);
        Some(value)
    }

    /// Keeps a value that takes so many bytes, with its key. What takes an eighth of all or more is not kept.
    pub(super) fn put(&self, key: K, value: V, bytes: usize) {
        if bytes < self.most / 4 {
            self.halves.write().unwrap_or_else(PoisonError::into_inner).add(key, value, bytes, self.most);
        }
    }
}

impl<K: Eq + Hash, V> Halves<K, V> {
    fn add(&mut self, key: K, value: V, bytes: usize, most: usize) {
        /// What an entry takes in a map.
        const ENTRY: usize = 64;
        let bytes = bytes + ENTRY;
        if self.bytes + bytes > most {
            self.older = mem::take(&mut self.newer);
            self.bytes = 0;
        }
        self.bytes += bytes;
        if let Some((_, before)) = self.newer.insert(key, (value, bytes - ENTRY)) {
            self.bytes -= before + ENTRY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let remembered = Remembered::new(20_000);
        remembered.put(0, "used", 100);
        for number in 1..1000 {
            remembered.put(number, "once", 100);
            assert_eq!(remembered.get(&0), Some("used"));
        }
        assert_eq!(remembered.get(&1), None);
        assert_eq!(remembered.get(&999), Some("once"));
        let halves = remembered.halves.read().expect("nobody panicked");
        let bytes = |half: &HashMap<i32, (&str, usize)>| half.values().map(|(_, bytes)| bytes + 64).sum::<usize>();
        assert_eq!(bytes(&halves.newer), halves.bytes);
        assert!(bytes(&halves.newer) <= 10_000 && bytes(&halves.older) <= 10_000);
    }

    #[test]
    fn a_value_replaces_the_one_before_it() {
        let remembered = Remembered::new(20_000);
        (0..100).for_each(|number| remembered.put("key", number, 2000));
        assert_eq!(remembered.get("key"), Some(99));
        assert_eq!(remembered.halves.read().expect("nobody panicked").bytes, 2064);
    }

    #[test]
    fn what_would_drive_out_the_rest_is_not_kept() {
        let remembered = Remembered::new(20_000);
        remembered.put("key", 1, 2500);
        assert_eq!(remembered.get("key"), None);
    }
}
