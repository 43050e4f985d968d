//! gRPC contents count by their messages.

mod request;

use std::io::Write;

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use matcher::{Options, parts};
use request::{Request, same};

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("short");
    [[flag].as_slice(), &length.to_be_bytes(), message].concat()
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message).expect("memory");
    encoder.finish().expect("memory")
}

fn deflate(message: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message).expect("memory");
    encoder.finish().expect("memory")
}

fn call_as(content_type: &str, encoding: Option<&str>, frames: &[Vec<u8>]) -> Request {
    let fields = [Some(("Content-Type", content_type)), encoding.map(|encoding| ("grpc-encoding", encoding))];
    Request {
        method: "POST".to_owned(),
        fields: fields.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body_base64: Some(frames.concat()),
        ..Request::default()
    }
}

fn call(encoding: Option<&str>, frames: &[Vec<u8>]) -> Request {
    call_as("application/grpc", encoding, frames)
}

fn check(one: &Request, other: &Request, expected: bool) {
    for options in [Options::default(), Options { canonical_json: true, ..Options::default() }] {
        assert_eq!(same(one, other, &options), expected, "{one:?} {other:?}");
    }
}

#[test]
fn compression_does_not_count() {
    let plain = call(None, &[frame(0, b"first"), frame(0, b"")]);
    for (other, expected) in [
        (call(Some("gzip"), &[frame(1, &gzip(b"first")), frame(0, b"")]), true),
        (call(Some("gzip"), &[frame(0, b"first"), frame(1, &gzip(b""))]), true),
        (call(Some("deflate"), &[frame(1, &deflate(b"first")), frame(0, b"")]), true),
        (call(Some("identity"), &[frame(1, b"first"), frame(0, b"")]), true),
        (call_as("application/grpc+proto", None, &[frame(0, b"first"), frame(0, b"")]), true),
        (call_as("application/grpc-web+json", None, &[frame(0, b"first"), frame(0, b"")]), true),
        (call(Some("gzip"), &[frame(1, &gzip(b"other")), frame(0, b"")]), false),
        (call(Some("deflate"), &[frame(1, &gzip(b"first")), frame(0, b"")]), false),
        (call(Some("x"), &[frame(1, b"first"), frame(0, b"")]), false),
        (call_as("application/grpc-web-text", None, &[frame(0, b"first"), frame(0, b"")]), false),
    ] {
        check(&plain, &other, expected);
    }
}

#[test]
fn messages_count_in_order_and_each_for_itself() {
    let base = call(None, &[frame(0, b"ab"), frame(0, b"c")]);
    check(&base, &base.clone(), true);
    for frames in [
        vec![frame(0, b"c"), frame(0, b"ab")],
        vec![frame(0, b"a"), frame(0, b"bc")],
        vec![frame(0, b"abc")],
        vec![frame(0, b"ab"), frame(0, b"c"), frame(0, b"")],
        vec![frame(0, b"ab")],
        vec![],
    ] {
        check(&base, &call(None, &frames), false);
    }
}

#[test]
fn unknown_compressions_and_broken_frames_count_by_their_bytes() {
    let compressed = |message: &[u8]| call(Some("x"), &[frame(1, message)]);
    check(&compressed(b"a"), &compressed(b"a"), true);
    check(&compressed(b"a"), &compressed(b"b"), false);
    for frames in [frame(0, b"ab")[..6].to_vec(), frame(2, b"ab"), frame(0x80, b"ab"), b"ab".to_vec()] {
        let broken = call(None, std::slice::from_ref(&frames));
        check(&broken, &broken.clone(), true);
        check(&broken, &call(None, &[frame(0, b"ab")]), false);
        check(&broken, &call(Some("gzip"), &[frames]), true);
    }
}

#[test]
fn messages_have_numbers_for_people() {
    let request = call(Some("gzip"), &[frame(1, &gzip(b"a")), frame(0, b"b"), frame(1, b"c")]);
    let parts = parts(&request, &Options { ignore_origin: true, ..Options::default() });
    let names: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.value.as_slice())).collect();
    let expected = [("grpc message 1", b"a"), ("grpc message 2", b"b"), ("grpc compressed message 3", b"c")];
    assert_eq!(names[names.len() - 3..], expected.map(|(name, value)| (name, value.as_slice())));
}
