//! Which recordings lie in a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Format, Recording};

/// What may be a recording in the folder at `path`, in the order of the names: its files, and for the stubs of WireMock the
/// folder itself, as they belong together. Not what lies in folders below, nor what is hidden. Each has to be opened to know
/// whether it is one.
///
/// # Errors
/// When the folder cannot be read.
pub fn recordings_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // A link counts as what it leads to.
        if !is_hidden && fs::metadata(entry.path()).is_ok_and(|found| found.is_file()) {
            files.push(entry.path());
        }
    }
    files.sort();
    if path.join("mappings").is_dir() {
        return Ok([path.to_owned()].into_iter().chain(files).collect());
    }
    let (documents, others): (Vec<PathBuf>, Vec<PathBuf>) = files.iter().cloned().partition(|file| is_document(file));
    let is_stub = |file: &PathBuf| {
        Recording::open(file, &mut |_| {}).is_ok_and(|recording| recording.format() == Format::WireMock)
    };
    // With nothing else in it, the stubs may all lie in folders of theirs.
    if documents.iter().any(is_stub) || files.is_empty() {
        return Ok([path.to_owned()].into_iter().chain(others).collect());
    }
    Ok(files)
}

/// Whether it is called as WireMock calls stubs.
fn is_document(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let found = recordings_in(path).unwrap();
        found.iter().map(|found| found.strip_prefix(path).unwrap().display().to_string()).collect()
    }

    #[test]
    fn what_lies_in_a_folder_is_found_and_nothing_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(names(root), [""]);
        fs::create_dir_all(root.join("below")).unwrap();
        for name in ["b.har", "a.mitm", ".hidden.har", "x.json", "below/c.har"] {
            fs::write(root.join(name), "{}").unwrap();
        }
        std::os::unix::fs::symlink(root.join("below/c.har"), root.join("link.har")).unwrap();
        assert_eq!(names(root), ["a.mitm", "b.har", "link.har", "x.json"]);
    }

    #[test]
    fn stubs_of_one_folder_stay_together() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let stub = r#"{"request": {"method": "GET", "url": "/"}, "response": {"status": 200}}"#;
        fs::write(root.join("a.json"), stub).unwrap();
        fs::write(root.join("b.json"), stub).unwrap();
        fs::write(root.join("c.har"), "{}").unwrap();
        assert_eq!(names(root), ["", "c.har"]);
        fs::create_dir(root.join("mappings")).unwrap();
        assert_eq!(names(root), ["", "a.json", "b.json", "c.har"]);
    }
}
