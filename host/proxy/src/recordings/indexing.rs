//! The index over recordings, for components.

use super::{bindings::index, capability::View};

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
    fn put(&mut self, key: Vec<u8>, id: u32) -> wasmtime::Result<()> {
        if !self.is_configuring {
            return Err(wasmtime::format_err!("the index can only be filled while the addon is configured"));
        }
        check(&key)?;
        let memory = self.addon.limits.memory;
        Ok(self.recordings()?.build(|library| library.file(key, id, memory))?)
    }

    fn size(&mut self, key: Vec<u8>) -> wasmtime::Result<u32> {
        check(&key)?;
        let size = self.recordings()?.read(|library| library.ids(&key).len());
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    fn at(&mut self, key: Vec<u8>, position: u32) -> wasmtime::Result<Option<u32>> {
        check(&key)?;
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        Ok(self.recordings()?.read(|library| library.ids(&key).get(position).copied()))
    }

    fn next(&mut self, key: Vec<u8>) -> wasmtime::Result<Option<u64>> {
        check(&key)?;
        Ok(self.recordings()?.read(|library| library.take(&key)))
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
