//! What the configuration takes from around it, and the components that it names.

use std::path::{Path, PathBuf};

use super::{ConfigError, document::Located, suggest::nearest};
use crate::addon::Source;

/// What the configuration takes from around it.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// What relative paths on the command line start from; empty for the current folder.
    pub folder: PathBuf,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// A filter for the log, for when the command line says nothing of it.
    pub log: Option<String>,
    /// The names of the components inside the binary.
    pub shipped: Vec<String>,
}

impl Environment {
    /// The environment of this process: `HOME` and `PROXYHOST_LOG`.
    pub fn of_process<'a>(shipped: impl IntoIterator<Item = &'a str>) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            folder: PathBuf::new(),
            home: set("HOME").map(PathBuf::from),
            log: set("PROXYHOST_LOG").map(|filter| filter.to_string_lossy().into_owned()),
            shipped: shipped.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The path that a text names: relative ones start from `folder`, and `~/` is the home folder.
    pub fn path(&self, text: &str, folder: &Path) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => folder.join(text),
        }
    }

    /// The component that a text names: a file that exists, or else a shipped one, with or without `.wasm`.
    /// `what` it is to be is for messages.
    ///
    /// # Errors
    /// When there is neither.
    pub fn component(&self, what: &str, text: &str, folder: &Path) -> Result<Source, ConfigError> {
        let path = self.path(text, folder);
        if path.is_file() {
            return Ok(Source::File(path));
        }
        let name = text.strip_suffix(".wasm").unwrap_or(text);
        if self.shipped.iter().any(|shipped| shipped == name) {
            return Ok(Source::Shipped(name.to_owned()));
        }
        // Whoever reads it says what is there instead of a file.
        if !text.is_empty() && path.exists() {
            return Ok(Source::File(path));
        }
        let shipped = || self.shipped.iter().map(String::as_str);
        let error = ConfigError::new(format_args!(
            "cannot find {what} `{text}`: there is no such file, and nothing of that name ships"
        ));
        Err(match nearest(name, shipped()) {
            Some(near) => error.did_you_mean(Some(near)),
            None => error.hint(format_args!("what ships is {}", shipped().collect::<Vec<_>>().join(", "))),
        })
    }

    /// The plugs that a file names.
    pub(super) fn plugs<'a>(
        &self,
        named: impl IntoIterator<Item = &'a Located<String>>,
        folder: &Path,
    ) -> Result<Vec<Source>, ConfigError> {
        let plug = |found: &Located<String>| {
            self.component("plug", &found.value, folder).map_err(|error| error.at(&found.place))
        };
        named.into_iter().map(plug).collect()
    }
}

/// Whether both are the same component, however a path to it is written.
pub(super) fn same(one: &Source, other: &Source) -> bool {
    match (one, other) {
        (Source::File(one), Source::File(other)) => {
            let (one, other) = (one.canonicalize(), other.canonicalize());
            one.is_ok_and(|one| other.is_ok_and(|other| one == other))
        }
        _ => one == other,
    }
}
