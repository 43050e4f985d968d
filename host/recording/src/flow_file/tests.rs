use std::{
    fs::OpenOptions,
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    Content, Recording,
    samples::{dict, file, flow, open},
};

/// Five flows of different kinds and lengths, and where each of them ends.
fn five_flows() -> (Vec<u8>, Vec<usize>) {
    let flows = [
        flow(),
        flow().with("type", "tcp"),
        flow().with("response", crate::samples::Value::Null),
        flow().map("response", |response| response.with("content", &[b'7'; 300][..])),
        flow().map("request", |request| request.with("method", b"PUT")),
    ];
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for flow in flows {
        bytes.extend(flow.write());
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn whole_flows_before_a_cut_are_used_at_every_byte() {
    let (bytes, ends) = five_flows();
    let file = file(&bytes);
    let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
    for cut in (1..=bytes.len()).rev() {
        opened.set_len(cut as u64).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        match Recording::open(&file.path, &mut |_| {}) {
            Ok(recording) => {
                let found = recording.exchanges().len() + recording.skipped().tcp;
                assert_eq!(found, whole, "cut at {cut}");
                assert!(recording.skipped().invalid.is_empty());
                let warned = recording.warning().map(|tail| (tail.offset as usize, tail.unread_bytes as usize));
                let last = ends[whole - 1];
                assert_eq!(warned, (last < cut).then_some((last, cut - last)), "cut at {cut}");
            }
            Err(RecordingError::NoWholeFlow { .. }) => assert_eq!(whole, 0, "cut at {cut}"),
            Err(error) => panic!("cut at {cut}: {error}"),
        }
    }
}

/// Reads all there is, so that flips in bodies and their frames are met too.
fn read_all(recording: &Recording) {
    for exchange in recording.exchanges() {
        let response = exchange.response.as_ref().map(|response| response.content.clone());
        for content in [Some(exchange.request.content.clone()), response].into_iter().flatten() {
            assert!(content == Content::NotRecorded || recording.read(&content).is_ok());
        }
    }
}

#[test]
fn flipped_bits_never_panic_or_hang() {
    let (bytes, _) = five_flows();
    let file = file(&bytes);
    let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..2_000 {
        // Xorshift: the same flips in every run.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let (at, bit) = (seed as usize % bytes.len(), seed >> 61);
        opened.write_all_at(&[bytes[at] ^ (1 << bit)], at as u64).unwrap();
        let begin = Instant::now();
        if let Ok(recording) = Recording::open(&file.path, &mut |_| {}) {
            read_all(&recording);
        }
        assert!(begin.elapsed() < Duration::from_secs(1), "bit {bit} of byte {at}");
        opened.write_all_at(&[bytes[at]], at as u64).unwrap();
    }
}

#[test]
fn one_damaged_flow_leaves_the_others() {
    let damaged = flow().map("response", |response| response.with("status_code", 1));
    let bytes = [flow().write(), damaged.write(), flow().write()].concat();
    let recording = open(&bytes).unwrap();
    let numbers: Vec<_> = recording.exchanges().iter().map(|exchange| exchange.number).collect();
    assert_eq!(numbers, [1, 3]);
    assert!(recording.warning().is_none());
    let invalid = &recording.skipped().invalid[0];
    let status = bytes.windows(4).position(|window| window == b"1:1#").unwrap() + 2;
    let expected = format!("flow 2, byte {status}: the response's status should be within 100 to 999, found `1`");
    assert_eq!(invalid.to_string(), expected);
}

#[test]
fn what_is_no_dict_ends_the_file() {
    let bytes = [&flow().write()[..], b"4:junk,", &flow().write()].concat();
    let recording = open(&bytes).unwrap();
    assert_eq!(recording.exchanges().len(), 1);
    let tail = recording.warning().unwrap();
    assert_eq!(tail.offset as usize, flow().write().len());
    assert_eq!(tail.reason, "a flow should be a dict, found bytes");
}

#[test]
fn a_length_beyond_the_file_allocates_nothing() {
    let error = open(b"99999999999:hello,").unwrap_err().to_string();
    let reason = "at byte 0, 99999999999 bytes and a type should follow, and only 6 bytes are left";
    assert!(error.ends_with(&format!("holds no whole flow: {reason}")), "{error}");
}

#[test]
fn a_newer_version_in_the_middle_refuses_the_file() {
    let bytes = [flow().write(), flow().with("version", 22).write()].concat();
    let error = open(&bytes).unwrap_err();
    let start = flow().write().len() as u64;
    assert!(matches!(error, RecordingError::VersionTooNew { number: 2, offset, .. } if offset == start));
}

#[test]
fn flows_of_other_protocols_are_counted() {
    let types = ["tcp", "udp", "udp", "dns", "websocket", "gopher", "http"];
    let bytes: Vec<u8> = types.iter().flat_map(|name| flow().with("type", *name).write()).collect();
    let recording = open(&bytes).unwrap();
    let expected = Skipped { tcp: 1, udp: 2, dns: 1, websocket: 1, unknown: 1, ..Skipped::default() };
    assert_eq!(*recording.skipped(), expected);
    assert_eq!(recording.exchanges()[0].number, 7);
}

#[test]
fn an_empty_dict_is_an_invalid_flow() {
    let recording = open(&dict().write()).unwrap();
    assert_eq!(recording.skipped().invalid[0].reason, "the flow has no version");
}

#[test]
fn progress_ends_at_the_end_of_the_file() {
    let bytes = flow().write().repeat(600);
    let file = file(&bytes);
    let mut reports = Vec::new();
    Recording::open(&file.path, &mut |progress| reports.push(progress)).unwrap();
    let flows: Vec<_> = reports.iter().map(|progress| progress.flows).collect();
    assert_eq!(flows, [256, 512, 600]);
    let last = reports.last().unwrap();
    assert_eq!((last.read_bytes, last.total_bytes), (bytes.len() as u64, bytes.len() as u64));
}
