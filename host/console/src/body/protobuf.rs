//! Protocol buffers, as far as they can be read without their schema.

use super::hex;

/// Messages in messages, at most.
const MOST_DEEP: usize = 12;

/// A line for each field: its number and its value. A field that has a length is shown as a text if it is one, else as a message
/// if it can be read as one. Nothing if the bytes are no fields.
pub(super) fn lines(content: &[u8]) -> Option<Vec<String>> {
    fields(content, 0)
}

fn fields(content: &[u8], depth: usize) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let number = tag >> 3;
        if number == 0 {
            return None;
        }
        // The types of the wire format.
        match tag & 7 {
            0 => lines.push(format!("{number}: {}", varint(&mut rest)?)),
            1 => {
                let bytes = take(&mut rest, 8)?.try_into().ok()?;
                lines.push(format!("{number}: {} (or {})", u64::from_le_bytes(bytes), f64::from_le_bytes(bytes)));
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                add_delimited(&mut lines, number, take(&mut rest, length)?, depth);
            }
            5 => {
                let bytes = take(&mut rest, 4)?.try_into().ok()?;
                lines.push(format!("{number}: {} (or {})", u32::from_le_bytes(bytes), f32::from_le_bytes(bytes)));
            }
            // Groups, which nobody writes any more.
            _ => return None,
        }
    }
    Some(lines)
}

fn add_delimited(lines: &mut Vec<String>, number: u64, value: &[u8], depth: usize) {
    let text = std::str::from_utf8(value).ok();
    let text = text.filter(|text| !text.chars().any(|character| character.is_control() && !character.is_whitespace()));
    if let Some(text) = text {
        lines.push(format!("{number}: {text:?}"));
        return;
    }
    let inner = if depth < MOST_DEEP { fields(value, depth + 1) } else { None };
    lines.push(format!("{number}:"));
    lines.extend(inner.unwrap_or_else(|| hex::lines(value)).into_iter().map(|line| format!("  {line}")));
}

/// A number of up to ten bytes, seven bits each, the lowest first.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = *take(rest, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<'c>(rest: &mut &'c [u8], length: usize) -> Option<&'c [u8]> {
    let (taken, further) = rest.split_at_checked(length)?;
    *rest = further;
    Some(taken)
}
