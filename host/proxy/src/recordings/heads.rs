//! Heads that an addon made of recorded ones, for the requests of the same second.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::flow::ResponseHead;

/// Heads of responses by the exchange, all of one second.
#[derive(Debug, Default)]
pub(super) struct Heads(RwLock<OfSecond>);

#[derive(Debug, Default)]
struct OfSecond {
    second: u64,
    heads: HashMap<u32, Arc<ResponseHead>>,
    bytes: usize,
}

/// Most bytes of heads.
const MOST_BYTES: usize = 8 << 20;

/// What a field line takes beside its bytes, and a head beside its lines.
const LINE: usize = 128;
const HEAD: usize = 256;

impl Heads {
    /// The head of an exchange's response for a request that was received at this time.
    pub(super) fn of(&self, id: u32, received_at: SystemTime) -> Option<Arc<ResponseHead>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.heads.get(&id).filter(|_| kept.second == second(received_at)).cloned()
    }

    /// Remembers it. Of a second that is over nothing is of use.
    pub(super) fn remember(&self, id: u32, received_at: SystemTime, head: &Arc<ResponseHead>) {
        let lines = head.fields.map().iter().map(|(name, value)| name.as_str().len() + value.len() + LINE);
        let bytes = lines.sum::<usize>() + HEAD;
        let second = second(received_at);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if second > kept.second {
            *kept = OfSecond { second, ..OfSecond::default() };
        }
        if second == kept.second && kept.bytes + bytes <= MOST_BYTES && !kept.heads.contains_key(&id) {
            kept.bytes += bytes;
            kept.heads.insert(id, head.clone());
        }
    }
}

fn second(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{StatusCode, Version};

    use super::*;
    use crate::flow::Fields;

    #[test]
    fn a_head_is_good_for_its_second() {
        let status = StatusCode::OK;
        let head =
            Arc::new(ResponseHead { status, reason: None, version: Version::HTTP_11, fields: Fields::default() });
        let at = |milliseconds| UNIX_EPOCH + Duration::from_millis(milliseconds);
        let heads = Heads::default();
        heads.remember(7, at(1900), &head);
        assert!(heads.of(7, at(1000)).is_some() && heads.of(7, at(1999)).is_some());
        assert!(heads.of(7, at(2000)).is_none() && heads.of(8, at(1900)).is_none());
        heads.remember(8, at(2100), &head);
        assert!(heads.of(7, at(2100)).is_none() && heads.of(8, at(2100)).is_some());
        // A flow that took long to get here.
        heads.remember(9, at(1950), &head);
        assert!(heads.of(9, at(1950)).is_none() && heads.of(8, at(2100)).is_some());
    }
}
