//! HAR files, Web Page Replay archives and WireMock stubs, as files and in a folder.

#![no_main]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use fuzz::{place::Place, reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let place = Place::get();
    if let Some(recording) = reading::read(&place.write("recording.json", bytes))
        && let Some(packed) = reading::open(&place.write("packed.json", &gzip(bytes).expect("memory")))
    {
        reading::check_same(&recording, &packed);
    }
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    if has(b"mappings") || has(b"response") && !has(b"entries") {
        reading::read(&place.write_stubs(bytes));
    }
});

/// What is packed is held in memory, and most of what is not packed stays in its file.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes)?;
    encoder.finish()
}
