//! `proxyhost flows repair`: what comes of it always loads, and no whole flow is lost.

#![no_main]

use fuzz::{place::Place, reading, tree};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tools::{Console, Exit, RecordingWriters};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { tree::mutate(data, size, max_size, seed) });

fuzz_target!(|bytes: &[u8]| {
    let path = Place::get().write("broken.mitm", bytes);
    let repaired = path.with_file_name("repaired.mitm");
    let _ = std::fs::remove_file(&repaired);
    let arguments = ["flows".as_ref(), "repair".as_ref(), path.as_os_str(), repaired.as_os_str()];
    let matches = tools::command().try_get_matches_from(arguments).expect("arguments");
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let ended = tools::run(&matches, Console::new(&mut output, &mut errors), &RecordingWriters);
    let (count, end) = tree::whole_flows(bytes);
    match ended {
        Ok(exit) => {
            assert_eq!(exit, Exit::Success);
            let after = Place::read(&repaired);
            assert!(bytes.starts_with(&after));
            assert_eq!((after.len(), tree::whole_flows(&after)), (end, (count, end)));
            if let Some(recording) = reading::open(&repaired) {
                assert!(recording.warning().is_none(), "what was repaired is broken");
            }
        }
        Err(_) => assert_eq!(count, 0, "whole flows, and they are not repaired"),
    }
    assert_eq!(Place::read(&path), bytes, "the broken file stays as it is");
});
