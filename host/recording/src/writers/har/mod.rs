//! Writing HAR 1.2 files.
//!
//! Each entry is a line of its own, and commas start lines instead of ending them. So a new entry never touches the end of
//! the one before it: it is written over the closing brackets, which follow it again. What remains of an entry that was not
//! written to its end is told by its line.
//!
//! The modules, from the outside in: `resume` finds the last whole entry of a file, `entry` writes one entry with `cookies`
//! and `date`, `body` decides how a body is written with `survey` and `coding`, and `json` is the text below all of it.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
};

use crate::model::{Flow, Source};

mod body;
mod coding;
mod cookies;
mod date;
mod entry;
mod json;
mod resume;
mod survey;

pub use resume::AppendError;

/// A HAR file that grows by entries, and is complete after each.
#[derive(Debug)]
pub struct HarFile {
    file: File,
    /// Where the last entry ends, and the closing brackets start.
    end: u64,
    entries: usize,
}

impl HarFile {
    /// Starts a HAR file in an empty file: writes one without entries. The file is written at positions, so it must not be
    /// open for appending.
    pub fn create(file: File) -> io::Result<Self> {
        file.write_all_at(HEAD.as_bytes(), 0)?;
        let har = Self { file, end: HEAD.len() as u64, entries: 0 };
        har.close()?;
        Ok(har)
    }

    /// Goes on in a file that holds a HAR as this writer writes it, or nothing. What follows its last whole entry and is
    /// not the end of a HAR is cut off. Answers with the number of entries, and with what was cut off. The file must be
    /// open for reading and writing, and not for appending.
    pub fn append(file: File) -> Result<(Self, usize, Option<String>), AppendError> {
        let size = file.metadata()?.len();
        let Some(whole) = resume::find(&file)? else {
            let repair = (size > 0).then(|| "it ended within its first line, and was started anew".to_owned());
            return Ok((Self::create(file)?, 0, repair));
        };
        let har = Self { file, end: whole.end, entries: whole.entries };
        let mut tail = [0; TAIL.len()];
        let is_closed = size == har.end + TAIL.len() as u64
            && har.file.read_exact_at(&mut tail, har.end).is_ok_and(|()| tail == *TAIL);
        let repair = (!is_closed).then(|| {
            let cut = size.saturating_sub(har.end);
            format!("its last {cut} bytes, from byte {} on, were no whole entry and are cut off", har.end)
        });
        if repair.is_some() {
            har.close()?;
        }
        Ok((har, whole.entries, repair))
    }

    /// The file that is written.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The size in bytes that the file has with the entries that were written.
    pub(crate) fn size(&self) -> u64 {
        self.end + TAIL.len() as u64
    }

    /// Appends an entry. If that fails, the file is what it was before, or a part of the entry is left at its end.
    pub fn write(&mut self, flow: &Flow<Source>) -> io::Result<()> {
        let written = self.write_entry(flow);
        match written {
            Ok(end) => {
                self.end = end;
                self.entries += 1;
                Ok(())
            }
            Err(error) => {
                // The first error is the one that says what went wrong.
                let _ = self.close();
                Err(error)
            }
        }
    }

    /// Writes an entry over the closing brackets, and those after it. Answers with where it ends.
    fn write_entry(&self, flow: &Flow<Source>) -> io::Result<u64> {
        let mut out = BufWriter::with_capacity(BUFFER, At { file: &self.file, at: self.end });
        let written = self.write_between(&mut out, flow);
        // What is still in memory must not follow when it is dropped: a disk that failed once may take it then.
        let (At { at, .. }, _) = out.into_parts();
        written.map(|()| at - TAIL.len() as u64)
    }

    fn write_between(&self, out: &mut impl Write, flow: &Flow<Source>) -> io::Result<()> {
        out.write_all(if self.entries == 0 { b"\n" } else { b"\n," })?;
        entry::write(out, flow)?;
        out.write_all(TAIL)?;
        out.flush()
    }

    /// Makes the closing brackets follow the last entry. This takes no space that the file did not have before.
    fn close(&self) -> io::Result<()> {
        self.file.write_all_at(TAIL, self.end)?;
        self.file.set_len(self.size())
    }
}

/// Writes at a position that moves on.
struct At<'f> {
    file: &'f File,
    at: u64,
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.write_at(bytes, self.at)?;
        self.at += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first line, up to the entries.
const HEAD: &str = concat!(
    r#"{"log":{"version":"1.2","creator":{"name":"proxyhost","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""},"pages":[],"entries":["#
);
/// What follows the last entry.
const TAIL: &[u8; 5] = b"\n]}}\n";
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
