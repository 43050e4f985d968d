//! A folder that nobody but its owner can touch. Its files are reached by its handle: what is checked is what is used, also
//! if another folder takes its place meanwhile.

use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, linkat, openat, renameat, statat, unlinkat},
    io::Errno,
    process::geteuid,
};

/// Why a folder cannot be used. Components are compiled at each start then.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Somebody else could put code there.
    #[error("cannot use the cache `{}`: it {how}, so that code in it may be somebody else's; remove it, and it is made \
             anew", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        how: String,
    },
    /// It cannot be made, read or written.
    #[error("cannot use the cache `{}`", path.display())]
    Failed {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, Unusable> {
        let foreign = |how: String| Unusable::Foreign { path: path.to_owned(), how };
        let failed = |source| Unusable::Failed { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = match openat(CWD, path, flags, Mode::empty()) {
            Ok(folder) => folder,
            // Which of the two a link gives differs between systems.
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(foreign("is a link".to_owned())),
            Err(error) => return Err(failed(error.into())),
        };
        let found = fstat(&folder).map_err(|error| failed(error.into()))?;
        if found.st_uid != geteuid().as_raw() {
            return Err(foreign(format!(
                "belongs to user {}, and this process to {}",
                found.st_uid,
                geteuid().as_raw()
            )));
        }
        let mode = Mode::from_raw_mode(found.st_mode).as_raw_mode();
        if mode & 0o077 != 0 {
            return Err(foreign(format!("is open to others, with mode {mode:03o} instead of 700")));
        }
        Ok(Self(folder))
    }

    /// The content of a regular file of ours of at most `most` bytes.
    pub(crate) fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let file = self.file(name)?;
        let metadata = file.metadata()?;
        let is_ours = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o077 == 0;
        if !metadata.is_file() || !is_ours || metadata.len() > most {
            return Err(io::Error::other("it is not a file of ours"));
        }
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        file.take(most).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Notes that a file was used.
    pub(crate) fn touch(&self, name: &str) {
        // On a disk that is read-only nothing is evicted either.
        let _ = self.file(name).and_then(|file| file.set_modified(SystemTime::now()));
    }

    fn file(&self, name: &str) -> io::Result<File> {
        // Of a pipe, whoever opens it would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// Writes a file, which is there as a whole or not at all, in place of any other.
    pub(crate) fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.write(parts, |unfinished| Ok(renameat(&self.0, unfinished, &self.0, name)?))
    }

    /// Writes a file, unless there is one already.
    pub(crate) fn create(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.write(&[content], |unfinished| {
            linkat(&self.0, unfinished, &self.0, name, AtFlags::empty())?;
            self.remove(unfinished)
        })
    }

    fn write(&self, parts: &[&[u8]], finish: impl Fn(&str) -> io::Result<()>) -> io::Result<()> {
        let unfinished = format!("{UNFINISHED}{:016x}", unique());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, &unfinished, flags, Mode::RUSR | Mode::WUSR)?);
        let written = parts.iter().try_for_each(|part| file.write_all(part));
        let finished = written.and_then(|()| finish(&unfinished));
        if finished.is_err() {
            // What is left otherwise is evicted in time.
            let _ = self.remove(&unfinished);
        }
        finished
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Removes what was not used for longest beyond the bounds, and what a process left unfinished when it was killed.
    pub(crate) fn evict(&self, bounds: &Bounds) {
        let Ok(mut kept) = self.artefacts() else { return };
        kept.sort_by_key(|artefact| artefact.used);
        kept.reverse();
        let mut bytes = 0;
        for (position, artefact) in kept.iter().enumerate() {
            bytes += artefact.bytes;
            if position >= bounds.files || bytes > bounds.bytes {
                // Another process may have removed it.
                let _ = self.remove(&artefact.name);
            }
        }
    }

    /// What is kept, without what is unfinished: that is removed when it is old.
    fn artefacts(&self) -> io::Result<Vec<Artefact>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let Ok(name) = entry?.file_name().to_owned().into_string() else { continue };
            let Ok(metadata) = statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(metadata.st_mode) != FileType::RegularFile {
                continue;
            }
            let used = (metadata.st_mtime, metadata.st_mtime_nsec);
            if name.len() == NAME && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                found.push(Artefact { name, used, bytes: metadata.st_size.unsigned_abs() });
            } else if name.starts_with(UNFINISHED) && is_old(metadata.st_mtime) {
                let _ = self.remove(&name);
            }
        }
        Ok(found)
    }
}

/// How much a folder may hold.
pub(crate) struct Bounds {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

struct Artefact {
    name: String,
    /// Seconds and nanoseconds.
    used: (i64, u64),
    bytes: u64,
}

/// Characters of an artefact's name.
const NAME: usize = 64;

/// How the name of a file begins that is being written.
const UNFINISHED: &str = ".unfinished-";

fn is_old(seconds: i64) -> bool {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    then.elapsed().is_ok_and(|age| age > WRITING)
}

/// Nothing takes that long to be written.
const WRITING: Duration = Duration::from_secs(3600);

/// A number that no other process has. Nobody else can write to the folder, so that it need not be secret.
fn unique() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
