use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

const LIMIT: usize = 16 << 20;

const CODED: [(&str, &[u8]); 5] = [
    (
        "gzip",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x80\x65\x9f\x79\x07\x00\x00\x00",
    ),
    ("deflate", b"\x78\x9c\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00\x07\xb0\x01\xd8"),
    ("Deflate ", b"\x4b\xb4\x35\x54\x2b\xb1\x35\x04\x00"),
    ("br", b"\x0b\x03\x80\x61\x3d\x31\x26\x74\x3d\x31\x03"),
    ("zstd", b"\x28\xb5\x2f\xfd\x04\x58\x39\x00\x00\x61\x3d\x31\x26\x74\x3d\x31\x29\xff\xcb\x10"),
];

#[test]
fn every_coding_is_undone() {
    for (coding, coded) in CODED {
        let decoded = decode(coded, coding.as_bytes(), LIMIT);
        assert_eq!(decoded.as_deref(), Some(b"a=1&t=1".as_slice()), "{coding}");
    }
    assert_eq!(decode(b"a", b"", LIMIT), Some(b"a".into()));
    assert_eq!(decode(b"a", b"gzip, br", LIMIT), None);
}

#[test]
fn several_codings_are_undone_last_one_first() {
    let gzipped = |content: &[u8]| {
        let mut coded = GzEncoder::new(Vec::new(), Compression::fast());
        coded.write_all(content).unwrap();
        coded.finish().unwrap()
    };
    let (_, zstd) = CODED[4];
    let content = b"a=1&t=1".as_slice();
    assert_eq!(decode(&gzipped(zstd), b"zstd, gzip", LIMIT).as_deref(), Some(content));
    assert_eq!(decode(&gzipped(zstd), b"zstd,identity,,GZIP", LIMIT).as_deref(), Some(content));
    assert_eq!(decode(&gzipped(zstd), b"gzip, zstd", LIMIT), None);
    assert_eq!(decode(&gzipped(zstd), b"other, gzip", LIMIT), None);
    let (mut coded, mut names) = (content.to_vec(), Vec::new());
    for count in 1..=MOST_CODINGS + 1 {
        coded = gzipped(&coded);
        names.push("gzip");
        let expected = (count <= MOST_CODINGS).then_some(content);
        assert_eq!(decode(&coded, names.join(",").as_bytes(), LIMIT).as_deref(), expected, "{count}");
    }
}

#[test]
fn concatenated_members_and_frames_are_one_content() {
    for (coding, coded) in [CODED[0], CODED[4]] {
        let repeated = coded.repeat(2);
        let decoded = decode(&repeated, coding.as_bytes(), LIMIT);
        assert_eq!(decoded.as_deref(), Some(b"a=1&t=1a=1&t=1".as_slice()), "{coding}");
    }
}

#[test]
fn truncated_contents_are_refused() {
    for (coding, coded) in CODED {
        for end in 1..coded.len() {
            let decoded = decode(&coded[..end], coding.as_bytes(), LIMIT);
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
        let decoded = decode(&bomb, b"gzip", LIMIT);
        assert_eq!(decoded.map(|content| content.len()), expected);
    }
}

#[test]
fn names_are_known_in_any_case() {
    for (name, coding) in [
        ("gzip", Some(Coding::Gzip)),
        (" X-GZip\t", Some(Coding::Gzip)),
        ("DEFLATE", Some(Coding::Deflate)),
        ("br", Some(Coding::Brotli)),
        ("zstd", Some(Coding::Zstd)),
        ("compress", None),
        ("", None),
        ("gzip, br", None),
    ] {
        assert_eq!(Coding::named(name.as_bytes()), coding, "{name}");
    }
    for (name, is_none) in [("", true), (" Identity ", true), ("gzip", false)] {
        assert_eq!(is_identity(name.as_bytes()), is_none, "{name}");
    }
}

#[test]
fn streams_are_read_as_contents_are() {
    for (coding, coded) in CODED {
        let coding = Coding::named(coding.as_bytes()).unwrap();
        for limit in [6, 7] {
            let mut decoded = Vec::new();
            let read = coding.reader(coded, limit).unwrap().read_to_end(&mut decoded);
            assert_eq!(read.is_ok().then_some(decoded).as_deref(), (limit == 7).then_some(b"a=1&t=1".as_slice()));
        }
    }
}

#[test]
fn what_breaks_off_is_decoded_up_to_there() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let text: Vec<u8> = (0..200_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
    encoder.write_all(&text).unwrap();
    let content = encoder.finish().unwrap();
    let start = Coding::Gzip.decode_start(&content[..content.len() / 2], LIMIT).unwrap();
    assert!(start.len() > 1000 && text.starts_with(&start));
    assert_eq!(Coding::Gzip.decode_start(&content, 1000), None);
    assert_eq!(Coding::Gzip.decode_start(b"no gzip at all", LIMIT), None);
}

#[test]
fn only_the_zlib_format_is_zlib() {
    assert_eq!(Coding::Zlib.decode(CODED[1].1, LIMIT).as_deref(), Some(b"a=1&t=1".as_slice()));
    assert_eq!(Coding::Zlib.decode(CODED[2].1, LIMIT), None);
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
        decode(&coded, coding.as_bytes(), LIMIT);
    }

    #[test]
    fn arbitrary_contents_never_panic(which in 0..CODED.len(), content in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(&content, CODED[which].0.as_bytes(), LIMIT);
    }
}
