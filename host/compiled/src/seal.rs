//! Telling artefacts from what is not one: each is sealed with a key that lies in the same folder.

use std::{
    hash::{Hash, Hasher},
    io,
};

use ring::{
    digest::{self, SHA256, SHA256_OUTPUT_LEN},
    hmac::{self, HMAC_SHA256},
    rand::{SecureRandom, SystemRandom},
};
use wasmtime::Engine;

use crate::folder::Folder;

/// The key of a folder. Whoever knows it can make artefacts: only the owner of the folder can read it.
#[derive(Debug)]
pub(crate) struct Seal(hmac::Key);

impl Seal {
    /// That of a folder, with a new key if there is none that can be used. Then what was sealed before is of no use.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(crate) fn of(folder: &Folder) -> io::Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match folder.read(KEY, KEY_BYTES as u64) {
                Ok(key) if key.len() == KEY_BYTES => return Ok(Self(hmac::Key::new(HMAC_SHA256, &key))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // Cut, or something else of this name.
                Ok(_) | Err(_) => folder.remove(KEY)?,
            }
            let mut key = [0; KEY_BYTES];
            SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("there is no randomness"))?;
            // Another process may have been faster: then its key is read.
            if let Err(error) = folder.create(KEY, &key)
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                last = Some(error);
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("its key is replaced all the time")))
    }

    /// The seal for an artefact, which only fits the component and the engine that it has its name from.
    pub(crate) fn of_artefact(&self, name: &Name, artefact: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
        let mut seal = [0; SHA256_OUTPUT_LEN];
        for (to, from) in seal.iter_mut().zip(hmac::sign(&self.of_name(name), artefact).as_ref()) {
            *to = *from;
        }
        seal
    }

    /// The artefact behind a seal, if it is the one of that name, made in this folder.
    pub(crate) fn open<'s>(&self, name: &Name, sealed: &'s [u8]) -> Option<&'s [u8]> {
        let (seal, artefact) = sealed.split_at_checked(SHA256_OUTPUT_LEN)?;
        hmac::verify(&self.of_name(name), artefact, seal).ok()?;
        Some(artefact)
    }

    /// A key for one name, so that an artefact under the name of another does not fit.
    fn of_name(&self, name: &Name) -> hmac::Key {
        hmac::Key::new(HMAC_SHA256, hmac::sign(&self.0, name.0.as_bytes()).as_ref())
    }
}

/// The name of the key's file.
pub(crate) const KEY: &str = "key";

const KEY_BYTES: usize = 32;

/// Two processes that start at once need two at most.
const ATTEMPTS: usize = 4;

/// The name of an artefact: a hash over all that decides what it is.
#[derive(Debug)]
pub(crate) struct Name(String);

impl Name {
    /// That of a component as an engine compiles it.
    pub(crate) fn of(engine: &Engine, bytes: &[u8]) -> Self {
        let mut context = digest::Context::new(&SHA256);
        context.update(digest::digest(&SHA256, COMPILER).as_ref());
        engine.precompile_compatibility_hash().hash(&mut Digesting(&mut context));
        // Last, as it is the only part of which the length is not fixed by those before.
        context.update(bytes);
        let hash = context.finish();
        Self(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// As a file's.
    pub(crate) fn file(&self) -> &str {
        &self.0
    }
}

/// All versions of all parts of the compiler. The engine's own settings name its major version only, and a later patch may
/// mend what an earlier one compiled wrong.
const COMPILER: &[u8] = include_bytes!("../../../Cargo.lock");

/// Hashes what can be hashed into a digest.
struct Digesting<'c>(&'c mut digest::Context);

impl Hasher for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks: the digest is what counts.
    fn finish(&self) -> u64 {
        0
    }
}
