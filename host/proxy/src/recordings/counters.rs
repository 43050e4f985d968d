//! Numbers by position, for which room is made as they are needed.

use std::{
    array, iter,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A number for each position, 0 at first. Room is made for those that are asked for, in pages, so that a session which uses
/// little of a large recording takes little.
#[derive(Debug)]
pub(super) struct Counters {
    /// Table *t* has 2^*t* pages.
    tables: [OnceLock<Box<[Page]>>; TABLES],
}

type Page = OnceLock<Box<[AtomicU32]>>;

/// Numbers of a page.
const PAGE: usize = 1024;

/// Together they have room for all positions that 32 bits can tell.
const TABLES: usize = 23;

impl Default for Counters {
    fn default() -> Self {
        Self { tables: array::from_fn(|_| OnceLock::new()) }
    }
}

impl Counters {
    /// The number at a position.
    pub(super) fn get(&self, position: u32) -> u32 {
        let (table, page, place) = locate(position);
        let number = || self.tables.get(table)?.get()?.get(page)?.get()?.get(place);
        number().map_or(0, |number| number.load(Ordering::Relaxed))
    }

    /// Changes the number at a position.
    pub(super) fn change<R>(&self, position: u32, change: impl FnOnce(&AtomicU32) -> R) -> R {
        let (table, page, place) = locate(position);
        let number = || {
            let pages = self.tables.get(table)?.get_or_init(|| filled(1 << table));
            pages.get(page)?.get_or_init(|| filled(PAGE)).get(place)
        };
        // There is a place for every position; where there were none, nothing would be counted.
        match number() {
            Some(number) => change(number),
            None => change(&AtomicU32::new(0)),
        }
    }

    /// Makes all numbers 0 again.
    pub(super) fn clear(&self) {
        let pages = self.tables.iter().filter_map(OnceLock::get).flatten();
        let numbers = pages.filter_map(OnceLock::get).flatten();
        numbers.for_each(|number| number.store(0, Ordering::Relaxed));
    }
}

/// The table, the page in it and the place in that.
fn locate(position: u32) -> (usize, usize, usize) {
    let position = position as usize;
    let page = position / PAGE + 1;
    let table = page.ilog2() as usize;
    (table, page - (1 << table), position % PAGE)
}

fn filled<T: Default>(len: usize) -> Box<[T]> {
    iter::repeat_with(T::default).take(len).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_has_a_number_of_its_own() {
        let counters = Counters::default();
        let positions = [0, 1, 1023, 1024, 3071, 3072, 1 << 20, u32::MAX];
        for (step, &position) in (1..).zip(&positions) {
            assert_eq!(counters.get(position), 0);
            counters.change(position, |number| number.fetch_add(step, Ordering::Relaxed));
        }
        let numbers: Vec<u32> = positions.iter().map(|&position| counters.get(position)).collect();
        assert_eq!(numbers, (1..=8).collect::<Vec<u32>>());
        counters.clear();
        assert!(positions.iter().all(|&position| counters.get(position) == 0));
    }

    #[test]
    fn the_last_position_fits_into_the_last_table() {
        let (table, page, _) = locate(u32::MAX);
        assert!(table < TABLES && page < 1 << table);
    }
}
