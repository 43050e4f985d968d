use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    time::Duration,
};

use super::*;
use crate::samples::{self, Value, dict, flow};

fn with_body(body: &[u8]) -> Vec<u8> {
    flow().map("response", |response| response.with("content", body)).write()
}

fn response_content(recording: &Recording) -> Content {
    recording.exchanges()[0].response.as_ref().unwrap().content.clone()
}

fn assert_changed(result: Result<Bytes, RecordingError>, message: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, RecordingError::Changed { .. }), "{error:?}");
    let error = error.to_string();
    assert!(error.contains("changed since it was loaded") && error.contains(message), "{error}");
}

#[test]
fn a_body_is_read_whole_or_in_pieces() {
    let body: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    let recording = samples::open(&with_body(&body)).unwrap();
    let content = response_content(&recording);
    assert!(matches!(content, Content::Stored(span) if span.len() == 200_000));
    assert_eq!(recording.read(&content).unwrap(), body);
    let mut pieces = Vec::new();
    loop {
        let piece = recording.read_at(&content, pieces.len() as u64, 30_000).unwrap();
        if piece.is_empty() {
            break;
        }
        pieces.extend_from_slice(&piece);
    }
    assert_eq!(pieces, body);
    assert_eq!(recording.read_at(&content, 199_999, usize::MAX).unwrap(), [body[199_999]][..]);
    assert_eq!(recording.read_at(&content, u64::MAX, 1).unwrap(), "");
    assert_eq!(recording.read_at(&content, 0, 0).unwrap(), "");
}

#[test]
fn an_empty_body_is_not_a_missing_one() {
    let recording = samples::open(&with_body(b"")).unwrap();
    let content = response_content(&recording);
    assert_eq!(recording.read(&content).unwrap(), "");
    assert_eq!(recording.read_at(&content, 0, 10).unwrap(), "");
    let error = recording.read(&Content::NotRecorded).unwrap_err();
    assert!(matches!(error, RecordingError::NotRecorded { .. }));
}

#[test]
fn a_held_body_is_read_like_a_stored_one() {
    let recording = samples::open(&with_body(b"")).unwrap();
    let content = Content::Held(Bytes::from("hello"));
    assert_eq!(content.size(), Some(5));
    assert_eq!(recording.read(&content).unwrap(), "hello");
    assert_eq!(recording.read_at(&content, 1, 3).unwrap(), "ell");
    assert_eq!(recording.read_at(&content, 4, usize::MAX).unwrap(), "o");
    assert_eq!(recording.read_at(&content, 5, 1).unwrap(), "");
    assert_eq!(recording.read_at(&content, u64::MAX, 1).unwrap(), "");
    assert_eq!(recording.read_at(&Content::Held(Bytes::new()), 0, 1).unwrap(), "");
}

#[test]
fn a_file_that_shrank_fails_the_bodies_it_lost() {
    let (first, second) = (with_body(b"first"), with_body(b"second"));
    let file = samples::file(&[&first[..], &second].concat());
    let recording = Recording::open(&file.path, &mut |_| {}).unwrap();
    let contents: Vec<_> =
        recording.exchanges().iter().map(|exchange| exchange.response.as_ref().unwrap().content.clone()).collect();
    let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
    opened.set_len(first.len() as u64).unwrap();
    assert_eq!(recording.read(&contents[0]).unwrap(), "first");
    assert_changed(recording.read(&contents[1]), "it is shorter now");
    assert_changed(recording.read_at(&contents[1], 1, 2), "it is shorter now");
}

#[test]
fn a_file_that_was_overwritten_fails_instead_of_serving_other_bytes() {
    let bytes = with_body(b"hello");
    let file = samples::file(&bytes);
    let recording = Recording::open(&file.path, &mut |_| {}).unwrap();
    let content = response_content(&recording);
    fs::write(&file.path, vec![b'x'; bytes.len()]).unwrap();
    assert_changed(recording.read(&content), "the length before the body");
    assert_changed(recording.read_at(&content, 0, 2), "the length before the body");
    assert_changed(recording.read_at(&content, 3, 2), "the mark after the body");
    fs::write(&file.path, with_body(b"hello, longer")).unwrap();
    assert_changed(recording.read(&content), "the length before the body");
}

#[test]
fn other_bytes_of_the_same_length_are_noticed_and_what_is_appended_is_none() {
    let file = samples::file(&with_body(b"hello"));
    let recording = Recording::open(&file.path, &mut |_| {}).unwrap();
    let content = response_content(&recording);
    let write = |bytes: &[u8], seconds: u64| {
        fs::write(&file.path, bytes).unwrap();
        // Clocks of file systems are coarse.
        let later = SystemTime::now() + Duration::from_secs(seconds);
        OpenOptions::new().write(true).open(&file.path).unwrap().set_modified(later).unwrap();
    };
    write(&[with_body(b"hello"), with_body(b"again")].concat(), 1);
    assert_eq!(recording.read(&content).unwrap(), "hello");
    write(&with_body(b"HELLO"), 2);
    assert_changed(recording.read(&content), "the file was written to since it was loaded");
    assert_changed(recording.read_at(&content, 1, 2), "the file was written to since it was loaded");
}

#[test]
fn a_file_that_was_replaced_still_serves_what_was_loaded() {
    let file = samples::file(&with_body(b"old"));
    let recording = Recording::open(&file.path, &mut |_| {}).unwrap();
    let new = file.path.with_extension("new");
    fs::write(&new, with_body(b"new")).unwrap();
    fs::rename(&new, &file.path).unwrap();
    assert_eq!(recording.read(&response_content(&recording)).unwrap(), "old");
}

/// What comes before and after a hole of `len` bytes in a file.
struct Around {
    len: u64,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Around {
    /// Puts the hole and what is around it into a frame.
    fn framed(self, kind: u8) -> Self {
        let len = self.before.len() as u64 + self.len + self.after.len() as u64;
        Self {
            len: self.len,
            before: [format!("{len}:").as_bytes(), &self.before].concat(),
            after: [&self.after[..], &[kind]].concat(),
        }
    }

    /// Makes it the value of `key` in a dict like `other`.
    fn entry(self, key: &str, other: Value) -> Self {
        let other = other.without(key).write();
        let entries = other.iter().position(|byte| *byte == b':').unwrap() + 1..other.len() - 1;
        let around = Self {
            len: self.len,
            before: [samples::text(key).write(), self.before].concat(),
            after: [&self.after[..], &other[entries]].concat(),
        };
        around.framed(b'}')
    }
}

#[test]
fn a_body_of_gigabytes_is_jumped_over() {
    let len = 8 << 30;
    let empty = Around { len, before: Vec::new(), after: Vec::new() };
    let response = dict().with("status_code", 200);
    let around = empty.framed(b',').entry("content", response).entry("response", flow());
    let file = samples::file(&around.before);
    let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
    opened.write_all_at(&around.after, around.before.len() as u64 + len).unwrap();

    let recording = Recording::open(&file.path, &mut |_| {}).unwrap();
    let content = response_content(&recording);
    assert!(matches!(content, Content::Stored(span) if span.len() == len));
    assert_eq!(recording.read_at(&content, 0, 2).unwrap(), [0, 0][..]);
    assert_eq!(recording.read_at(&content, len - 2, 100).unwrap(), [0, 0][..]);
}
