//! Any flow that passes is read again as it was written: all of it from a flow file, and what HAR has of it from a HAR file.

#![no_main]

use std::path::Path;

use bytes::Bytes;
use fuzz::{any_flow::AnyFlow, place::Place, reading};
use libfuzzer_sys::fuzz_target;
use recording::{Exchange, Existing, Fields, Flow, Recorder, Recording, Response, Source, WebSocket};

fuzz_target!(|flow: AnyFlow| {
    let AnyFlow(flow) = flow;
    // Hosts are in ASCII when they are read, and so they come from clients.
    let is_plain = |host: &[u8]| host.is_ascii() && !host.contains(&b'%');
    // What has no time gets that of its fields.
    let has_times = flow.request.started_at > 0.0 && flow.response.as_ref().is_none_or(|it| it.started_at > 0.0);
    if !has_times || !is_plain(&flow.request.host) || !is_plain(&flow.request.authority) {
        return;
    }
    let flows = Place::get().path("round_trip.mitm");
    write(&flows, flow.clone());
    check_flow_file(&flow, &flows);
    let har = Place::get().path("round_trip.har");
    write(&har, flow.clone());
    check_har(&flow, &har);
});

fn write(path: &Path, flow: Flow<Source>) {
    let opened = Recorder::open(&path.display().to_string(), Existing::Replace, None).expect("a file that can be written");
    drop(opened.recorder.save(1, flow));
    opened.recorder.finish();
}

fn check_flow_file(flow: &Flow<Source>, path: &Path) {
    let recording = reading::read(path).expect("a file that can be read");
    assert!(recording.warning().is_none());
    let [found] = recording.exchanges() else { panic!("{:?}", recording.skipped()) };
    check(&recording, found, flow);
    let (request, sent) = (&found.request, &flow.request);
    assert_eq!((&request.path, &request.fields), (&sent.path, &sent.fields));
    if let (Some(found), Some(response)) = (&found.response, &flow.response) {
        assert_eq!(found.fields, response.fields);
        assert_eq!(recording.read(&found.content).ok().as_ref(), content(&response.content));
        // Those that say no more than the head does are left out.
        assert!(found.pieces.is_empty() || found.pieces == response.pieces);
        assert!(!found.pieces.is_empty() || response.pieces.len() < 2);
    }
}

/// What every format keeps.
fn check(recording: &Recording, found: &Exchange, flow: &Flow<Source>) {
    assert_eq!((&found.id, &found.error), (&flow.id, &flow.error));
    let (request, sent) = (&found.request, &flow.request);
    assert_eq!(
        (&request.method, &request.scheme, &request.host, request.port),
        (&sent.method, &sent.scheme, &sent.host, sent.port)
    );
    assert_eq!((&request.authority, request.version), (&sent.authority, sent.version));
    assert_eq!(request.trailers, sent.trailers);
    assert_eq!((request.started_at, request.ended_at), (sent.started_at, sent.ended_at));
    assert_eq!(recording.read(&request.content).ok().as_ref(), content(&sent.content));
    assert_eq!(found.response.is_some(), flow.response.is_some());
    if let (Some(found), Some(response)) = (&found.response, &flow.response) {
        assert_eq!((found.version, found.status, &found.reason), (response.version, response.status, &response.reason));
        assert_eq!(found.trailers, response.trailers);
        assert_eq!((found.started_at, found.ended_at), (response.started_at, response.ended_at));
    }
    check_websocket(recording, found, flow.websocket.as_ref());
}

fn check_websocket(recording: &Recording, found: &Exchange, websocket: Option<&WebSocket<Source>>) {
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

fn check_har(flow: &Flow<Source>, path: &Path) {
    let recording = reading::read(path).expect("a file that can be read");
    assert!(recording.warning().is_none());
    let [found] = recording.exchanges() else { panic!("{:?}", recording.skipped()) };
    check(&recording, found, flow);
    assert_eq!(found.request.path, flow.request.path);
    assert_eq!(without_codings(&found.request.fields), without_codings(&flow.request.fields));
    if let Some(response) = &flow.response {
        check_har_response(&recording, found, &flow.request.method, response);
        assert_eq!(found.is_websocket, response.status == 101 || flow.websocket.is_some());
    }
}

/// A body may be without its content coding.
fn check_har_response(recording: &Recording, found: &Exchange, method: &[u8], response: &Response<Source>) {
    let found = found.response.as_ref().expect("a response");
    assert_eq!(without_codings(&found.fields), without_codings(&response.fields));
    let has_no_body = method.eq_ignore_ascii_case(b"HEAD") || matches!(response.status, 204 | 304);
    let read = recording.read(&found.content).ok();
    let codings = |fields: &Fields| fields.lines("content-encoding").cloned().collect::<Vec<_>>();
    let (kept, sent) = (codings(&found.fields), codings(&response.fields));
    match content(&response.content) {
        _ if has_no_body => assert_eq!(read.as_deref(), Some(&b""[..])),
        None => assert_eq!(read, None),
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

fn content(content: &Source) -> Option<&Bytes> {
    match content {
        Source::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The fields, without those that say how a body is coded.
fn without_codings(fields: &Fields) -> Vec<&(Bytes, Bytes)> {
    fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"content-encoding")).collect()
}
