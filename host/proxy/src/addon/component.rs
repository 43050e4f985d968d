//! Finding components, and telling them from what is not one.

use std::{borrow::Cow, io, path::PathBuf};

use bytes::Bytes;

use super::extent::{self, Excess};

/// Largest file that is taken for an addon.
const LARGEST: u64 = 64 << 20;

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It ships with the host, under this name.
    Shipped(String),
    /// It is a file.
    File(PathBuf),
    /// It was handed over while the host runs, under this name.
    Uploaded {
        /// The name.
        name: String,
        /// The component.
        bytes: Bytes,
    },
}

impl Source {
    /// The name that messages and `--help` use.
    pub fn name(&self) -> String {
        match self {
            Self::Shipped(name) | Self::Uploaded { name, .. } => name.clone(),
            Self::File(path) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// The place, for messages.
    pub fn place(&self) -> String {
        match self {
            Self::Shipped(name) => format!("{name} (shipped)"),
            Self::File(path) => path.display().to_string(),
            Self::Uploaded { name, .. } => format!("{name} (uploaded)"),
        }
    }

    /// The component's bytes.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a component and cannot be made one.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, ComponentError> {
        match self {
            Self::Shipped(name) => match shipped::find(name) {
                Some(shipped) => Ok(shipped.bytes.into()),
                None => Err(ComponentError::Unknown {
                    name: name.clone(),
                    shipped: shipped::names().collect::<Vec<_>>().join(", "),
                }),
            },
            Self::File(path) => {
                let unreadable = |source| ComponentError::Read { path: path.clone(), source };
                let bytes = regular_file::read(path, LARGEST).map_err(unreadable)?;
                extent::check(&bytes).map_err(|source| ComponentError::TooMuch { path: path.clone(), source })?;
                Ok(componentise(path, bytes)?.into())
            }
            Self::Uploaded { name, bytes } => {
                let path = PathBuf::from(name);
                extent::check(bytes).map_err(|source| ComponentError::TooMuch { path: path.clone(), source })?;
                Ok(componentise(&path, bytes.to_vec())?.into())
            }
        }
    }
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// No file and no shipped addon.
    #[error("there is no addon `{name}`: no such file, and what ships is {shipped}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What ships.
        shipped: String,
    },
    /// The file cannot be read.
    #[error("cannot read addon `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// To compile it would take more than an addon may.
    #[error("cannot load addon `{}`: it would take too much to compile", path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// What there is too much of.
        source: Excess,
    },
    /// The file is something else.
    #[error("`{}` is {found}, not a WebAssembly component; {advice}", path.display())]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What to do.
        advice: String,
    },
}

/// The advice that fits most.
const BUILD: &str = "build one with `cargo build --release --target wasm32-wasip2`";

fn componentise(path: &std::path::Path, bytes: Vec<u8>) -> Result<Vec<u8>, ComponentError> {
    let refuse = |found, advice: String| Err(ComponentError::NotAComponent { path: path.to_owned(), found, advice });
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(bytes),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => match wit_component::metadata::decode(&bytes) {
            Ok((Some(_), _)) => encode(&bytes).or_else(|why| {
                refuse("a core module whose component metadata does not fit it", format!("{why}; {BUILD}"))
            }),
            Ok((None, _)) => refuse("a core module without component metadata", BUILD.to_owned()),
            Err(error) => refuse("a core module with unreadable component metadata", format!("{error:#}; {BUILD}")),
        },
        Some([0, b'a', b's', b'm', ..]) => refuse("WebAssembly of an unknown version", BUILD.to_owned()),
        Some([0x7f, b'E', b'L', b'F', ..]) => {
            refuse("native or precompiled code, which is never executed", "give the `.wasm` file itself".to_owned())
        }
        Some([b'(', ..]) => refuse("WebAssembly text", "assemble it first".to_owned()),
        None => refuse("an empty or cut file", BUILD.to_owned()),
        _ => refuse("some other file", BUILD.to_owned()),
    }
}

/// Makes a component of a core module that carries the description of its interfaces.
fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        componentise("x.wasm".as_ref(), bytes.to_vec()).expect_err("must be refused").to_string()
    }

    #[test]
    fn what_is_no_component_is_named_with_what_to_do() {
        assert_eq!(
            refusal(b"\0asm\x01\0\0\0"),
            "`x.wasm` is a core module without component metadata, not a WebAssembly component; build one with `cargo \
             build --release --target wasm32-wasip2`"
        );
        assert_eq!(
            refusal(b"\x7fELF...."),
            "`x.wasm` is native or precompiled code, which is never executed, not a WebAssembly component; give the \
             `.wasm` file itself"
        );
        assert_eq!(
            refusal(b"(component)"),
            "`x.wasm` is WebAssembly text, not a WebAssembly component; assemble it first"
        );
        assert!(refusal(b"").contains("an empty or cut file"));
        assert!(refusal(b"#!/bin/sh").contains("some other file"));
    }
}
