//! Packed JSON recordings: in gzip, and in zip archives with bodies beside them.
//!
//! An input that is packed is read as it is. Any other one is packed here, because hardly any change leaves a checksum
//! right: each part up to a zero byte is a document. It is not compressed, which would take most of the time.

#![no_main]

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use fuzz::{
    place::{BESIDE, Place},
    reading,
};
use libfuzzer_sys::fuzz_target;
use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

fuzz_target!(|bytes: &[u8]| {
    let place = Place::get();
    if bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b") {
        reading::read(&place.write("packed", bytes));
        return;
    }
    reading::read(&place.write("packed.gz", &gzip(bytes).expect("memory")));
    reading::read(&place.write("packed.zip", &zip(bytes).expect("memory")));
});

/// One member for each part.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    for part in bytes.split(|byte| *byte == 0) {
        let mut encoder = GzEncoder::new(packed, Compression::none());
        encoder.write_all(part)?;
        packed = encoder.finish()?;
    }
    Ok(packed)
}

fn zip(bytes: &[u8]) -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    archive.start_file("folder/body", options)?;
    archive.write_all(BESIDE)?;
    for (number, part) in bytes.split(|byte| *byte == 0).take(DOCUMENTS).enumerate() {
        archive.start_file(format!("folder/{number}.har"), options)?;
        archive.write_all(part)?;
    }
    Ok(archive.finish()?.into_inner())
}

const DOCUMENTS: usize = 8;
