//! What comes of loading a path, which may be a folder with several recordings in it.

use std::path::{Path, PathBuf};

use recording::{Recording, RecordingError};

use super::bindings::recordings::Loaded;

/// The recordings that a path names: itself, or those that lie in it.
///
/// # Errors
/// With the reason, when it is a folder that cannot be read.
pub(super) fn found_at(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = recording::recordings_in(path);
    found.map_err(|error| format!("cannot open recordings in folder `{}`: {error}", path.display()))
}

/// What was loaded so far.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) exchanges: usize,
    recordings: usize,
    left_out: Vec<String>,
    damage: Vec<String>,
    /// How many files are no recordings.
    others: usize,
    /// Why recordings cannot be read.
    unreadable: Vec<String>,
}

impl Gathered {
    /// Takes note of a recording, by name where it is one of several.
    pub(super) fn add(&mut self, recording: &Recording, path: &Path, is_one_of_several: bool) {
        self.recordings += 1;
        self.left_out.extend(recording.skipped().reasons());
        if let Some(damage) = recording.warning() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.damage.push(if is_one_of_several { format!("`{name}`: {damage}") } else { damage.to_string() });
        }
    }

    /// Takes note of a file in a folder that is not read.
    pub(super) fn skip(&mut self, error: &RecordingError, path: &Path) {
        // The folder itself, where stubs could have been.
        if path.is_dir() {
            return;
        }
        if error.is_of_something_else() { self.others += 1 } else { self.unreadable.push(oneline::chain(error)) }
    }

    /// All of it, for the addon that loaded `named`.
    ///
    /// # Errors
    /// With the reason, when there is no recording.
    pub(super) fn finish(mut self, named: &str) -> Result<Loaded, String> {
        self.left_out.extend(match self.others {
            0 => None,
            1 => Some("1 file that is no recording".to_owned()),
            others => Some(format!("{others} files that are no recordings")),
        });
        let count = self.unreadable.len();
        self.left_out.extend(self.unreadable.first().map(|first| match count {
            1 => format!("1 file that cannot be read ({first})"),
            _ => format!("{count} files that cannot be read (the first: {first})"),
        }));
        if self.recordings == 0 {
            let what = if self.left_out.is_empty() { "nothing in it".to_owned() } else { self.left_out.join(", ") };
            return Err(format!("folder `{named}` has no recordings in it: {what}"));
        }
        Ok(Loaded {
            exchanges: u32::try_from(self.exchanges).unwrap_or(u32::MAX),
            skipped: self.left_out,
            damage: (!self.damage.is_empty()).then(|| self.damage.join("; ")),
        })
    }
}
