//! HAR files, Web Page Replay archives and WireMock stubs, as files and in a folder.

#![no_main]

use fuzz::{place::Place, reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let place = Place::get();
    reading::read(&place.write("recording.json", bytes));
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    if has(b"mappings") || has(b"response") && !has(b"entries") {
        reading::read(&place.write_stubs(bytes));
    }
});
