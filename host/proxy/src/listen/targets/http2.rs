//! Where targets are in HTTP/2.

use std::ops::Range;

use super::{Originals, huffman};
use crate::flow::raw_bytes::is_raw;

/// How far a client's frames were followed.
#[derive(Debug, Default)]
pub(super) struct Http2 {
    /// Bytes of the frame that are still to come, which are of no interest.
    passing: usize,
    /// The beginning of a frame that is.
    held: Vec<u8>,
    /// A frame came that nobody may send. The library ends such a connection.
    is_unknown: bool,
}

/// The head of a frame (RFC 9113 §4.1).
const HEAD: usize = 9;

/// The largest payload that may be sent to this proxy (RFC 9113 §4.2).
const LARGEST: usize = 16 * 1024;

/// The type of frames that begin a list of fields, and the flags of such a frame (RFC 9113 §6.2).
const HEADERS: u8 = 1;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

impl Http2 {
    /// Follows what came. Gives what is to be read instead, which may be nothing before more comes.
    pub(super) fn look(&mut self, came: &[u8], originals: &Originals) -> Option<Vec<u8>> {
        if self.held.is_empty() {
            return self.frames(came, None, originals);
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(came);
        let instead = self.frames(&held, Some(Vec::new()), originals);
        Some(instead.unwrap_or(held))
    }

    /// What is held back.
    pub(super) fn held_back(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn frames(&mut self, came: &[u8], mut instead: Option<Vec<u8>>, originals: &Originals) -> Option<Vec<u8>> {
        let mut at = 0;
        while let Some(next) = came.get(at..).filter(|next| !next.is_empty()) {
            let before = || came.get(..at).unwrap_or_default().to_vec();
            let taken = match self.next(next) {
                Next::Passes(taken) => taken,
                Next::Held => {
                    self.held = next.to_vec();
                    return Some(instead.unwrap_or_else(before));
                }
                Next::Fields(length) => {
                    let frame = next.get(..length).unwrap_or_default();
                    if let Some(changed) = with_stand_in(frame, originals) {
                        instead.get_or_insert_with(before).extend(changed);
                        at += length;
                        continue;
                    }
                    length
                }
            };
            if let Some(instead) = &mut instead {
                instead.extend_from_slice(next.get(..taken).unwrap_or_default());
            }
            at += taken;
        }
        instead
    }

    /// What comes next.
    fn next(&mut self, next: &[u8]) -> Next {
        if self.is_unknown {
            return Next::Passes(next.len());
        }
        if self.passing == 0 {
            let Some(&[high, middle, low, kind, ..]) = next.get(..HEAD) else { return Next::Held };
            let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            match kind {
                _ if length > LARGEST => {
                    self.is_unknown = true;
                    return Next::Passes(next.len());
                }
                HEADERS if next.len() < HEAD + length => return Next::Held,
                HEADERS => return Next::Fields(HEAD + length),
                _ => self.passing = HEAD + length,
            }
        }
        let taken = self.passing.min(next.len());
        self.passing -= taken;
        Next::Passes(taken)
    }
}

/// What comes next from a client.
enum Next {
    /// So many bytes of no interest.
    Passes(usize),
    /// The beginning of a frame that has to be there as a whole.
    Held,
    /// A frame of so many bytes that begins a list of fields.
    Fields(usize),
}

/// The frame with another path of the same length, if the library would not take that path.
fn with_stand_in(frame: &[u8], originals: &Originals) -> Option<Vec<u8>> {
    let (head, payload) = frame.split_at_checked(HEAD)?;
    let &[_, _, _, _, flags, ..] = head else { return None };
    let mut begin = 0;
    let mut end = payload.len();
    if flags & PADDED != 0 {
        end = end.checked_sub(usize::from(*payload.first()?))?;
        begin += 1;
    }
    if flags & PRIORITY != 0 {
        begin += 5;
    }
    let (value, path) = path(payload.get(begin..end)?)?;
    // What begins so has to be told apart from what stands for others.
    if !path.iter().any(|&byte| is_raw(byte)) && !Originals::may_stand_in(&path) {
        return None;
    }
    let stand_in = originals.stand_in(path)?;
    let (before, after) = (payload.get(..begin + value.start)?, payload.get(begin + value.end..)?);
    let mut changed = head.to_vec();
    changed.extend_from_slice(before);
    push_length(&mut changed, stand_in.len());
    changed.extend_from_slice(&stand_in);
    changed.extend_from_slice(after);
    let length = changed.len() - HEAD;
    let &[_, high, middle, low] = &u32::try_from(length).ok().filter(|_| length <= LARGEST)?.to_be_bytes();
    for (byte, new) in changed.iter_mut().zip([high, middle, low]) {
        *byte = new;
    }
    Some(changed)
}

/// Where in a list of fields (RFC 7541 §6) the value of its `:path` is, length included, and which one. Nothing where it is
/// none that is written out here, or its name is not: that name would have to be looked up in a table.
fn path(list: &[u8]) -> Option<(Range<usize>, Vec<u8>)> {
    let mut list = List { list, at: 0 };
    loop {
        let first = *list.list.get(list.at)?;
        let prefix = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let index = list.integer(prefix)?;
        if first >= 0x80 || (0x20..0x40).contains(&first) {
            continue;
        }
        let is_path = match index {
            0 => {
                let name = list.string()?;
                name.decoded()?.as_slice() == b":path"
            }
            index => PATHS.contains(&index),
        };
        let begin = list.at;
        let value = list.string()?;
        if is_path {
            return Some((begin..list.at, value.decoded()?));
        }
        // Pseudo-fields come first (RFC 9113 §8.3).
        if FIELDS.contains(&index) {
            return None;
        }
    }
}

/// The entries of the static table whose name is `:path`, and those that are of fields (RFC 7541 Appendix A).
const PATHS: Range<usize> = 4..6;
const FIELDS: Range<usize> = 15..62;

/// A list of fields that is walked through.
struct List<'a> {
    list: &'a [u8],
    at: usize,
}

/// A string of a list.
struct Text<'a> {
    is_coded: bool,
    bytes: &'a [u8],
}

impl<'a> List<'a> {
    /// An integer that begins within a byte (RFC 7541 §5.1).
    fn integer(&mut self, prefix: u32) -> Option<usize> {
        let most = (1_usize << prefix) - 1;
        let mut value = usize::from(*self.list.get(self.at)?) & most;
        self.at += 1;
        if value < most {
            return Some(value);
        }
        // More than this is no length and no index.
        for shift in [0, 7, 14] {
            let byte = *self.list.get(self.at)?;
            self.at += 1;
            value += usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A string (RFC 7541 §5.2).
    fn string(&mut self) -> Option<Text<'a>> {
        let is_coded = self.list.get(self.at)? & 0x80 != 0;
        let length = self.integer(7)?;
        let bytes = self.list.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(Text { is_coded, bytes })
    }
}

impl Text<'_> {
    fn decoded(&self) -> Option<Vec<u8>> {
        if self.is_coded { huffman::decode(self.bytes) } else { Some(self.bytes.to_vec()) }
    }
}

/// Appends the length of a string that is not coded.
fn push_length(list: &mut Vec<u8>, length: usize) {
    let most = 0x7F;
    let Some(mut left) = length.checked_sub(most) else { return list.push(length.to_le_bytes()[0]) };
    list.push(0x7F);
    while left >= 0x80 {
        list.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    list.push(left.to_le_bytes()[0]);
}
