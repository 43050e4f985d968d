//! Content codings that are undone, the first byte says which: never more comes of it than the limit, and whichever way it is
//! read, the same.

#![no_main]

use std::io::Read;

use coding::Coding;
use libfuzzer_sys::fuzz_target;

/// Small, so that limits are reached often.
const LIMIT: usize = 64 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, content)) = bytes.split_first() else { return };
    let coding = [Coding::Gzip, Coding::Zlib, Coding::Deflate, Coding::Brotli, Coding::Zstd][usize::from(first % 5)];
    let decoded = coding.decode(content, LIMIT);
    if let Some(decoded) = &decoded {
        assert!(decoded.len() <= LIMIT);
        // The limit is what is allowed, and not one byte less or more.
        assert_eq!(coding.decode(content, decoded.len()).as_ref(), Some(decoded));
        assert!(decoded.is_empty() || coding.decode(content, decoded.len() - 1).is_none());
        if coding != Coding::Deflate {
            assert_eq!(coding.decode_start(content, LIMIT).as_ref(), Some(decoded));
        }
    }
    if let Some(start) = coding.decode_start(content, LIMIT) {
        assert!(start.len() <= LIMIT);
    }
    let mut read = Vec::new();
    let Ok(mut reader) = coding.reader(content, LIMIT as u64) else { return };
    let mut piece = [0; 777];
    // Whoever reads gets no more than the limit before the error.
    while let Ok(length @ 1..) = reader.read(&mut piece) {
        read.extend_from_slice(&piece[..length]);
    }
    assert!(read.len() <= LIMIT);
    if let (Some(decoded), true) = (decoded, coding != Coding::Deflate) {
        assert_eq!(read, decoded);
    }
});
