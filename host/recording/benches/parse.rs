//! What parsing costs: opening a recording, which reads the heads of its flows.

use std::path::Path;

use divan::{Bencher, black_box, counter::ItemsCount};
use recording::{Recording, RecordingError};

/// A visit with a browser.
const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recordings/browser.mitm");

fn main() {
    divan::main();
}

#[divan::bench]
fn recording(bencher: Bencher<'_, '_>) {
    let flows = open().map_or(0, |recording| recording.exchanges().len());
    bencher.counter(ItemsCount::new(flows)).bench(counted);
}

/// What is measured. Its name is how counters of instructions find it.
#[inline(never)]
fn counted() -> Result<Recording, RecordingError> {
    open()
}

fn open() -> Result<Recording, RecordingError> {
    Recording::open(black_box(Path::new(RECORDING)), &mut |_| ())
}
