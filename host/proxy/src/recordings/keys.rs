//! Keys that an addon made of requests, for the next requests that are the same in all that it looked at.

use std::sync::{Arc, PoisonError, RwLock};

use super::remembered::Remembered;
use crate::{addon::handles::Asked, flow::Request};

/// Keys by the answers that requests gave to what the addon asked.
#[derive(Debug)]
pub(super) struct Keys {
    /// What was asked of requests. Most addons ask the same of nearly all.
    asked: RwLock<Vec<Asked>>,
    /// By the number of what was asked, and the answers.
    keys: Remembered<Box<[u8]>, Arc<[u8]>>,
}

/// Most bytes of keys and answers.
const MOST_BYTES: usize = 8 << 20;

/// Of how many ways to ask keys are remembered: each is tried in turn.
const MOST_ASKED: usize = 8;

impl Default for Keys {
    fn default() -> Self {
        Self { asked: RwLock::default(), keys: Remembered::new(MOST_BYTES) }
    }
}

impl Keys {
    /// The key of a request that is like one of before.
    pub(super) fn of(&self, request: &Request) -> Option<Arc<[u8]>> {
        let known = self.asked.read().unwrap_or_else(PoisonError::into_inner);
        let key = |(number, asked): (u8, &Asked)| self.keys.get(place(number, asked, request)?.as_slice());
        (0..).zip(known.iter()).find_map(key)
    }

    /// Remembers the key of a request of which this was asked to make it.
    pub(super) fn remember(&self, asked: Asked, request: &Request, key: &[u8]) {
        let Some((number, asked)) = self.number(asked) else { return };
        let Some(place) = place(number, &asked, request) else { return };
        let bytes = place.len() + key.len();
        self.keys.put(place.into(), key.into(), bytes);
    }

    fn number(&self, asked: Asked) -> Option<(u8, Asked)> {
        let find = |known: &[Asked]| (0..).zip(known).find(|(_, known)| **known == asked).map(|(number, _)| number);
        let known = find(&self.asked.read().unwrap_or_else(PoisonError::into_inner));
        let number = known.or_else(|| {
            let mut all = self.asked.write().unwrap_or_else(PoisonError::into_inner);
            find(&all).or_else(|| {
                let number = u8::try_from(all.len()).ok().filter(|_| all.len() < MOST_ASKED)?;
                all.push(asked.clone());
                Some(number)
            })
        });
        Some((number?, asked))
    }
}

fn place(number: u8, asked: &Asked, request: &Request) -> Option<Vec<u8>> {
    let mut place = asked.answers(request)?;
    place.push(number);
    Some(place)
}
