//! Any flow that passes is read again as it was written: all of it from a flow file, and what HAR has of it from a HAR file.

#![no_main]

use std::path::Path;

use bytes::Bytes;
use fuzz::{
    any_flow::{self, AnyFlow},
    place::Place,
    reading,
    recording::{Exchange, NewContent, NewFlow, NewRequest, NewResponse, NewWebSocket, Recorder, Recording},
};
use libfuzzer_sys::fuzz_target;

type Fields = Vec<(Bytes, Bytes)>;

fuzz_target!(|flow: AnyFlow| {
    let AnyFlow(flow) = flow;
    let flows = Place::get().path("round_trip.mitm");
    write(&flows, any_flow::copy(&flow));
    check_flow_file(&flow, &flows);
    let har = Place::get().path("round_trip.har");
    write(&har, any_flow::copy(&flow));
    check_har(&flow, &har);
});

fn write(path: &Path, flow: NewFlow) {
    let opened = Recorder::open(&path.display().to_string(), None).expect("a file that can be written");
    drop(opened.recorder.save(1, flow));
    opened.recorder.finish();
}

fn check_flow_file(flow: &NewFlow, path: &Path) {
    let recording = reading::read(path).expect("a file that can be read");
    assert!(recording.warning().is_none());
    let [found] = recording.exchanges() else { panic!("{:?}", recording.skipped()) };
    assert_eq!(found.id, flow.id);
    assert_eq!(found.error.as_ref(), flow.error.as_ref().map(|(reason, _)| reason));
    let NewRequest { method, scheme, host, port, authority, path, version, .. } = &flow.request;
    let request = &found.request;
    assert_eq!((&request.method, &request.scheme, &request.host, request.port), (method, scheme, host, *port));
    assert_eq!((&request.authority, &request.path, request.version), (authority, path, *version));
    assert_eq!((&request.fields, &request.trailers), (&flow.request.fields, &flow.request.trailers));
    assert_eq!((request.started_at, request.ended_at), (flow.request.started_at, flow.request.ended_at));
    assert_eq!(recording.read(&request.content).ok().as_ref(), content(&flow.request.content));
    assert_eq!(found.response.is_some(), flow.response.is_some());
    if let (Some(found), Some(response)) = (&found.response, &flow.response) {
        assert_eq!((found.version, found.status, &found.reason), (response.version, response.status, &response.reason));
        assert_eq!((&found.fields, &found.trailers), (&response.fields, &response.trailers));
        assert_eq!((found.started_at, found.ended_at), (response.started_at, response.ended_at));
        assert_eq!(recording.read(&found.content).ok().as_ref(), content(&response.content));
        // Those that say no more than the head does are left out.
        assert!(found.pieces.is_empty() || found.pieces == response.pieces);
        assert!(!found.pieces.is_empty() || response.pieces.len() < 2);
    }
    check_websocket(&recording, found, flow.websocket.as_ref());
}

fn check_websocket(recording: &Recording, found: &Exchange, websocket: Option<&NewWebSocket>) {
    assert_eq!(found.websocket.is_some(), websocket.is_some());
    let (Some(found), Some(websocket)) = (&found.websocket, websocket) else { return };
    assert_eq!(found.closed_by_client, websocket.closed_by_client);
    assert_eq!((found.close_code, &found.close_reason), (websocket.close_code, &websocket.close_reason));
    assert_eq!(found.ended_at, websocket.ended_at);
    assert_eq!(found.messages.len(), websocket.messages.len());
    for (found, message) in found.messages.iter().zip(&websocket.messages) {
        let parts = (message.is_text, message.from_client, message.at);
        assert_eq!((found.is_text, found.from_client, found.at), parts);
        assert_eq!(recording.read(&found.content).ok().as_ref(), content(&message.content));
    }
}

fn check_har(flow: &NewFlow, path: &Path) {
    let recording = reading::read(path).expect("a file that can be read");
    assert!(recording.warning().is_none() && recording.skipped().invalid.is_empty(), "{:?}", recording.skipped());
    let (Some(response), None) = (&flow.response, &flow.error) else {
        assert!(recording.exchanges().is_empty());
        assert_eq!(recording.skipped().others.values().sum::<usize>(), 1);
        return;
    };
    let [found] = recording.exchanges() else { panic!("{:?}", recording.skipped()) };
    let NewRequest { method, scheme, host, port, authority, version, .. } = &flow.request;
    let request = &found.request;
    assert_eq!((&request.method, &request.scheme, &request.host, request.port), (method, scheme, host, *port));
    assert_eq!((&request.authority, request.version), (authority, *version));
    assert_eq!(request.path, escaped(&flow.request.path));
    assert!((request.started_at - flow.request.started_at).abs() < 0.002, "{}", request.started_at);
    assert_eq!(without_codings(&request.fields), without_codings(&flow.request.fields));
    assert_eq!(recording.read(&request.content).ok().as_ref(), content(&flow.request.content));
    check_har_response(&recording, found, &flow.request.method, response);
    assert_eq!(found.is_websocket, response.status == 101 || flow.websocket.is_some());
}

fn check_har_response(recording: &Recording, found: &Exchange, method: &[u8], response: &NewResponse) {
    let found = found.response.as_ref().expect("a response");
    assert_eq!((found.version, found.status), (response.version, response.status));
    assert_eq!(without_codings(&found.fields), without_codings(&response.fields));
    if str::from_utf8(&response.reason).is_ok() {
        assert_eq!(found.reason, response.reason);
    }
    let has_no_body = method.eq_ignore_ascii_case(b"HEAD") || matches!(response.status, 204 | 304);
    let read = recording.read(&found.content).ok();
    let codings = |fields: &Fields| {
        let codings = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"content-encoding"));
        codings.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let (kept, sent) = (codings(&found.fields), codings(&response.fields));
    match content(&response.content) {
        _ if has_no_body => assert_eq!(read.as_deref(), Some(&b""[..])),
        None => assert_eq!(read, None),
        // The length that is told speaks of a body, which then was not kept.
        Some(body) if body.is_empty() && read.is_none() => {
            assert!(response.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-length")));
        }
        Some(body) if kept == sent => assert_eq!(read.as_ref(), Some(body)),
        Some(body) => {
            let meant = redaction::decode(body, sent.last().map(|coding| &coding[..]));
            if sent.len() == 1
                && let Some(meant) = meant
            {
                assert_eq!(read.as_deref(), Some(&meant[..]));
            }
        }
    }
}

fn content(content: &NewContent) -> Option<&Bytes> {
    match content {
        NewContent::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// What a URL has instead of what it cannot have.
fn escaped(path: &[u8]) -> String {
    let chunks = path.utf8_chunks().map(|chunk| {
        let bytes: String = chunk.invalid().iter().map(|byte| format!("%{byte:02X}")).collect();
        chunk.valid().replace('#', "%23") + &bytes
    });
    chunks.collect()
}

/// The fields, without those that say how a body was sent.
fn without_codings(fields: &Fields) -> Vec<&(Bytes, Bytes)> {
    let codings = ["content-encoding", "transfer-encoding"];
    fields
        .iter()
        .filter(|(name, _)| !codings.iter().any(|coding| name.eq_ignore_ascii_case(coding.as_bytes())))
        .collect()
}
