//! Contents before they were coded.

use std::borrow::Cow;

/// The most bytes that a content may decode to.
pub const DECODED_LIMIT: usize = 16 << 20;

/// How many times as long a content may become that decodes to more than [`FREE`] bytes: who sends little must not make much
/// work.
const RATIO: usize = 100;

/// What any content may decode to.
const FREE: usize = 1 << 20;

/// The content before it was coded, as rules look at it: the same one when it was not coded; nothing when its coding is
/// not known, its data is damaged, or more comes of it than [`DECODED_LIMIT`], or than a MiB and 100
/// times its bytes.
pub fn decode<'a>(content: &'a [u8], coding: Option<&[u8]>) -> Option<Cow<'a, [u8]>> {
    decode_within(content, coding, DECODED_LIMIT)
}

/// The same, and nothing when more than `most` bytes come of a coded content.
pub fn decode_within<'a>(content: &'a [u8], coding: Option<&[u8]>, most: usize) -> Option<Cow<'a, [u8]>> {
    let limit = content.len().saturating_mul(RATIO).clamp(FREE, DECODED_LIMIT).min(most);
    coding::decode(content, coding.unwrap_or_default(), limit)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::{FREE, decode};

    #[test]
    fn a_little_that_becomes_much_is_refused() {
        let gzip = |length: usize| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&vec![b'a'; length]).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(decode(&gzip(FREE), Some(b"gzip")).map(|content| content.len()), Some(FREE));
        let bomb = gzip(4 * FREE);
        assert!(bomb.len() * 100 < 4 * FREE);
        assert_eq!(decode(&bomb, Some(b"gzip")), None);
    }
}
