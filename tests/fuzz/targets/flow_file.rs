//! Flow files: all that one holds is read.

#![no_main]

use fuzz::{place::Place, reading, tree};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { tree::mutate(data, size, max_size, seed) });

fuzz_target!(|bytes: &[u8]| {
    let path = Place::get().write("flows.mitm", bytes);
    let recording = reading::read(&path);
    // Whatever is wrong in a flow, no other one is lost.
    if let Some(recording) = recording
        && bytes.first().is_some_and(u8::is_ascii_digit)
    {
        let (count, end) = tree::whole_flows(bytes);
        let skipped = recording.skipped();
        let others = skipped.tcp + skipped.udp + skipped.dns + skipped.websocket + skipped.unknown;
        assert_eq!(recording.exchanges().len() + others + skipped.invalid.len(), count);
        assert_eq!(recording.warning().map(|tail| tail.offset), (end < bytes.len()).then_some(end as u64));
    }
});
