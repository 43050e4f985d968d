//! Material for tests: entries and HAR files.

use std::io::Write;

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use serde_json::{Value, json};

use crate::{Content, Exchange, Recording, Response, Skipped, samples::open};

/// An entry: `GET https://example.com/a?b=c`, answered with `hello`.
pub(super) fn entry() -> Value {
    json!({
        "startedDateTime": "2023-11-14T22:13:20.250Z",
        "time": 2000,
        "request": {
            "method": "GET",
            "url": "https://example.com/a?b=c",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Host", "value": "example.com"}],
            "bodySize": 0,
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}],
            "content": {"size": 5, "mimeType": "text/plain", "text": "hello"},
        },
    })
}

/// The entry with the value at a JSON pointer set, whatever is there.
pub(super) fn with(pointer: &str, value: Value) -> Value {
    set(entry(), pointer, value)
}

pub(super) fn set(mut entry: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    entry.pointer_mut(parent).unwrap()[key] = value;
    entry
}

pub(super) fn without(pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let mut entry = entry();
    entry.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    entry
}

/// What follows the last entry in what [`har`] writes.
pub(super) const AFTER: &str = r#"],"version":"1.2"}}"#;

pub(super) fn har(entries: &[Value]) -> Vec<u8> {
    json!({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}})
        .to_string()
        .into_bytes()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn recording(entry: &Value) -> Recording {
    open(&har(std::slice::from_ref(entry))).unwrap()
}

/// Opens one entry that must be an exchange.
pub(super) fn exchange(entry: &Value) -> Exchange {
    let recording = recording(entry);
    assert_eq!(*recording.skipped(), Skipped::default());
    recording.exchanges()[0].clone()
}

pub(super) fn response(entry: &Value) -> Response<Content> {
    exchange(entry).flow.response.unwrap()
}

/// Opens one entry that must be left out, and answers why.
pub(super) fn invalid(entry: &Value) -> String {
    let recording = recording(entry);
    assert!(recording.exchanges().is_empty());
    assert_eq!(recording.skipped().invalid.len(), 1, "{:?}", recording.skipped());
    recording.skipped().invalid[0].reason.clone()
}

/// Opens one entry that is no exchange, and answers why.
pub(super) fn other(entry: &Value) -> Vec<String> {
    let recording = recording(entry);
    assert!(recording.exchanges().is_empty() && recording.skipped().invalid.is_empty());
    recording.skipped().reasons()
}

pub(super) fn held(content: &Content) -> &[u8] {
    match content {
        Content::Held(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

pub(super) fn header(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}
