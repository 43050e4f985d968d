//! Recording behind what a file holds already, as a flow file or as a HAR file: nothing whole is lost.

#![no_main]

use std::path::Path;

use fuzz::{any_flow, place::Place, reading, tree};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use oneline::chain;
use recording::{Existing, Opened, Recorder, Recording};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { tree::mutate(data, size, max_size, seed) });

fuzz_target!(|bytes: &[u8]| {
    match bytes {
        [b'{', ..] => append_to_har(bytes),
        _ => append_to_flows(bytes),
    }
});

fn append_to_flows(bytes: &[u8]) {
    let path = Place::get().write("append.mitm", bytes);
    let (count, end) = tree::whole_flows(bytes);
    let before = reading::open(&path);
    let Some(notice) = append(&path) else {
        assert_eq!(count, 0, "whole flows, and they are not appended to");
        assert_eq!(Place::read(&path), bytes, "what is refused is not changed");
        return;
    };
    assert_eq!(notice.is_some(), end < bytes.len());
    let after = Place::read(&path);
    assert!(after.starts_with(&bytes[..end]), "whole flows were changed");
    assert_eq!(tree::whole_flows(&after), (count + 1, after.len()));
    // One flow of an unknown version refuses the file, before and after.
    if count == 0 || before.is_some() {
        let recording = reading::read(&path).expect("a file that can be read");
        let last = recording.exchanges().last().expect("the flow that was appended");
        assert_eq!((last.number, last.id.as_str()), (count + 1, any_flow::ID));
        assert!(recording.warning().is_none());
    }
}

fn append_to_har(bytes: &[u8]) {
    let path = Place::get().write("append.har", bytes);
    let before = reading::open(&path).filter(|recording| recording.warning().is_none());
    if append(&path).is_none() {
        assert_eq!(Place::read(&path), bytes, "what is refused is not changed");
        return;
    }
    // What is cut off was no entry. One before the last may be damaged, which is not looked for.
    if let Some(before) = before {
        let recording = reading::read(&path).expect("a file that can be read");
        assert_eq!(entries(&recording), entries(&before) + 1);
    }
}

/// Appends a flow. Answers with what was said of the file, or nothing if it was refused.
fn append(path: &Path) -> Option<Option<String>> {
    match Recorder::open(&format!("+{}", path.display()), Existing::Refuse, None) {
        Ok(Opened { recorder, notice }) => {
            drop(recorder.save(1, any_flow::plain()));
            recorder.finish();
            Some(notice)
        }
        Err(error) => {
            assert!(!chain(&error).contains('\n'));
            None
        }
    }
}

fn entries(recording: &Recording) -> usize {
    let skipped = recording.skipped();
    recording.exchanges().len() + skipped.invalid.len() + skipped.others.values().sum::<usize>()
}
