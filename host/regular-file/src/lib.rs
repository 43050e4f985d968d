//! Files that the user names. Each may be anything: opening a FIFO waits for a writer, a device may never end, and a file may
//! be larger than memory.

use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

/// Opens a regular file of at most `most` bytes.
///
/// # Errors
/// What the system says; of the kind `InvalidInput` for what is no such file.
pub fn open(path: &Path, most: u64) -> io::Result<File> {
    // Before it is opened, as that alone does something to a few devices.
    check(&fs::metadata(path)?, most)?;
    // And afterwards, as something else may be there by then. Should that be a FIFO, opening must not wait.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    check(&file.metadata()?, most)?;
    Ok(file)
}

/// Whether files could be made in a folder, which may have to be made itself. Nothing is written.
///
/// # Errors
/// What the system says; of the kind `NotADirectory` where it, or what it would be in, is something else.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    for place in folder.ancestors() {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match fs::metadata(place) {
            Ok(found) if !found.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            // A file that has no name and is never seen.
            Ok(_) => return tempfile::tempfile_in(place).map(drop),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // It may grow meanwhile.
    open(path, most)?.take(most).read_to_end(&mut content)?;
    Ok(content)
}

fn check(metadata: &fs::Metadata, most: u64) -> io::Result<()> {
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if !metadata.is_file() {
        return refused(format!("it is {}, and not a regular file", name_of(metadata.file_type())));
    }
    if metadata.len() > most {
        return refused(format!("it has {} bytes, and at most {most} are read", metadata.len()));
    }
    Ok(())
}

/// What is there instead of a regular file, with its article.
pub fn name_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, process::Command};

    use super::*;

    #[test]
    fn only_regular_files_of_a_sane_size_are_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), b"12345").expect("a file");
        assert_eq!(read(&path("file"), 5).expect("it fits"), b"12345");
        let refusal = |path: &Path| read(path, 4).expect_err("it must be refused").to_string();
        assert_eq!(refusal(&path("file")), "it has 5 bytes, and at most 4 are read");
        assert_eq!(refusal(folder.path()), "it is a directory, and not a regular file");
        assert!(Command::new("mkfifo").arg(path("fifo")).status().expect("mkfifo").success());
        assert_eq!(refusal(&path("fifo")), "it is a FIFO, and not a regular file");
        let _socket = UnixListener::bind(path("socket")).expect("a socket");
        assert_eq!(refusal(&path("socket")), "it is a socket, and not a regular file");
        assert_eq!(refusal(Path::new("/dev/zero")), "it is a device, and not a regular file");
        assert_eq!(read(&path("none"), 4).expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
