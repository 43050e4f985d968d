//! The text of a HAR file without its long strings, which are most of it and cost a parser most of its time and memory.

use std::{
    io::{self, Read},
    ops::Range,
};

use super::{source::Counted, strings::Strings};
use crate::json_string::{Fed, Survey};

/// Reads the text of a document from a file, and puts short strings in the place of the long ones that may be bodies.
///
/// Whatever is no JSON is handed on, so that the parser finds it and says so.
pub(super) struct Thinned<'f> {
    file: Counted<'f>,
    strings: Strings,
    buffer: Vec<u8>,
    /// The part of the buffer that was not looked at yet.
    unseen: Range<usize>,
    /// Where the part starts that was looked at and not handed on.
    kept: usize,
    /// Where in the file the buffer starts.
    buffer_at: u64,
    /// How many bytes were handed on.
    handed_on: u64,
    state: State,
    place: Place,
}

/// What the next byte is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// What is between strings.
    Between,
    /// A string, which is handed on.
    Inside,
    /// An escape in such a string.
    Escape,
}

/// Where in the document the next value is.
#[derive(Default)]
struct Place {
    depth: usize,
    /// The string before, if it is one of the keys that say where values are.
    string: Option<Key>,
    /// The key of the next value, if it is one of them.
    key: Option<Key>,
    is_in_log: bool,
    is_in_entries: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Log,
    Entries,
    /// That of a body, or of a message.
    Body,
}

impl<'f> Thinned<'f> {
    pub(super) fn new(file: Counted<'f>, strings: Strings) -> Self {
        Self {
            file,
            strings,
            buffer: vec![0; BUFFER],
            unseen: 0..0,
            kept: 0,
            buffer_at: 0,
            handed_on: 0,
            state: State::Between,
            place: Place::default(),
        }
    }

    /// The start of the text, before any of it is read, of at most `len` bytes. If it starts with `mark`, that is jumped over;
    /// with how many bytes were.
    pub(super) fn first_bytes(&mut self, len: usize, mark: &[u8]) -> io::Result<(&[u8], usize)> {
        self.see(len, &mut Vec::new())?;
        let skipped = if self.unseen().starts_with(mark) { mark.len() } else { 0 };
        self.unseen.start += skipped;
        self.kept = self.unseen.start;
        self.handed_on = skipped as u64;
        let unseen = self.unseen();
        Ok((unseen.get(..len).unwrap_or(unseen), skipped))
    }

    /// Takes some of the text into `text`; nothing at its end.
    pub(super) fn read_on(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        text.clear();
        while text.is_empty() && self.see(1, text)? > 0 {
            while text.is_empty() && !self.unseen.is_empty() {
                match self.state {
                    State::Between => self.between(text)?,
                    State::Inside => self.inside(),
                    State::Escape => {
                        self.unseen.start += 1;
                        self.state = State::Inside;
                    }
                }
            }
            self.hand_on(text);
        }
        self.handed_on += text.len() as u64;
        Ok(())
    }

    fn unseen(&self) -> &[u8] {
        self.buffer.get(self.unseen.clone()).unwrap_or_default()
    }

    /// Looks at what is between strings, and at the start of the one that comes next.
    fn between(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        let unseen = self.buffer.get(self.unseen.clone()).unwrap_or_default();
        let len = memchr::memchr(b'"', unseen).unwrap_or(unseen.len());
        unseen.iter().take(len).for_each(|byte| self.place.pass(*byte));
        self.unseen.start += len;
        if self.unseen.is_empty() {
            return Ok(());
        }
        let is_body = self.place.is_in_entries && self.place.key.take() == Some(Key::Body);
        self.see(if is_body { LONG + 2 } else { KEY_LIMIT }, text)?;
        if is_body && !is_short(self.unseen().get(1..).unwrap_or_default()) {
            return self.leave_out(text);
        }
        self.place.string = Key::of(self.unseen());
        self.unseen.start += 1;
        self.state = State::Inside;
        Ok(())
    }

    /// Looks at a string that is handed on, up to its end or to an escape.
    fn inside(&mut self) {
        match memchr::memchr2(b'"', b'\\', self.unseen()) {
            None => self.unseen.start = self.unseen.end,
            Some(at) => {
                let is_end = self.unseen().get(at) == Some(&b'"');
                self.unseen.start += at + 1;
                self.state = if is_end { State::Between } else { State::Escape };
            }
        }
    }

    /// Leaves out the string that comes next.
    fn leave_out(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        self.hand_on(text);
        let at = self.handed_on + text.len() as u64;
        self.unseen.start += 1;
        let mut survey = Survey::new(self.buffer_at + self.unseen.start as u64);
        let fed = loop {
            let (len, fed) = survey.feed(self.unseen());
            self.unseen.start += len;
            self.kept = self.unseen.start;
            let left = self.unseen.len();
            if fed != Fed::More || self.see(left + 1, text)? == left {
                break fed;
            }
        };
        let raw_len = survey.raw_len();
        match fed {
            Fed::End => {
                self.unseen.start += 1;
                self.kept = self.unseen.start;
                match survey.finish() {
                    Some(string) => text.extend_from_slice(self.strings.leave_out(at, raw_len, string).as_bytes()),
                    None => {
                        self.strings.jump(at, (raw_len + 2).saturating_sub(NO_TEXT.len() as u64));
                        text.extend_from_slice(NO_TEXT);
                    }
                }
            }
            Fed::More | Fed::Broken => {
                self.strings.jump(at, raw_len);
                text.push(b'"');
                self.state = State::Inside;
            }
        }
        Ok(())
    }

    /// Reads on until `len` bytes that were not looked at are there, or the file ends. Returns how many there are.
    fn see(&mut self, len: usize, text: &mut Vec<u8>) -> io::Result<usize> {
        if self.unseen.len() >= len {
            return Ok(self.unseen.len());
        }
        self.hand_on(text);
        self.buffer.copy_within(self.unseen.clone(), 0);
        self.buffer_at += self.unseen.start as u64;
        self.unseen = 0..self.unseen.len();
        self.kept = 0;
        while self.unseen.len() < len {
            match self.file.read(self.buffer.get_mut(self.unseen.end..).unwrap_or_default())? {
                0 => break,
                read => self.unseen.end += read,
            }
        }
        Ok(self.unseen.len())
    }

    /// Hands on what was looked at.
    fn hand_on(&mut self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.buffer.get(self.kept..self.unseen.start).unwrap_or_default());
        self.kept = self.unseen.start;
    }
}

impl Place {
    /// Passes a byte between strings.
    fn pass(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return,
            b':' => {
                self.key = self.string.take();
                return;
            }
            b'{' | b'[' => {
                match (self.depth, self.key) {
                    (1, key) => self.is_in_log = key == Some(Key::Log),
                    (2, key) => self.is_in_entries = self.is_in_log && key == Some(Key::Entries) && byte == b'[',
                    _ => {}
                }
                self.depth += 1;
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_in_entries &= self.depth > 2;
            }
            _ => {}
        }
        (self.string, self.key) = (None, None);
    }
}

impl Key {
    /// The key that is the string at the start.
    fn of(json: &[u8]) -> Option<Self> {
        const KEYS: [(&[u8], Key); 4] = [
            (b"\"log\"", Key::Log),
            (b"\"entries\"", Key::Entries),
            (b"\"text\"", Key::Body),
            (b"\"data\"", Key::Body),
        ];
        KEYS.into_iter().find(|(key, _)| json.starts_with(key)).map(|(_, key)| key)
    }
}

/// Whether a string ends in what comes next.
fn is_short(rest: &[u8]) -> bool {
    let mut left = rest.get(..LONG + 1).unwrap_or(rest);
    while let Some(at) = memchr::memchr2(b'"', b'\\', left) {
        match left.get(at) {
            Some(b'"') => return true,
            _ => left = left.get(at + 2..).unwrap_or_default(),
        }
    }
    // Whatever it is, the file ends within.
    rest.len() <= LONG
}

/// Strings of at most that many bytes stay in the text, and what they stand for in memory: it takes no more than the rest of
/// an entry does.
const LONG: usize = 1024;
/// No key that matters is longer, with its quotes.
const KEY_LIMIT: usize = 16;
const BUFFER: usize = 256 * 1024;
/// Stands for a string that is no text.
const NO_TEXT: &[u8] = b"\"\xff\"";
