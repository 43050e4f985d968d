//! Where the entries of a file end that was written before.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

use serde::de::IgnoredAny;

use super::{
    HEAD, TAIL,
    entry::{ENTRY_END, ENTRY_START},
};

/// Why a file is not appended to.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The system failed.
    #[error("it cannot be read and written")]
    Io(#[from] io::Error),
    /// Some other program wrote it, or it is no HAR file.
    #[error("it is no HAR file of this recorder, but starts with `{found}`: record into a new file")]
    Foreign {
        /// Its first bytes, escaped.
        found: String,
    },
    /// Some other program changed it.
    #[error(
        "something else changed it: at byte {offset}, there is `{found}` instead of an entry; record into a new file"
    )]
    Edited {
        /// Where the last entry ends that is as it was written.
        offset: u64,
        /// What follows, escaped.
        found: String,
    },
}

/// The part of a file that is whole.
pub(super) struct Whole {
    /// Where its last entry ends.
    pub(super) end: u64,
    pub(super) entries: usize,
}

/// Finds the whole entries of a file; nothing if even its first line is not whole.
pub(super) fn find(file: &File) -> Result<Option<Whole>, AppendError> {
    let mut file = file;
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let mut head = Vec::new();
    (&mut reader).take(HEAD_LIMIT).read_until(b'\n', &mut head)?;
    if head.pop_if(|last| *last == b'\n').is_none() && HEAD.as_bytes().starts_with(&head) {
        return Ok(None);
    }
    // Another release of this program has another version in its head.
    let [start, end] = HEAD_MARKS;
    if !head.starts_with(start) || !head.ends_with(end) {
        return Err(AppendError::Foreign { found: shown(&head) });
    }
    let mut whole = Whole { end: head.len() as u64, entries: 0 };
    let mut before_last = whole.end;
    while let Some(line) = Line::read(&mut reader)? {
        if !line.is_entry(whole.entries == 0) {
            // What broke off while it was written has no newline but that of the old end, if it was not longer than that.
            // Anything else comes from somebody else, and is not ours to cut off.
            if !line.is_close() && line.len + 2 > TAIL.len() as u64 {
                return Err(AppendError::Edited { offset: whole.end, found: shown(&line.start) });
            }
            break;
        }
        before_last = whole.end;
        // The newline before the line belongs to it.
        whole.end += 1 + line.len;
        whole.entries += 1;
    }
    // Nor is an end of the whole that stands where none is written here.
    let size = file.metadata()?.len();
    let mut last = [0; CLOSE.len()];
    if size > whole.end + TAIL.len() as u64 {
        file.read_exact_at(&mut last, size - CLOSE.len() as u64)?;
        if last == *CLOSE {
            return Err(AppendError::Edited { offset: whole.end, found: CLOSE.escape_ascii().to_string() });
        }
    }
    // A machine that lost its power may have kept the end of a line without its middle.
    if whole.entries > 0 && !is_json(file, before_last + 1 + u64::from(whole.entries > 1), whole.end)? {
        whole = Whole { end: before_last, entries: whole.entries - 1 };
    }
    Ok(Some(whole))
}

/// The start of what was found, escaped.
fn shown(found: &[u8]) -> String {
    found.get(..FOUND_SHOWN).unwrap_or(found).escape_ascii().to_string()
}

/// What tells a line, however long it is.
struct Line {
    /// The length without the newline.
    len: u64,
    start: Vec<u8>,
    end: Vec<u8>,
}

impl Line {
    /// Reads a line; nothing if it does not end.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = Self { len: 0, start: Vec::new(), end: Vec::new() };
        loop {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let (part, _) = buffer.split_at(newline.unwrap_or(buffer.len()));
            let room = MARK - line.start.len();
            line.start.extend(part.iter().take(room));
            line.end.extend_from_slice(part.split_at(part.len().saturating_sub(MARK)).1);
            line.end.drain(..line.end.len().saturating_sub(MARK));
            line.len += part.len() as u64;
            let read = part.len() + usize::from(newline.is_some());
            reader.consume(read);
            if newline.is_some() {
                return Ok(Some(line));
            }
        }
    }

    fn is_close(&self) -> bool {
        self.len == CLOSE.len() as u64 && self.start == CLOSE
    }

    fn is_entry(&self, is_first: bool) -> bool {
        let start = if is_first { Some(&self.start[..]) } else { self.start.strip_prefix(b",") };
        start.is_some_and(|start| start.starts_with(ENTRY_START)) && self.end.ends_with(ENTRY_END)
    }
}

/// The last line of a whole file.
const CLOSE: &[u8; 3] = b"]}}";

fn is_json(mut file: &File, start: u64, end: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(start))?;
    let reader = BufReader::with_capacity(BUFFER, file.take(end.saturating_sub(start)));
    match serde_json::from_reader::<_, IgnoredAny>(reader) {
        Ok(_) => Ok(true),
        Err(error) if error.is_io() => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// How [`HEAD`] starts and ends, whatever the version.
const HEAD_MARKS: [&[u8]; 2] =
    [br#"{"log":{"version":"1.2","creator":{"name":"proxyhost","version":""#, br#""},"pages":[],"entries":["#];
const HEAD_LIMIT: u64 = 1024;
const FOUND_SHOWN: usize = 40;
/// Longer than the marks of an entry.
const MARK: usize = 32;
const BUFFER: usize = 64 * 1024;
