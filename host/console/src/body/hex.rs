//! Bytes as they are.

use std::fmt::Write as _;

/// Bytes on a line.
const WIDTH: usize = 16;

/// Offset, bytes, and characters where they are ASCII, as `hexdump -C` has them.
pub(super) fn lines(content: &[u8]) -> Vec<String> {
    let lines = content.chunks(WIDTH).enumerate().map(|(number, bytes)| {
        let mut line = format!("{:08x} ", number * WIDTH);
        for place in 0..WIDTH {
            if place == WIDTH / 2 {
                line.push(' ');
            }
            let _ = match bytes.get(place) {
                Some(byte) => write!(line, " {byte:02x}"),
                None => write!(line, "   "),
            };
        }
        line.push_str("  ");
        let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        line.extend(bytes.iter().map(shown));
        line
    });
    lines.collect()
}
