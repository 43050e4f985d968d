//! The index over recordings, for components.

use std::sync::Arc;

use wasmtime::{Result, component::Resource, format_err};

use super::{
    bindings::index,
    capability::View,
    library::{Order, Taken},
};
use crate::addon::handles::RequestHandle;

/// Most bytes of a key: it is hashed in one go, which nobody interrupts.
const LONGEST_KEY: usize = 1 << 20;

/// The trap that ends a call with a key that is too long.
#[derive(Debug, thiserror::Error)]
#[error("a key of the index has {0} bytes, and at most {LONGEST_KEY} are taken; what may be longer has to be hashed")]
struct LongKey(usize);

fn check(key: &[u8]) -> Result<(), LongKey> {
    if key.len() > LONGEST_KEY { Err(LongKey(key.len())) } else { Ok(()) }
}

impl index::Host for View<'_> {
    fn put(&mut self, key: Vec<u8>, id: u32) -> Result<()> {
        self.filing()?;
        check(&key)?;
        let memory = self.addon.limits.memory;
        Ok(self.recordings()?.build(|library| library.file(key, id, memory))?)
    }

    fn take_remembered(
        &mut self,
        request: Resource<RequestHandle>,
        order: index::Order,
    ) -> Result<Option<index::Taken>> {
        let recordings = self.recordings()?;
        let key = recordings.keys.of(self.handles.request(&request)?);
        if key.is_none() {
            self.handles.note_asked(&request)?;
        }
        let take = |key: Arc<[u8]>| recordings.read(|library| library.take(self.session, &key, order.into())).into();
        Ok(key.map(take))
    }

    fn take(&mut self, request: Resource<RequestHandle>, key: Vec<u8>, order: index::Order) -> Result<index::Taken> {
        check(&key)?;
        let recordings = self.recordings()?;
        if let Some(asked) = self.handles.take_asked(&request)? {
            recordings.keys.remember(asked, self.handles.request(&request)?, &key);
        }
        Ok(recordings.read(|library| library.take(self.session, &key, order.into())).into())
    }

    fn relate(&mut self, topic: Vec<u8>, id: u32) -> Result<()> {
        self.filing()?;
        check(&topic)?;
        let memory = self.addon.limits.memory;
        Ok(self.recordings()?.build(|library| library.relate(topic, id, memory))?)
    }

    fn related(&mut self, topic: Vec<u8>, limit: u32) -> Result<Vec<u32>> {
        check(&topic)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.recordings()?.read(|library| library.related(&topic).iter().take(limit).copied().collect()))
    }

    fn hits(&mut self, id: u32) -> Result<u32> {
        let hits = self.recordings()?.read(|library| library.hits(Some(self.session), id));
        Ok(u32::try_from(hits).unwrap_or(u32::MAX))
    }

    fn answers(&mut self, id: u32) -> Result<bool> {
        Ok(self.recordings()?.read(|library| library.is_answer(id)))
    }

    fn forget(&mut self) -> Result<()> {
        self.recordings()?.read(|library| library.forget(Some(self.session)));
        Ok(())
    }
}

impl View<'_> {
    fn filing(&self) -> Result<()> {
        if self.is_configuring {
            return Ok(());
        }
        Err(format_err!("the index can only be filled while the addon is configured"))
    }
}

impl From<Taken> for index::Taken {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Exchange(id) => Self::Exchange(id),
            Taken::Used(number) => Self::Used(u32::try_from(number).unwrap_or(u32::MAX)),
            Taken::Unknown => Self::Unknown,
        }
    }
}

impl From<index::Order> for Order {
    fn from(order: index::Order) -> Self {
        match order {
            index::Order::Once => Self::Once,
            index::Order::First => Self::First,
            index::Order::Last => Self::Last,
            index::Order::Cycle => Self::Cycle,
            index::Order::Stick => Self::Stick,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded() {
        assert!(check(&[0; LONGEST_KEY]).is_ok());
        let refused = check(&[0; LONGEST_KEY + 1]).expect_err("it is too long");
        let said =
            "a key of the index has 1048577 bytes, and at most 1048576 are taken; what may be longer has to be hashed";
        assert_eq!(refused.to_string(), said);
    }
}
