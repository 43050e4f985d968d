//! Undoing content coding, as far as mitmproxy undoes it.

use std::{
    borrow::Cow,
    io::{ErrorKind, Read},
};

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use recording::Fields;

/// The content before it was coded as the fields say; nothing if it was not, or if that cannot be undone.
pub(super) fn decode(content: &[u8], fields: &Fields) -> Option<Bytes> {
    let coding = fields.joined("content-encoding")?.to_ascii_lowercase();
    if content.is_empty() {
        return None;
    }
    let decoded = match coding.as_slice() {
        b"gzip" => match content {
            // Some senders take one name for the other.
            [0x1f, 0x8b, ..] => what_there_is(MultiGzDecoder::new(content)),
            _ => what_there_is(ZlibDecoder::new(content)),
        },
        b"deflateraw" => whole(content, b"deflate"),
        coding => whole(content, coding),
    };
    decoded.map(Bytes::from)
}

/// What was coded, if all of it is there.
fn whole(content: &[u8], coding: &[u8]) -> Option<Vec<u8>> {
    match redaction::decode(content, Some(coding))? {
        Cow::Owned(decoded) => Some(decoded),
        // It was not coded.
        Cow::Borrowed(_) => None,
    }
}

/// All that a decoder gives until the content breaks off.
fn what_there_is(decoder: impl Read) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    match decoder.take(LIMIT + 1).read_to_end(&mut decoded) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => None,
        _ => (decoded.len() as u64 <= LIMIT).then_some(decoded),
    }
}

/// The most bytes that a body may decode to.
const LIMIT: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn coded(content: &[u8], coding: &'static str) -> Option<Bytes> {
        decode(content, &[("Content-Encoding", coding)].into())
    }

    const CODED: [(&str, &[u8]); 5] = [
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x80\x65\x9f\x79\x07\x00\x00\x00"),
        ("GZIP", b"\x78\x9c\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x07\xb0\x01\xd8"),
        ("deflate", b"\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00"),
        ("br", b"\x0b\x03\x80\x61\x3d\x31\x26\x74\x3d\x31\x03"),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\x58\x39\x00\x00\x61\x3d\x31\x26\x74\x3d\x31\x29\xff\xcb\x10"),
    ];

    #[test]
    fn every_coding_is_undone() {
        for (coding, content) in CODED {
            assert_eq!(coded(content, coding).unwrap(), "a=1&t=1", "{coding}");
        }
    }

    #[test]
    fn what_is_not_coded_so_is_left_as_it_is() {
        assert_eq!(decode(b"a", &Fields::new()), None);
        assert_eq!(coded(b"", "gzip"), None);
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, br", "utf-8"] {
            assert_eq!(coded(b"neither", coding), None, "{coding}");
        }
    }

    #[test]
    fn the_start_of_a_gzip_stream_is_decoded() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        encoder.write_all(&text).unwrap();
        let content = encoder.finish().unwrap();
        let start = coded(&content[..content.len() / 2], "gzip").unwrap();
        assert!(start.len() > 1000 && text.starts_with(&start));
    }

    #[test]
    fn bombs_are_left_as_they_are() {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![0; LIMIT as usize + 1]).unwrap();
        assert_eq!(coded(&bomb.finish().unwrap(), "gzip"), None);
    }

    proptest! {
        #[test]
        fn arbitrary_contents_never_panic(which in 0..CODED.len(), content in prop::collection::vec(any::<u8>(), 0..200)) {
            coded(&content, CODED[which].0);
        }
    }
}
