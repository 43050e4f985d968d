//! Undoing content coding, as far as mitmproxy undoes it.

use std::borrow::Cow;

use bytes::Bytes;
use coding::Coding;
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
            [0x1f, 0x8b, ..] => Coding::Gzip.decode_start(content, LIMIT),
            _ => Coding::Zlib.decode_start(content, LIMIT),
        },
        b"deflateraw" => Coding::Deflate.decode(content, LIMIT),
        codings => match coding::decode(content, codings, LIMIT)? {
            Cow::Owned(decoded) => Some(decoded),
            Cow::Borrowed(_) => None,
        },
    };
    decoded.map(Bytes::from)
}

/// The most bytes that a body may decode to.
const LIMIT: usize = 64 << 20;

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
        bomb.write_all(&vec![0; LIMIT + 1]).unwrap();
        assert_eq!(coded(&bomb.finish().unwrap(), "gzip"), None);
    }

    proptest! {
        #[test]
        fn arbitrary_contents_never_panic(which in 0..CODED.len(), content in prop::collection::vec(any::<u8>(), 0..200)) {
            coded(&content, CODED[which].0);
        }
    }
}
