use super::FlowFile;
use crate::{
    FlowFrame, Recording, RecordingError,
    samples::{example, file, flow},
};

fn frames(flow_file: &FlowFile) -> Vec<FlowFrame> {
    let mut frames = flow_file.frames();
    std::iter::from_fn(|| frames.advance().unwrap()).collect()
}

#[test]
fn frames_stand_one_after_the_other() {
    let path = example("synth_tcp_udp_dns.mitm");
    let flow_file = FlowFile::open(&path).unwrap().unwrap();
    let frames = frames(&flow_file);
    let numbers: Vec<usize> = frames.iter().map(|frame| frame.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let mut copied = Vec::new();
    for frame in frames {
        assert_eq!(frame.offset, copied.len() as u64);
        flow_file.copy(frame.offset, frame.len, &mut copied).unwrap().unwrap();
    }
    assert_eq!(copied, std::fs::read(path).unwrap());
}

#[test]
fn numbers_are_those_of_the_exchanges() {
    let recording = Recording::open(&example("old-versions/dumpfile-7-websocket.mitm"), &mut |_| {}).unwrap();
    let flow_file = recording.flow_file().unwrap().unwrap();
    let mut frames = flow_file.frames();
    let mut https = Vec::new();
    while let Some(frame) = frames.advance().unwrap() {
        let details = frames.details(&frame).unwrap().unwrap();
        if details.protocol == crate::FlowProtocol::Http {
            https.push(frame.number);
        }
    }
    let numbers: Vec<usize> = recording.exchanges().iter().map(|exchange| exchange.number).collect();
    assert_eq!(https, numbers);
}

#[test]
fn a_broken_tail_ends_them() {
    let flow_file = FlowFile::open(&example("truncated.mitm")).unwrap().unwrap();
    let mut frames = flow_file.frames();
    let mut end = 0;
    while let Some(frame) = frames.advance().unwrap() {
        end = frame.offset + frame.len;
    }
    let tail = frames.broken_tail().unwrap();
    assert_eq!((tail.offset, tail.offset + tail.unread_bytes), (end, flow_file.size()));
    assert!(frames.advance().unwrap().is_none());
}

#[test]
fn other_formats_are_told_apart() {
    assert!(FlowFile::open(&example("har/chrome.har")).unwrap().is_none());
    let refused = FlowFile::open(&file(b"GET / HTTP/1.1").path);
    assert!(matches!(refused, Err(RecordingError::UnknownFormat { .. })));
}

#[test]
fn a_file_that_shrank_is_not_copied() {
    let file = file(&flow().write());
    let flow_file = FlowFile::open(&file.path).unwrap().unwrap();
    let frame = frames(&flow_file)[0];
    std::fs::OpenOptions::new().write(true).open(&file.path).unwrap().set_len(10).unwrap();
    let copied = flow_file.copy(frame.offset, frame.len, &mut Vec::new()).unwrap();
    assert!(matches!(copied, Err(RecordingError::Changed { .. })));
}
