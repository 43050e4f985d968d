//! JSON pointers, one in the first line, and two documents in the next: what is written is read again, and documents differ
//! where it is said.

#![no_main]

use std::ops::ControlFlow;

use json_pointer::{JsonPointer, Segment, compare, push};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let pointer = lines.next().unwrap_or_default();
    match JsonPointer::parse(pointer) {
        Ok(parsed) => {
            let mut written = String::new();
            for segment in parsed.segments() {
                match segment {
                    Segment::Every => written.push_str("/*"),
                    Segment::One(name) => push(&mut written, name),
                }
            }
            assert_eq!(written, pointer);
        }
        Err(error) => assert!(error.to_string().contains(pointer)),
    }
    let mut documents = lines.map_while(|line| serde_json::from_str::<Value>(line).ok());
    let (Some(old), Some(new)) = (documents.next(), documents.next()) else { return };
    let mut count = 0;
    let _ = compare(&old, &new, &mut |difference| {
        count += 1;
        let place = difference.place.to_string();
        assert_eq!((old.pointer(&place), new.pointer(&place)), (difference.old, difference.new));
        assert_ne!(difference.old, difference.new);
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(count == 0, old == new);
});
