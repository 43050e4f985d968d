//! Undoing content coding.

use std::{borrow::Cow, io::Read};

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

/// The most bytes that a content may decode to.
pub const DECODED_LIMIT: usize = 16 << 20;

/// The content before it was coded, the same one when it was not; nothing when the coding is not known, its data is
/// damaged or more than [`DECODED_LIMIT`] comes of it.
pub fn decode<'a>(content: &'a [u8], coding: Option<&[u8]>) -> Option<Cow<'a, [u8]>> {
    let coding = coding.unwrap_or_default().trim_ascii();
    let decoded = match coding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => return Some(content.into()),
        b"gzip" | b"x-gzip" => read(MultiGzDecoder::new(content)),
        // Some senders leave out the zlib format around their deflate data.
        b"deflate" => read(ZlibDecoder::new(content)).or_else(|| read(DeflateDecoder::new(content))),
        b"br" => brotli(content),
        b"zstd" => zstd(content),
        _ => None,
    };
    decoded.map(Cow::Owned)
}

fn brotli(content: &[u8]) -> Option<Vec<u8>> {
    const BUFFER: usize = 4096;
    let mut decoder = Decompressor::new(content, BUFFER);
    // Large windows are not part of RFC 7932, and may ask for a gigabyte of memory.
    decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
    read(decoder)
}

fn zstd(mut content: &[u8]) -> Option<Vec<u8>> {
    /// The furthest that data may refer back (RFC 9659, section 3), which is kept in memory.
    const WINDOW: u64 = 8 << 20;
    let mut decoded = Vec::new();
    while !content.is_empty() {
        let frame = StreamingDecoder::new_with_max_window_size(&mut content, WINDOW).ok()?;
        read_on(frame, &mut decoded)?;
    }
    Some(decoded)
}

fn read(decoder: impl Read) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    read_on(decoder, &mut decoded)?;
    Some(decoded)
}

/// Adds all that a decoder gives.
fn read_on(decoder: impl Read, decoded: &mut Vec<u8>) -> Option<()> {
    let room = (DECODED_LIMIT - decoded.len()) as u64;
    decoder.take(room + 1).read_to_end(decoded).ok()?;
    (decoded.len() <= DECODED_LIMIT).then_some(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::decode;

    const CODED: [(&str, &[u8]); 5] = [
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x80\x65\x9f\x79\x07\x00\x00\x00"),
        ("deflate", b"\x78\x9c\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x07\xb0\x01\xd8"),
        ("Deflate ", b"\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00"),
        ("br", b"\x0b\x03\x80\x61\x3d\x31\x26\x74\x3d\x31\x03"),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\x58\x39\x00\x00\x61\x3d\x31\x26\x74\x3d\x31\x29\xff\xcb\x10"),
    ];

    #[test]
    fn every_coding_is_undone() {
        for (coding, coded) in CODED {
            let decoded = decode(coded, Some(coding.as_bytes()));
            assert_eq!(decoded.as_deref(), Some(b"a=1&t=1".as_slice()), "{coding}");
        }
        assert_eq!(decode(b"a", None), Some(b"a".into()));
        assert_eq!(decode(b"a", Some(b"gzip, br")), None);
    }

    #[test]
    fn concatenated_members_and_frames_are_one_content() {
        for (coding, coded) in [CODED[0], CODED[4]] {
            let repeated = coded.repeat(2);
            let decoded = decode(&repeated, Some(coding.as_bytes()));
            assert_eq!(decoded.as_deref(), Some(b"a=1&t=1a=1&t=1".as_slice()), "{coding}");
        }
    }

    #[test]
    fn truncated_contents_are_refused() {
        for (coding, coded) in CODED {
            for end in 1..coded.len() {
                let decoded = decode(&coded[..end], Some(coding.as_bytes()));
                assert_eq!(decoded, None, "{coding} {end}");
            }
        }
    }

    #[test]
    fn bombs_are_refused() {
        for (length, expected) in [(16 << 20, Some(16 << 20)), ((16 << 20) + 1, None)] {
            let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
            bomb.write_all(&vec![0; length]).unwrap();
            let bomb = bomb.finish().unwrap();
            let decoded = decode(&bomb, Some(b"gzip"));
            assert_eq!(decoded.map(|content| content.len()), expected);
        }
    }

    proptest! {
        #[test]
        fn damaged_contents_never_panic(which in 0..CODED.len(), damage in prop::collection::vec((0..40usize, any::<u8>()), 1..4)) {
            let (coding, coded) = CODED[which];
            let mut coded = coded.to_vec();
            for (at, byte) in damage {
                let at = at % coded.len();
                coded[at] = byte;
            }
            decode(&coded, Some(coding.as_bytes()));
        }

        #[test]
        fn arbitrary_contents_never_panic(which in 0..CODED.len(), content in prop::collection::vec(any::<u8>(), 0..200)) {
            decode(&content, Some(CODED[which].0.as_bytes()));
        }
    }
}
