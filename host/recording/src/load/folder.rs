//! Folders with stubs of WireMock.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::documents::Loading;
use crate::{
    reading::{Flows, Format, Progress, RecordingError},
    wiremock::Files,
};

/// Reads the stubs in a folder: in the `mappings` of a folder that has such, or in all its files.
pub(super) fn load(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(Format, Flows), RecordingError> {
    let inner = path.join("mappings");
    let (mappings, files) = if inner.is_dir() {
        (inner, Files::at(vec![path.join("__files")]))
    } else {
        (path.to_owned(), Files::at(vec![path.join("../__files"), path.join("__files")]))
    };
    let mut found = Vec::new();
    list(&mappings, FOLDER_DEPTH, &mut found).map_err(|source| RecordingError::Open { path: path.into(), source })?;
    if found.is_empty() {
        let kind = "a folder without `mappings` or `.json` files in it";
        return Err(RecordingError::NotAFile { path: path.into(), kind });
    }
    found.sort();
    let size = |file: &PathBuf| fs::metadata(file).map_or(0, |metadata| metadata.len());
    let mut loading = Loading::of_stubs(files, found.iter().map(size).sum(), progress);
    for file in &found {
        let name = file.strip_prefix(&mappings).unwrap_or(file).display().to_string();
        loading.read_among(&name, file);
    }
    Ok(loading.finish())
}

/// Adds the `.json` files in a folder and the folders in it. Folders that are links could lead in circles.
fn list(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if depth > 0 && entry.file_name() != "__files" {
                list(&path, depth - 1, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            found.push(path);
        }
    }
    Ok(())
}

const FOLDER_DEPTH: usize = 16;
