use std::io::Write;

use proptest::prelude::*;
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    Content, Recording,
    samples::{describe, file, open},
};

fn zip_of(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn deflated(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(CompressionMethod::Deflated, files)
}

fn entry(path: &str, content: Value) -> Value {
    json!({
        "request": {"method": "GET", "url": format!("http://a{path}"), "headers": []},
        "response": {"status": 200, "headers": [], "content": content},
    })
}

fn har(entries: &[Value]) -> Vec<u8> {
    json!({"log": {"entries": entries}}).to_string().into_bytes()
}

fn plain(path: &str) -> Value {
    entry(path, json!({"size": 5, "text": "hello"}))
}

/// The message for an archive, with the path in it replaced by `it`.
fn message(bytes: &[u8]) -> String {
    let file = file(bytes);
    let error = Recording::open(&file.path, &mut |_| {}).unwrap_err();
    error.to_string().replace(file.path.to_str().unwrap(), "it")
}

fn paths(recording: &Recording) -> Vec<String> {
    recording.exchanges().iter().map(|found| found.request.path.escape_ascii().to_string()).collect()
}

#[test]
fn a_har_file_is_read_wherever_it_is_and_however_it_is_stored() {
    let expected = describe(&open(&har(&[plain("/a"), plain("/b")])).unwrap());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let har = har(&[plain("/a"), plain("/b")]);
        let marked = [b"\xef\xbb\xbf", &har[..]].concat();
        for files in [[("readme.txt", &b"hi"[..]), ("x.har", &har)], [("readme.txt", b"hi"), ("a/b/X.HAR", &marked)]] {
            assert_eq!(describe(&open(&zip_of(method, &files)).unwrap()), expected);
        }
    }
}

#[test]
fn all_har_files_are_read_in_their_order() {
    let (one, two) = (har(&[plain("/1"), plain("/2")]), har(&[json!({}), plain("/4")]));
    let recording = open(&deflated(&[("b.har", &one), ("x.json", b"[]"), ("__MACOSX/._b.har", b"?"), ("a.har", &two)]));
    let recording = recording.unwrap();
    assert_eq!(paths(&recording), ["/1", "/2", "/4"]);
    assert_eq!(recording.exchanges().iter().map(|found| found.number).collect::<Vec<_>>(), [1, 2, 4]);
    let invalid = &recording.skipped().invalid[0];
    assert_eq!((invalid.number, &invalid.reason[..]), (3, "in `a.har`: `request.method` is missing"));
    let json = open(&deflated(&[("a.json", &one), ("b.json", &two)])).unwrap();
    assert_eq!(paths(&json), ["/1", "/2"]);
}

#[test]
fn bodies_may_be_in_files_of_the_archive() {
    let entries = ["body.bin", "body.bin", "../secret", "/secret", "sub/body.bin", "missing"];
    let entries: Vec<_> = entries.iter().map(|name| entry("/", json!({"_file": name, "size": 9}))).collect();
    let har = har(&entries);
    for folder in ["", "traces/"] {
        let (har_name, body_name) = (format!("{folder}har.har"), format!("{folder}body.bin"));
        let deep_name = format!("{folder}sub/body.bin");
        let files =
            [(&har_name[..], &har[..]), (&body_name, b"\0attached"), ("secret", b"x"), (&deep_name, b"\0attached")];
        let recording = open(&deflated(&files)).unwrap();
        assert_eq!(recording.exchanges().len(), 3);
        for exchange in recording.exchanges() {
            let content = &exchange.response.as_ref().unwrap().content;
            assert_eq!(*content, Content::Held("\0attached".into()));
        }
        let reasons: Vec<_> = recording.skipped().invalid.iter().map(|invalid| &invalid.reason[..]).collect();
        assert_eq!(
            reasons,
            [
                "the body's file `../secret` is not in the recording's folder",
                "the body's file `/secret` is not in the recording's folder",
                "the body's file `missing` cannot be read: it is not in the archive",
            ]
        );
    }
}

#[test]
fn an_archive_that_cannot_be_used_says_why() {
    let zip = "recording `it` is a zip archive, but";
    assert_eq!(message(&deflated(&[])), format!("{zip} it is empty"));
    let other = deflated(&[("a.txt", b""), ("b\n.bin", b"")]);
    assert_eq!(message(&other), format!("{zip} it holds no `.har` or `.json` file: it has `a.txt`, `b\\n.bin`"));
    assert!(message(&other[..other.len() - 9]).starts_with(&format!("{zip} damaged: ")));
    let text = deflated(&[("x.har", b"GET / HTTP/1.1\r\n")]);
    assert!(message(&text).starts_with("recording `it` is of no known format: it starts with `GET / HTTP/1.1\\r\\n`"));
    let json = deflated(&[("x.har", b"{\"a\": 1}")]);
    assert!(message(&json).ends_with("with `response`, but `a`"));

    let har = har(&[plain("/a")]);
    let changed = |central: usize, value: u8| {
        let mut bytes = deflated(&[("x.har", &har)]);
        let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[central - 2] = value;
        bytes[directory + central] = value;
        bytes
    };
    let hint = "; unpack it, and give what was in it";
    assert_eq!(message(&changed(8, 1)), format!("{zip} its `x.har` cannot be unpacked: it is encrypted{hint}"));
    let unsupported = format!("{zip} its `x.har` cannot be unpacked: it is packed by Bzip2, and not by deflate{hint}");
    assert_eq!(message(&changed(10, 12)), unsupported);
}

#[test]
fn a_bomb_is_not_unpacked_to_its_end() {
    let zeros =
        [&b"{\"log\": {\"entries\": ["[..], plain("/a").to_string().as_bytes(), b",\"", &vec![b'0'; 80 << 20]].concat();
    let recording = open(&deflated(&[("x.har", &zeros)])).unwrap();
    assert_eq!(paths(&recording), ["/a"]);
    let reason = "it cannot be unpacked: it unpacks to more than 100 times its size";
    assert_eq!(recording.warning().unwrap().reason, reason);
    // Several bodies share the bound.
    let names: Vec<_> = (0..5).map(|number| format!("{number}.bin")).collect();
    let entries: Vec<_> = names.iter().map(|name| entry("/", json!({"_file": name}))).collect();
    let (har, body) = (har(&entries), vec![0; 20 << 20]);
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (&name[..], &body[..])).collect();
    files.push(("x.har", &har));
    let recording = open(&deflated(&files)).unwrap();
    assert_eq!(recording.exchanges().len(), 3);
    let reasons: Vec<_> = recording.skipped().invalid.iter().map(|invalid| &invalid.reason[..]).collect();
    let reason = "cannot be read: it unpacks to more than 100 times its size";
    assert_eq!(reasons, [format!("the body's file `3.bin` {reason}"), format!("the body's file `4.bin` {reason}")]);
}

#[test]
fn progress_ends_at_the_end_of_the_archive() {
    let bytes = deflated(&[("a.har", &har(&vec![plain("/a"); 100])), ("b.har", &har(&vec![plain("/a"); 100]))]);
    let file = file(&bytes);
    let mut reports = Vec::new();
    Recording::open(&file.path, &mut |progress| reports.push(progress)).unwrap();
    assert_eq!(reports.iter().map(|progress| progress.flows).collect::<Vec<_>>(), [64, 128, 192, 200]);
    let last = reports.last().unwrap();
    assert_eq!((last.read_bytes, last.total_bytes), (bytes.len() as u64, bytes.len() as u64));
}

fn sample() -> Vec<u8> {
    deflated(&[("x.har", &har(&[plain("/a"), entry("/b", json!({"_file": "b.bin"}))])), ("b.bin", b"body")])
}

#[test]
fn a_truncated_archive_is_refused() {
    let bytes = sample();
    for len in 1..bytes.len() {
        assert!(open(&bytes[..len]).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn flipped_bytes_are_survived(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = sample();
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        let _ = open(&bytes);
    }
}
