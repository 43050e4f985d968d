//! Changes that components make to messages, checked before they are staged.

use http::{HeaderName, HeaderValue, header};

use super::{
    bindings::proxyhost::addon::messages::EditError,
    memory::{Charge, OutOfMemory},
};
use crate::flow::{Fields, HOP_BY_HOP, RequestHead, ResponseHead};

/// Most field lines of a message that a component adds some to. Above what servers take, and far below the 24,576 names
/// beyond which `HeaderMap` panics.
const MOST_LINES: usize = 4096;

/// Most bytes of a head that a component adds some to, each field counted with 32 more (RFC 9113 §6.5.2). As much as a
/// recorded head may have.
const MOST_BYTES: usize = 512 * 1024;

/// What a field counts beyond its bytes (RFC 9113 §6.5.2).
const FIELD_OVERHEAD: usize = 32;

/// What a field line takes in a `HeaderMap` beyond what it counts.
const LINE_MEMORY: usize = 128;

/// Most characters of a refused value that the refusal repeats.
const SHOWN: usize = 100;

/// A refused change: the text says what is wrong with which value.
pub(super) fn invalid(text: impl Into<String>) -> EditError {
    EditError::Invalid(text.into())
}

/// A refused value, for people.
pub(super) fn shown(value: &str) -> String {
    let cut = value.char_indices().nth(SHOWN).map_or(value, |(end, _)| value.get(..end).unwrap_or_default());
    let more = if cut.len() < value.len() { "…" } else { "" };
    format!("`{}{more}`", cut.escape_debug())
}

/// Refuses what no head has room for, before it is looked at byte by byte.
pub(super) fn bounded(value: &[u8]) -> Result<(), EditError> {
    if value.len() > MOST_BYTES { Err(EditError::TooLarge) } else { Ok(()) }
}

/// The name of a field that a component may set.
pub(super) fn field_name(name: &str) -> Result<HeaderName, EditError> {
    bounded(name.as_bytes())?;
    let parsed =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("{} is not a field name", shown(name))))?;
    let framing = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::TRAILER];
    if HOP_BY_HOP.contains(&parsed) || framing.contains(&parsed) { Err(EditError::HostOwned) } else { Ok(parsed) }
}

/// The value of a field that a component sets. White space around it would not arrive (RFC 9110 §5.5).
pub(super) fn field_value(name: &HeaderName, value: Vec<u8>) -> Result<HeaderValue, EditError> {
    bounded(&value)?;
    if matches!(value.first(), Some(b' ' | b'\t')) || matches!(value.last(), Some(b' ' | b'\t')) {
        return Err(invalid(format!("the value of {} has white space around it", shown(name.as_str()))));
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).map_err(|_| {
        invalid(format!("the value of {} contains a byte that no field value may have", shown(name.as_str())))
    })
}

/// How large a head, or a piece of one, is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HeadSize {
    lines: usize,
    bytes: usize,
}

impl HeadSize {
    /// Nothing.
    pub(super) const ZERO: Self = Self { lines: 0, bytes: 0 };

    /// A piece that is no field.
    pub(super) fn text(text: &str) -> Self {
        Self { lines: 0, bytes: text.len() }
    }

    /// Lines of a field.
    pub(super) fn lines<'v>(name: &HeaderName, values: impl IntoIterator<Item = &'v HeaderValue>) -> Self {
        let line = |value: &HeaderValue| Self { lines: 1, bytes: name.as_str().len() + value.len() + FIELD_OVERHEAD };
        values.into_iter().map(line).fold(Self::ZERO, Self::plus)
    }

    /// The lines that fields have of a name.
    pub(super) fn of_name(fields: &Fields, name: &HeaderName) -> Self {
        Self::lines(name, fields.map().get_all(name))
    }

    /// The head of a request.
    pub(super) fn of_request(head: &RequestHead) -> Self {
        let method = Self::text(head.method.as_str());
        let authority = head.authority.as_ref().map_or(Self::ZERO, |named| Self::text(named.as_str()));
        let target = Self::text(head.destination.host()).plus(authority).plus(Self::text(head.target.as_str()));
        Self::of_fields(&head.fields).plus(method).plus(target)
    }

    /// The head of a response.
    pub(super) fn of_response(head: &ResponseHead) -> Self {
        Self::of_fields(&head.fields)
    }

    fn of_fields(fields: &Fields) -> Self {
        fields.map().iter().map(|(name, value)| Self::lines(name, [value])).fold(Self::ZERO, Self::plus)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { lines: self.lines.saturating_add(other.lines), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn minus(self, other: Self) -> Self {
        Self { lines: self.lines.saturating_sub(other.lines), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    /// Bytes of memory that it takes.
    pub(super) fn memory(self) -> usize {
        self.bytes.saturating_add(self.lines.saturating_mul(LINE_MEMORY))
    }
}

/// What a head that is edited may still take.
pub(super) struct Room<'a> {
    size: &'a mut HeadSize,
    charge: &'a mut Charge,
    /// What the handle itself is charged for.
    base: usize,
}

impl<'a> Room<'a> {
    /// The room of a head of this size.
    pub(super) fn new(size: &'a mut HeadSize, charge: &'a mut Charge, base: usize) -> Self {
        Self { size, charge, base }
    }

    /// Makes room for something that replaces something else. Asked before the head is changed.
    ///
    /// # Errors
    /// When the head would grow beyond what a message may have, or the component has no memory left for it.
    pub(super) fn exchange(&mut self, old: HeadSize, new: HeadSize) -> Result<(), EditError> {
        let next = self.size.minus(old).plus(new);
        // What was received or recorded larger may be made smaller.
        let too_many = next.lines > MOST_LINES && next.lines > self.size.lines;
        let too_large = next.bytes > MOST_BYTES && next.bytes > self.size.bytes;
        if too_many || too_large {
            return Err(EditError::TooLarge);
        }
        self.charge.set(self.base.saturating_add(next.memory()))?;
        *self.size = next;
        Ok(())
    }
}

impl From<OutOfMemory> for EditError {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Self::TooLarge
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addon::memory::MemoryMeter;

    fn lines(lines: usize) -> HeadSize {
        HeadSize { lines, bytes: lines * (FIELD_OVERHEAD + 2) }
    }

    #[test]
    fn a_head_grows_to_its_bounds_and_no_further() {
        let meter = MemoryMeter::new(64 << 20);
        let mut charge = Charge::new(meter.account(), 0).expect("there is room");
        let mut size = lines(MOST_LINES - 1);
        let mut room = Room::new(&mut size, &mut charge, 0);
        room.exchange(HeadSize::ZERO, lines(1)).expect("one more");
        assert!(matches!(room.exchange(HeadSize::ZERO, lines(1)), Err(EditError::TooLarge)));
        room.exchange(lines(1), lines(1)).expect("no more than before");
        let long = HeadSize { lines: 1, bytes: MOST_BYTES };
        assert!(matches!(room.exchange(lines(1), long), Err(EditError::TooLarge)));
        assert_eq!(size, lines(MOST_LINES));
    }

    #[test]
    fn a_head_that_came_too_large_may_shrink() {
        let meter = MemoryMeter::new(64 << 20);
        let mut charge = Charge::new(meter.account(), 0).expect("there is room");
        let mut size = lines(2 * MOST_LINES);
        let mut room = Room::new(&mut size, &mut charge, 0);
        room.exchange(lines(2), lines(1)).expect("less than before");
        assert!(matches!(room.exchange(HeadSize::ZERO, lines(1)), Err(EditError::TooLarge)));
    }

    #[test]
    fn a_head_is_its_components_memory() {
        let meter = MemoryMeter::new(1000);
        let mut charge = Charge::new(meter.account(), 100).expect("there is room");
        let mut size = HeadSize::ZERO;
        let mut room = Room::new(&mut size, &mut charge, 100);
        room.exchange(HeadSize::ZERO, HeadSize { lines: 0, bytes: 900 }).expect("just enough");
        assert!(matches!(room.exchange(HeadSize::ZERO, HeadSize::text("a")), Err(EditError::TooLarge)));
        assert_eq!(meter.account().room(), 0);
        drop(charge);
        assert_eq!(meter.account().room(), 1000);
    }

    #[test]
    fn a_refusal_repeats_the_beginning_of_a_long_value() {
        assert_eq!(shown("a\r\nb"), "`a\\r\\nb`");
        let long = shown(&"é".repeat(1 << 20));
        assert_eq!(long, format!("`{}…`", "é".repeat(SHOWN)));
    }
}
