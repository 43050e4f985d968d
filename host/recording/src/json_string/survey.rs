//! What a string of JSON stands for, told by one look at it from its start to its end.

use base64::{
    DecodeError, Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    Block, Form, JsonString, decode, single_byte,
    token::{self, Token},
};

/// A string while it is looked at. It may be text as well as base64: that is said elsewhere, and maybe later.
pub(crate) struct Survey {
    /// Until where it was seen.
    seen: Mark,
    checksum: crc32fast::Hasher,
    is_utf8: bool,
    /// What is known of it by now.
    found: Surveyed,
}

/// A place in a string, told in all the ways in which it may be read.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    raw: u64,
    /// Bytes in UTF-8.
    bytes: u64,
    characters: u64,
    /// Characters of base64.
    symbols: u64,
    /// Of the block that ends here.
    checksum: u32,
}

/// What a part of a string was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// It goes on.
    More,
    /// The quote behind the string comes next.
    End,
    /// What comes next, no string has.
    Broken,
}

/// What is known of a string: all that there is to know once it was looked at to its end.
pub(crate) struct Surveyed {
    offset: u64,
    start: Vec<u8>,
    /// Until where its blocks go.
    marks: Vec<Mark>,
    is_ascii: bool,
    is_latin1: bool,
    is_single_bytes: bool,
    has_controls: bool,
    line_ends: u64,
    base64: Base64,
}

impl Survey {
    /// For the string whose first byte behind its quote is at `offset` in the file.
    pub(crate) fn new(offset: u64) -> Self {
        let found = Surveyed {
            offset,
            start: Vec::new(),
            marks: Vec::new(),
            is_ascii: true,
            is_latin1: true,
            is_single_bytes: true,
            has_controls: false,
            line_ends: 0,
            base64: Base64::default(),
        };
        Self { seen: Mark::default(), checksum: crc32fast::Hasher::new(), is_utf8: true, found }
    }

    /// Looks at the bytes that follow, and says how many of them it has done with. Of those that are left, it has to see more.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> (usize, Fed) {
        let (mut left, mut unhashed) = (bytes, bytes);
        let fed = loop {
            let (len, fed) = match left.first().map(|byte| classes(&[*byte])) {
                None => (0, Some(Fed::More)),
                Some(class) if class & STOP == 0 => (self.ascii(left), None),
                Some(class) if class & HIGH != 0 => self.high(left),
                Some(_) => match token::next(left) {
                    Token::Escaped(character, len) => {
                        self.escaped(character);
                        (len, None)
                    }
                    Token::End => (0, Some(Fed::End)),
                    Token::Incomplete => (0, Some(Fed::More)),
                    // What stands for itself would not stop here.
                    Token::Plain(_) | Token::Broken => (0, Some(Fed::Broken)),
                },
            };
            left = left.get(len..).unwrap_or_default();
            self.seen.raw += len as u64;
            if self.is_block_full() {
                self.hash(&mut unhashed, left);
                self.end_block();
            }
            if let Some(fed) = fed {
                break fed;
            }
        };
        self.hash(&mut unhashed, left);
        (bytes.len() - left.len(), fed)
    }

    /// How many bytes it has seen.
    pub(crate) fn raw_len(&self) -> u64 {
        self.seen.raw
    }

    /// The string, if it is in UTF-8.
    pub(crate) fn finish(mut self) -> Option<Surveyed> {
        self.end_block();
        self.is_utf8.then_some(self.found)
    }

    /// Counts the ASCII characters at the start that stand for themselves, at most what is left of the block.
    fn ascii(&mut self, bytes: &[u8]) -> usize {
        let bytes = bytes.get(..self.room()).unwrap_or(bytes);
        let (mut len, mut class) = (0, 0);
        for group in bytes.chunks(GROUP) {
            let of_group = classes(group);
            if of_group & STOP == 0 {
                class |= of_group;
                len += group.len();
                continue;
            }
            for of_byte in group.iter().map(|byte| classes(&[*byte])).take_while(|class| class & STOP == 0) {
                class |= of_byte;
                len += 1;
            }
            break;
        }
        self.seen.bytes += len as u64;
        self.seen.characters += len as u64;
        let run = bytes.get(..len).unwrap_or_default();
        self.seen.symbols += self.found.base64.see(run, class, self.seen.symbols);
        len
    }

    /// Counts the other characters at the start, at most what is left of the block. None is taken apart.
    fn high(&mut self, bytes: &[u8]) -> (usize, Option<Fed>) {
        let is_other = |byte: &&u8| !byte.is_ascii();
        let room = self.room();
        let len = bytes.iter().take(room).take_while(is_other).count();
        let inside = bytes.iter().skip(len).take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
        let mut run = bytes.get(..len + inside).unwrap_or_default();
        match str::from_utf8(run) {
            Ok(text) => self.seen.characters += text.chars().count() as u64,
            Err(error) if run.len() == bytes.len() && error.error_len().is_none() => {
                // Its rest may come.
                run = run.get(..error.valid_up_to()).unwrap_or_default();
                if run.is_empty() {
                    return (0, Some(Fed::More));
                }
                self.seen.characters += str::from_utf8(run).map_or(0, |text| text.chars().count() as u64);
            }
            Err(_) => self.is_utf8 = false,
        }
        self.found.is_ascii = false;
        if self.found.is_single_bytes {
            let text = str::from_utf8(run).unwrap_or_default();
            self.found.is_latin1 &= text.chars().all(single_byte::is_latin1);
            self.found.is_single_bytes = text.chars().all(|character| single_byte::byte(character).is_some());
        }
        self.seen.bytes += run.len() as u64;
        self.seen.symbols += self.found.base64.see(run, SPECIAL, self.seen.symbols);
        (run.len(), None)
    }

    fn escaped(&mut self, character: char) {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        self.seen.bytes += bytes.len() as u64;
        self.seen.characters += 1;
        self.found.is_ascii &= character.is_ascii();
        self.found.is_latin1 &= single_byte::is_latin1(character);
        self.found.is_single_bytes &= single_byte::byte(character).is_some();
        self.found.has_controls |= single_byte::is_of_no_text(character);
        self.found.line_ends += u64::from(character == '\n');
        self.seen.symbols += self.found.base64.see(bytes, classes(bytes) | SPECIAL, self.seen.symbols);
    }

    /// Takes note of the bytes before `left` that were done with.
    fn hash<'b>(&mut self, unhashed: &mut &'b [u8], left: &'b [u8]) {
        let (done, _) = unhashed.split_at(unhashed.len() - left.len());
        let start = START.saturating_sub(self.found.start.len()).min(done.len());
        self.found.start.extend_from_slice(done.get(..start).unwrap_or_default());
        self.checksum.update(done);
        *unhashed = left;
    }

    fn in_block(&self) -> u64 {
        self.seen.raw - self.found.marks.last().map_or(0, |mark| mark.raw)
    }

    /// How many bytes are to be counted at once.
    fn room(&self) -> usize {
        usize::try_from(BLOCK.saturating_sub(self.in_block())).unwrap_or(usize::MAX).max(1)
    }

    fn is_block_full(&mut self) -> bool {
        let len = self.in_block();
        if len >= 2 * BLOCK && !self.seen.symbols.is_multiple_of(4) {
            // What has so much white space in it is not base64.
            self.found.base64.wrong.get_or_insert((self.seen.symbols, b' '));
        }
        len >= BLOCK && (self.found.base64.wrong.is_some() || self.seen.symbols.is_multiple_of(4))
    }

    fn end_block(&mut self) {
        if self.in_block() > 0 {
            let checksum = std::mem::take(&mut self.checksum).finalize();
            self.found.marks.push(Mark { checksum, ..self.seen });
        }
    }
}

impl Surveyed {
    /// The bytes of a text: one for each character `as_bytes`, if there is one for each, otherwise UTF-8. Whether they are one
    /// for each.
    pub(crate) fn text(self, as_bytes: bool) -> (JsonString, bool) {
        let is_bytes = as_bytes && self.is_single_bytes && !self.is_ascii;
        (self.string(if is_bytes { Form::SingleBytes } else { Form::Text }), is_bytes)
    }

    /// Whether all its characters are of Latin-1.
    pub(crate) fn is_latin1(&self) -> bool {
        self.is_latin1
    }

    /// Whether it has characters that no text has.
    pub(crate) fn has_controls(&self) -> bool {
        self.has_controls
    }

    /// How many characters its text has.
    pub(crate) fn characters(&self) -> u64 {
        self.marks.last().map_or(0, |mark| mark.characters)
    }

    /// The bytes that are written in base64.
    pub(crate) fn base64(self) -> Result<JsonString, DecodeError> {
        self.base64.check(self.marks.last().map_or(0, |mark| mark.symbols))?;
        Ok(self.string(Form::Base64))
    }

    /// How many bytes its text has.
    pub(crate) fn len(&self) -> u64 {
        self.marks.last().map_or(0, |mark| mark.bytes)
    }

    /// Whether all of them are ASCII.
    pub(crate) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// How many lines end in it.
    pub(crate) fn line_ends(&self) -> u64 {
        self.line_ends
    }

    /// The start of its text, as it is in the file.
    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    fn string(self, form: Form) -> JsonString {
        let end = |mark: &Mark| match form {
            Form::Text => mark.bytes,
            Form::SingleBytes => mark.characters,
            Form::Base64 => mark.symbols / 4 * 3 + (mark.symbols % 4).saturating_sub(1),
        };
        let block = |mark: &Mark| Block { raw_end: mark.raw, end: end(mark), checksum: mark.checksum };
        let start = decode::decode_start(&self.start, form);
        JsonString {
            offset: self.offset,
            form,
            is_ascii: self.is_ascii && form != Form::Base64,
            start: start.get(..MAGIC).unwrap_or(&start).into(),
            blocks: self.marks.iter().map(block).collect(),
        }
    }
}

/// What a string would be as base64.
#[derive(Default)]
struct Base64 {
    /// Its last symbols, the latest last.
    last: [u8; 4],
    padding: usize,
    /// The first byte that is not as it should be, and how many symbols are before it.
    wrong: Option<(u64, u8)>,
}

impl Base64 {
    /// Sees bytes of these classes after `before` symbols, and says how many symbols they are.
    fn see(&mut self, bytes: &[u8], class: u8, before: u64) -> u64 {
        if self.wrong.is_some() {
            return 0;
        }
        if class & SPECIAL != 0 || self.padding > 0 {
            let mut symbols = 0;
            for byte in bytes {
                symbols += self.see_one(*byte, before + symbols);
            }
            return symbols;
        }
        let kept = bytes.len().min(self.last.len());
        self.last.rotate_left(kept);
        for (place, byte) in self.last.iter_mut().rev().zip(bytes.iter().rev()) {
            *place = *byte;
        }
        bytes.len() as u64
    }

    fn see_one(&mut self, byte: u8, before: u64) -> u64 {
        match byte {
            _ if self.wrong.is_some() || byte.is_ascii_whitespace() => 0,
            b'=' => {
                self.padding += 1;
                0
            }
            _ if self.padding > 0 => {
                self.wrong = Some((before, b'='));
                0
            }
            _ if classes(&[byte]) & SPECIAL != 0 => {
                self.wrong = Some((before, byte));
                0
            }
            _ => {
                self.last.rotate_left(1);
                if let Some(place) = self.last.last_mut() {
                    *place = byte;
                }
                1
            }
        }
    }

    /// Whether `symbols` of them are base64, which its end says.
    fn check(&self, symbols: u64) -> Result<(), DecodeError> {
        let offset = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        if let Some((at, byte)) = self.wrong {
            return Err(DecodeError::InvalidByte(offset(at), byte));
        }
        let left = (symbols % 4) as usize;
        let mut end = self.last.get(self.last.len() - left..).unwrap_or_default().to_vec();
        end.resize(left + self.padding.min(self.last.len() + 1), b'=');
        let before = offset(symbols) - left;
        BASE64.decode(&end).map(|_| ()).map_err(|error| match error {
            DecodeError::InvalidByte(at, byte) => DecodeError::InvalidByte(before + at, byte),
            DecodeError::InvalidLength(len) => DecodeError::InvalidLength(before + len),
            DecodeError::InvalidLastSymbol(at, byte) => DecodeError::InvalidLastSymbol(before + at, byte),
            DecodeError::InvalidPadding => DecodeError::InvalidPadding,
        })
    }
}

/// The classes that some of the bytes are of.
fn classes(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |classes, byte| classes | CLASSES.get(usize::from(*byte)).unwrap_or(&0))
}

/// A quote, an escape, or what no string has unescaped.
const STOP: u8 = 1;
/// Not ASCII.
const HIGH: u8 = 2;
/// Not a symbol of base64.
const SPECIAL: u8 = 4;

#[expect(clippy::indexing_slicing, reason = "it is done when this is compiled, for each byte there is")]
const CLASSES: [u8; 256] = {
    let mut classes = [SPECIAL; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_symbol = matches!(byte as u8, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/');
        classes[byte] = match byte {
            0..0x20 | 0x22 | 0x5c => STOP | SPECIAL,
            0x80.. => STOP | HIGH | SPECIAL,
            _ if is_symbol => 0,
            _ => SPECIAL,
        };
        byte += 1;
    }
    classes
};

/// Some recorders leave the padding out.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How many bytes are looked at together.
const GROUP: usize = 32;
/// How many bytes of the file a block has, but for the last one and for what is not to be taken apart.
const BLOCK: u64 = 32 * 1024;
/// How much of the start of a string is kept while its entry is read.
const START: usize = 64;
/// How long the magic numbers of content codings are at most.
const MAGIC: usize = 4;
