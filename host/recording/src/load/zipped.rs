//! Documents in a zip archive.

use std::{fs::File, path::Path};

use super::documents::Loading;
use crate::{
    document::Archive,
    har::Attached,
    reading::{Flows, Format, Progress, RecordingError},
    wiremock::Files,
};

/// Reads the `.har` files of the archive at `path`, opened as `file`, in their order; its first `.json` file if there are
/// none.
pub(super) fn load(
    path: &Path,
    file: &File,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Format, Flows), RecordingError> {
    let refused = |reason: String| RecordingError::Zip { path: path.into(), reason };
    let opened = Archive::open(file).map_err(|source| RecordingError::reading(path, 0, source))?;
    let archive = opened.map_err(|error| refused(format!("but damaged: {error}")))?;
    let documents = archive.documents();
    if documents.is_empty() {
        return Err(refused(format!("but {}", archive.instead())));
    }
    let mut loading = Loading::new(Attached::nowhere(), Files::nowhere(), progress);
    loading.total_bytes = archive.size();
    for (index, name) in &documents {
        let mut unpacked = archive.clone();
        let document = unpacked.document(*index).map_err(|error| {
            let name = name.escape_debug();
            refused(format!("but its `{name}` cannot be unpacked: {error}; unpack it, and give what was in it"))
        })?;
        loading.attached = Attached::within(archive.clone(), name);
        loading.among = (documents.len() > 1).then(|| name.escape_debug().to_string());
        loading.read(path, document)?;
    }
    archive.end();
    Ok(loading.finish())
}

#[cfg(test)]
mod tests;
