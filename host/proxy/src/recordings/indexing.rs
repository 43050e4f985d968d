//! The index over recordings, for components.

use super::{bindings::index, capability::View};

impl index::Host for View<'_> {
    fn put(&mut self, key: Vec<u8>, id: u32) -> wasmtime::Result<()> {
        if !self.is_configuring {
            return Err(wasmtime::format_err!("the index can only be filled while the addon is configured"));
        }
        let memory = self.addon.limits.memory;
        Ok(self.recordings()?.build(|library| library.file(key, id, memory))?)
    }

    fn size(&mut self, key: Vec<u8>) -> wasmtime::Result<u32> {
        let size = self.recordings()?.read(|library| library.ids(&key).len());
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    fn at(&mut self, key: Vec<u8>, position: u32) -> wasmtime::Result<Option<u32>> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(self.recordings()?.read(|library| library.ids(&key).get(position).copied()))
    }

    fn next(&mut self, key: Vec<u8>) -> wasmtime::Result<Option<u64>> {
        Ok(self.recordings()?.read(|library| library.take(&key)))
    }
}
