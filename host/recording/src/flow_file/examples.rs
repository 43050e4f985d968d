//! The recordings among the examples, each with what is known to be in it.

use std::fs;

use crate::{
    Fields, Recording, RecordingError, Skipped,
    samples::{describe, example},
};

fn open(name: &str) -> Recording {
    Recording::open(&example(name), &mut |_| {}).unwrap()
}

fn body(recording: &Recording, index: usize) -> Vec<u8> {
    let response = recording.exchanges()[index].response.as_ref().unwrap();
    recording.read(&response.content).unwrap().to_vec()
}

fn field<'a>(fields: &'a Fields, name: &str) -> Vec<&'a [u8]> {
    fields.lines(name).map(|value| &value[..]).collect()
}

#[test]
fn every_example_holds_what_the_recorder_saw() {
    let expected = include_str!("examples.txt");
    let mut found = String::new();
    for section in expected.split("== ").skip(1) {
        let name = section.lines().next().unwrap();
        let path = example(name);
        let described = match Recording::open(&path, &mut |_| {}) {
            Ok(recording) => describe(&recording),
            Err(error) => format!("{}\n", error.to_string().replace(path.to_str().unwrap(), name)),
        };
        found.push_str(&format!("== {name}\n{described}"));
    }
    assert_eq!(found, expected);
}

#[test]
fn no_example_is_left_out() {
    let listed = include_str!("examples.txt").matches("== ").count();
    let count = |folder: &str| {
        let paths = fs::read_dir(example(folder)).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "mitm")).count()
    };
    assert_eq!(listed, count("") + count("old-versions"));
}

#[test]
fn bodies_are_read_as_recorded() {
    let simple = open("simple_get.mitm");
    assert_eq!(body(&simple, 0), b"hello\n");
    assert_eq!(body(&simple, 4), b"");
    let gzip = open("gzip.mitm");
    assert!(body(&gzip, 0).starts_with(b"\x1f\x8b"));
    let binary = open("binary.mitm");
    assert_eq!(body(&binary, 0).len(), 1024);
    let old = open("old-versions/dumpfile-011.mitm");
    assert!(body(&old, 0).starts_with(b"<!doctype html>\n<html>\n<head>\n    <title>Example Domain</title>"));
    assert!(body(&old, 0).ends_with(b"</html>\n"));
}

#[test]
fn requests_have_their_bodies_too() {
    let recording = open("post_json.mitm");
    let request = &recording.exchanges()[0].request;
    assert_eq!(request.method, "POST");
    assert_eq!(recording.read(&request.content).unwrap(), r#"{"a":1,"b":[2,3]}"#);
}

#[test]
fn fields_keep_order_case_and_repetition() {
    let recording = open("cookies.mitm");
    let response = recording.exchanges()[0].response.as_ref().unwrap();
    let cookies = field(&response.fields, "set-cookie");
    assert_eq!(cookies.len(), 4);
    assert!(cookies[0].starts_with(b"session="));
    let old = open("old-versions/dumpfile-018.mitm");
    let names: Vec<_> = old.exchanges()[0].request.fields.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, [&b"User-Agent"[..], b"Host", b"Accept"]);
}

#[test]
fn a_pseudo_field_of_an_old_version_becomes_the_authority() {
    let recording = open("old-versions/dumpfile-019.mitm");
    let request = &recording.exchanges()[0].request;
    assert_eq!(request.authority, "webrv.rtb-seller.com");
    assert_eq!(field(&request.fields, ":authority"), Vec::<&[u8]>::new());
    assert_eq!(field(&request.fields, "origin"), [b"https://www.thedrive.com"]);
}

#[test]
fn the_times_are_those_of_the_heads() {
    let recording = open("old-versions/dumpfile-19.mitm");
    let exchange = &recording.exchanges()[0];
    assert_eq!(exchange.request.started_at, 1_726_927_927.662_844_4);
    assert_eq!(exchange.response.as_ref().unwrap().started_at, 1_726_927_927.702_787_4);
    assert_eq!(exchange.id, "82091aa1-7003-4aa6-9d00-d1e6ad69af03");
    // This recorder left the response's time out.
    let recording = open("old-versions/dumpfile-018.mitm");
    let exchange = &recording.exchanges()[0];
    assert_eq!(exchange.response.as_ref().unwrap().started_at, exchange.request.started_at);
}

#[test]
fn other_protocols_are_counted() {
    let expected = Skipped { tcp: 2, udp: 1, dns: 1, ..Skipped::default() };
    assert_eq!(*open("synth_tcp_udp_dns.mitm").skipped(), expected);
    assert_eq!(open("old-versions/dumpfile-7-websocket.mitm").skipped().websocket, 3);
}

#[test]
fn a_truncated_example_says_where_it_breaks() {
    let recording = open("truncated.mitm");
    assert_eq!(recording.exchanges().len(), 9);
    let warning = recording.warning().unwrap().to_string();
    assert_eq!(
        warning,
        "the last 1823 bytes, from byte 16810 on, are no whole flow: 1917 bytes and a type should follow, and only 1818 bytes \
         are left"
    );
}

#[test]
fn version_0_10_is_refused_by_name() {
    let path = example("old-versions/dumpfile-010.mitm");
    let error = Recording::open(&path, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RecordingError::VersionTooOld { number: 1, offset: 0, .. }));
}
