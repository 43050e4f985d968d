//! The index over recordings, for components.

use wasmtime::{Result, format_err};

use super::{
    bindings::index,
    capability::View,
    library::{Order, Taken},
};

impl index::Host for View<'_> {
    fn put(&mut self, key: Vec<u8>, id: u32) -> Result<()> {
        self.filing()?;
        let memory = self.addon.limits.memory;
        Ok(self.recordings()?.build(|library| library.file(key, id, memory))?)
    }

    fn take(&mut self, key: Vec<u8>, order: index::Order) -> Result<index::Taken> {
        let taken = self.recordings()?.read(|library| library.take(self.session, &key, order.into()));
        Ok(match taken {
            Taken::Exchange(id) => index::Taken::Exchange(id),
            Taken::Used(number) => index::Taken::Used(u32::try_from(number).unwrap_or(u32::MAX)),
            Taken::Unknown => index::Taken::Unknown,
        })
    }

    fn relate(&mut self, topic: Vec<u8>, id: u32) -> Result<()> {
        self.filing()?;
        let memory = self.addon.limits.memory;
        Ok(self.recordings()?.build(|library| library.relate(topic, id, memory))?)
    }

    fn related(&mut self, topic: Vec<u8>, limit: u32) -> Result<Vec<u32>> {
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
