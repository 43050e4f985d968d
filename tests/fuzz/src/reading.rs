//! Reading all that a recording holds, as addons and clients would, and checking what every recording promises.

use std::{path::Path, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode};
use oneline::chain;
use recording::{Content, Exchange, Fields, Pace, Progress, Recording, Request, Response};

use crate::place::SECRET;

/// Opens the recording at a path and reads all of it; nothing if it is refused, with a reason.
///
/// # Panics
/// When it breaks a promise.
pub fn read(path: &Path) -> Option<Recording> {
    let recording = open(path)?;
    for exchange in recording.exchanges() {
        check_request(&recording, &exchange.request);
        if let Some(response) = &exchange.response {
            check_response(&recording, response);
        }
        check_websocket(&recording, exchange);
    }
    Some(recording)
}

/// Opens a recording without reading its bodies.
///
/// # Panics
/// When its progress or its messages are wrong.
pub fn open(path: &Path) -> Option<Recording> {
    let mut last = None;
    let mut progress = |progress: Progress| {
        assert!(progress.read_bytes <= progress.total_bytes, "{progress:?}");
        last = Some(progress);
    };
    let recording = match Recording::open(path, &mut progress) {
        Ok(recording) => recording,
        Err(error) => {
            check_message(&chain(&error));
            return None;
        }
    };
    assert!(last.is_some(), "no progress was reported");
    recording.skipped().reasons().iter().for_each(|reason| check_message(reason));
    if let Some(warning) = recording.warning() {
        check_message(&warning.to_string());
    }
    Some(recording)
}

/// Checks that two recordings hold the same, wherever they have it.
///
/// # Panics
/// When they do not.
pub fn check_same(one: &Recording, other: &Recording) {
    let all = |recording: &Recording| {
        let read = |content: Content| content.size().map(|_| recording.read(&content).ok());
        let flows = recording.exchanges().iter().map(|exchange| exchange.flow.clone().map_contents(read));
        flows.map(|flow| format!("{flow:?}")).collect::<Vec<_>>()
    };
    assert_eq!(all(one), all(other));
}

/// A message is for a terminal or a log: one line, and not a page of the file.
fn check_message(message: &str) {
    assert!(message.len() < 4096, "a message of {} bytes: {:.200}", message.len(), message);
    assert!(!message.contains(['\n', '\r', '\x1b']), "{message:?}");
}

fn check_request(recording: &Recording, request: &Request<Content>) {
    assert!(Method::from_bytes(&request.method).is_ok(), "{:?}", request.method);
    for line in [&request.scheme, &request.host, &request.authority, &request.path] {
        check_value(line);
    }
    check_fields(&request.fields);
    check_fields(&request.trailers);
    check_time(request.started_at);
    request.ended_at.into_iter().for_each(check_time);
    check_content(recording, &request.content);
}

fn check_response(recording: &Recording, response: &Response<Content>) {
    assert!(StatusCode::from_u16(response.status).is_ok(), "{}", response.status);
    check_value(&response.reason);
    check_fields(&response.fields);
    check_fields(&response.trailers);
    check_time(response.started_at);
    response.ended_at.into_iter().for_each(check_time);
    check_content(recording, &response.content);
    if !response.pieces.is_empty() {
        let sum = response.pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.len));
        assert_eq!(sum, response.content.size(), "pieces that are not the body");
        assert!(response.pieces.is_sorted_by_key(|piece| piece.after_micros), "pieces that are not in order");
    }
    for pace in [Pace::AtOnce, Pace::Recorded(0.5), Pace::Delayed(Duration::from_millis(1))] {
        let beats = pace.beats(&response.pieces);
        let sum: u64 = beats.iter().map(|beat| beat.len).sum();
        assert!(beats.is_empty() || Some(sum) == response.content.size(), "beats that are not the body");
    }
}

fn check_websocket(recording: &Recording, exchange: &Exchange) {
    assert!(!exchange.is_playable() || exchange.websocket.is_some());
    let Some(websocket) = &exchange.websocket else { return };
    assert!(exchange.is_websocket, "a WebSocket that is none");
    for message in &websocket.messages {
        check_time(message.at);
        check_content(recording, &message.content);
    }
    websocket.ended_at.into_iter().for_each(check_time);
}

fn check_fields(fields: &Fields) {
    for (name, value) in fields {
        assert!(HeaderName::from_bytes(name).is_ok(), "{}", name.escape_ascii());
        check_value(value);
    }
}

fn check_value(value: &[u8]) {
    assert!(HeaderValue::from_bytes(value).is_ok(), "{}", value.escape_ascii());
}

fn check_time(seconds: f64) {
    assert!(seconds.is_finite() && seconds >= 0.0, "{seconds}");
}

/// A content is the same in one and in many pieces.
fn check_content(recording: &Recording, content: &Content) {
    let Some(size) = content.size() else {
        assert!(recording.read(content).is_err() && recording.read_at(content, 0, 1).is_err());
        return;
    };
    let whole = recording.read(content).unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(whole.len() as u64, size);
    assert!(!whole.windows(SECRET.len()).any(|part| part == SECRET), "what lies outside of the folder was read");
    let step = whole.len() / 3 + 1;
    let mut at = 0;
    while at < whole.len() {
        let piece = recording.read_at(content, at as u64, step).unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(piece, whole[at..whole.len().min(at + step)]);
        at += step;
    }
    assert!(recording.read_at(content, size.max(1), 1).is_ok_and(|end| end.is_empty()));
}
