//! Reading all that a recording holds, as addons and clients would, and checking what every recording promises.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::error::chain;
use crate::flow::{Body, Fields, Request};
use crate::place::SECRET;
use crate::recording::{
    Content, Exchange, Manner, OnDifference, Pace, Progress, RecordedRequest, RecordedResponse, Recording, Turn,
};

/// Opens the recording at a path and reads all of it; nothing if it is refused, with a reason.
///
/// # Panics
/// When it breaks a promise.
pub fn read(path: &Path) -> Option<Arc<Recording>> {
    let recording = open(path)?;
    for (position, exchange) in recording.exchanges().iter().enumerate() {
        check_request(&recording, &exchange.request);
        if let Some(response) = &exchange.response {
            check_response(&recording, response);
        }
        check_websocket(&recording, exchange);
        serve(&recording, position);
    }
    Some(recording)
}

/// Opens a recording without reading its bodies.
///
/// # Panics
/// When its progress or its messages are wrong.
pub fn open(path: &Path) -> Option<Arc<Recording>> {
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
    Some(Arc::new(recording))
}

/// A message is for a terminal or a log: one line, and not a page of the file.
fn check_message(message: &str) {
    assert!(message.len() < 4096, "a message of {} bytes: {:.200}", message.len(), message);
    assert!(!message.contains(['\n', '\r', '\x1b']), "{message:?}");
}

fn check_request(recording: &Recording, request: &RecordedRequest) {
    assert!(Method::from_bytes(&request.method).is_ok(), "{:?}", request.method);
    for line in [&request.scheme, &request.host, &request.authority, &request.path] {
        check_value(line);
    }
    request.fields.iter().chain(&request.trailers).for_each(|(name, value)| check_field(name, value));
    check_time(request.started_at);
    request.ended_at.into_iter().for_each(check_time);
    check_content(recording, &request.content);
}

fn check_response(recording: &Recording, response: &RecordedResponse) {
    assert!(StatusCode::from_u16(response.status).is_ok(), "{}", response.status);
    check_value(&response.reason);
    response.fields.iter().chain(&response.trailers).for_each(|(name, value)| check_field(name, value));
    check_time(response.started_at);
    response.ended_at.into_iter().for_each(check_time);
    check_content(recording, &response.content);
    if !response.pieces.is_empty() {
        let sum = response.pieces.iter().try_fold(0_u64, |sum, piece| sum.checked_add(piece.len));
        assert_eq!(sum, response.content.size(), "pieces that are not the body");
        assert!(response.pieces.is_sorted_by_key(|piece| piece.after_micros), "pieces that are not in order");
    }
}

fn check_websocket(recording: &Recording, exchange: &Exchange) {
    let Some(websocket) = &exchange.websocket else { return };
    assert!(exchange.is_websocket, "a WebSocket that is none");
    for message in &websocket.messages {
        check_time(message.at);
        check_content(recording, &message.content);
    }
    websocket.ended_at.into_iter().for_each(check_time);
}

fn check_field(name: &[u8], value: &[u8]) {
    assert!(HeaderName::from_bytes(name).is_ok(), "{}", name.escape_ascii());
    check_value(value);
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

/// Makes messages of an exchange, at every pace.
fn serve(recording: &Arc<Recording>, position: usize) {
    let exchange = &recording.exchanges()[position];
    let request = recording.request(position);
    check_body(&request.body, &exchange.request.content);
    for pace in [Pace::AtOnce, Pace::Recorded(0.5), Pace::Delayed(Duration::from_millis(1))] {
        let response = recording.response(position, pace);
        assert_eq!(response.is_some(), exchange.is_answered());
        if let (Some(response), Some(recorded)) = (response, &exchange.response) {
            check_body(&response.body, &recorded.content);
            check_fields(&response.head.fields, recorded);
        }
        play(recording, position, &request, pace);
    }
}

/// Nothing is sent that was not recorded, but for the announcement of trailers.
fn check_fields(sent: &Fields, recorded: &RecordedResponse) {
    assert!(sent.map().len() <= recorded.fields.len() + 1);
    for (name, value) in sent.lines().filter(|(name, _)| !name.eq_ignore_ascii_case(b"trailer")) {
        let is_it = |(other, kept): &(Bytes, Bytes)| other.eq_ignore_ascii_case(&name) && kept == value.as_bytes();
        assert!(recorded.fields.iter().any(is_it), "{name:?}: {value:?}");
    }
}

fn check_body(body: &Body, content: &Content) {
    match body {
        Body::Empty => assert!(matches!(content.size(), None | Some(0))),
        Body::Bytes(bytes) => assert_eq!(Some(bytes.len() as u64), content.size()),
        Body::Stored(stored) => {
            assert_eq!(Some(stored.size()), content.size());
            let all = stored.read_all().unwrap_or_else(|error| panic!("{}", chain(&error)));
            assert_eq!(all.len() as u64, stored.size());
            let beats = stored.beats();
            let sum: u64 = beats.iter().map(|beat| beat.len).sum();
            assert!(beats.is_empty() || sum == stored.size(), "beats that are not the body");
        }
        Body::NotRecorded => assert_eq!(content.size(), None),
        Body::Live(_) => panic!("a recorded body arrives"),
    }
}

fn play(recording: &Arc<Recording>, position: usize, request: &Request, pace: Pace) {
    let manner = Manner { turn: Turn::Requested, pace, on_difference: OnDifference::Close };
    if let Some(response) = recording.websocket(position, request, manner) {
        assert!(recording.exchanges()[position].is_playable());
        assert_eq!(response.head.status, StatusCode::SWITCHING_PROTOCOLS);
    }
}
