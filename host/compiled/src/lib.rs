//! Compiled components, kept on disk from one start to the next.
//!
//! What is kept is native code, and whoever can have other code executed in its place owns the process. So a [`Cache`] is a
//! folder that nobody but its owner can touch, and no artefact is executed before it was verified: that it was made here, of
//! this component, by this engine and this version of the compiler. What was cut, changed, swapped or made by another build is
//! compiled again. Where there is no such folder, components are compiled at each start.
//!
//! `folder` is the folder and the files in it, `seal` how artefacts are told from what is not one.

mod folder;
mod seal;

use std::path::Path;

use wasmtime::{Engine, component::Component};

pub use folder::Unusable;
use folder::{Bounds, Folder};
use seal::{Name, Seal};

/// Compiled components in a folder. Several processes may use one folder at once.
#[derive(Debug)]
pub struct Cache {
    folder: Folder,
    seal: Seal,
}

impl Cache {
    /// The cache in a folder, which is made if it is not there, with the folders that it is in.
    ///
    /// # Errors
    /// When it is not a folder of the process's own user that nobody else may use, or its key can neither be read nor
    /// written.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let folder = Folder::open(path)?;
        let seal = Seal::of(&folder).map_err(|source| Unusable::Failed { path: path.to_owned(), source })?;
        Ok(Self { folder, seal })
    }

    /// Compiles a component, or finds it compiled. It is kept if there is room; if there is not, only time is lost.
    ///
    /// # Errors
    /// When the bytes are not a component that the engine can compile.
    pub fn compile(&self, engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
        let name = Name::of(engine, bytes);
        if let Some(component) = self.find(engine, &name) {
            return Ok(component);
        }
        let component = Component::new(engine, bytes)?;
        if let Ok(artefact) = component.serialize() {
            let _ = self.folder.replace(name.file(), &[&self.seal.of_artefact(&name, &artefact), &artefact]);
            self.folder.evict(&BOUNDS);
        }
        Ok(component)
    }

    fn find(&self, engine: &Engine, name: &Name) -> Option<Component> {
        let sealed = self.folder.read(name.file(), LARGEST).ok()?;
        let artefact = self.seal.open(name, &sealed)?;
        // SAFETY: `deserialize` must be given what `serialize` gave. The seal was made over these very bytes, which are in
        // memory of ours by now, with a key that no other user can read, and only `compile` seals anything: what the
        // compiler made of this component with these settings.
        #[expect(unsafe_code, reason = "there is no safe way to load compiled code, which is what this crate is for")]
        let component = unsafe { Component::deserialize(engine, artefact) };
        let component = component.ok()?;
        self.folder.touch(name.file());
        Some(component)
    }
}

/// Largest artefact that is read: far more than the largest component that is compiled becomes.
const LARGEST: u64 = 1 << 30;

/// How much is kept. What was not used for longest goes first.
const BOUNDS: Bounds = Bounds { files: 64, bytes: 2 << 30 };

#[cfg(test)]
mod tests;
