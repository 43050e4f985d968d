//! Flows as faces of the proxy show them.

use std::{
    net::SocketAddr,
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use control::{Flow, FlowSummary, Message, Outcome, Timing};
use http::{HeaderName, HeaderValue, Version, header};

use super::{
    Content, Entry,
    entry::{Progress, Stage},
};
use crate::flow::{Body, Decision, Fault, Fields, FlowId, Note, RequestHead, ResponseHead};

/// A flow in a line.
pub(super) fn summary(entry: &Entry) -> FlowSummary {
    let progress = entry.progress().clone();
    summary_of(entry, &progress)
}

fn summary_of(entry: &Entry, progress: &Progress) -> FlowSummary {
    let head = progress.heads.request();
    FlowSummary {
        id: entry.flow,
        session: entry.session.name().to_owned(),
        client: entry.client.as_ref().map(SocketAddr::to_string),
        method: head.method.as_str().to_owned(),
        scheme: head.destination.scheme().name().to_owned(),
        authority: head.authority.as_ref().unwrap_or_else(|| head.destination.authority()).as_str().to_owned(),
        path: head.target.as_str().to_owned(),
        started_at: seconds(entry.received_at),
        stage: stage(progress),
        outcome: outcome(entry, progress),
        status: progress.status.map(|status| status.as_u16()),
        media_type: progress.heads.response().and_then(|head| media_type(&head)),
        request_bytes: entry.content.size(),
        response_bytes: entry.sent.load(Ordering::Relaxed),
        head_after: progress.head_after.as_ref().map(Duration::as_secs_f64),
        ended_after: progress.ended_after.as_ref().map(Duration::as_secs_f64),
        is_websocket: progress.is_websocket,
        notes: entry.notes.all().iter().map(|note| self::note(note)).collect(),
    }
}

/// How far a flow has come.
pub(super) fn stage(progress: &Progress) -> control::Stage {
    match (&progress.stage, progress.ended_after) {
        (_, Some(_)) => control::Stage::Ended,
        (Stage::Waiting, None) => control::Stage::Waiting,
        (_, None) => control::Stage::Streaming,
    }
}

fn outcome(entry: &Entry, progress: &Progress) -> Outcome {
    let decision = entry.notes.decision();
    match (&progress.stage, decision) {
        (Stage::Failed(fault), _) => failed(fault),
        (Stage::Killed, Some(Decision::Killed(addon))) => Outcome::Killed { addon: addon.to_string() },
        (Stage::Killed, _) => Outcome::Killed { addon: String::new() },
        (Stage::Answered, Some(Decision::Answered(addon))) => Outcome::Answered { addon: addon.to_string() },
        (Stage::Answered, _) => Outcome::Forwarded,
        (Stage::Waiting, _) => Outcome::Open,
    }
}

fn failed(fault: &Fault) -> Outcome {
    Outcome::Failed { error: fault.kind.name().to_owned(), detail: fault.detail.clone() }
}

/// A flow with all that is kept of it.
pub(super) fn flow(entry: &Entry) -> Flow {
    let progress = entry.progress().clone();
    let response = match (progress.heads.response(), &progress.stage) {
        (Some(head), _) => Some(response(&head, &progress.content)),
        // The client was told what failed.
        (None, Stage::Failed(fault)) => {
            let told = fault.response(FlowId(entry.flow));
            let content = match told.body {
                Body::Bytes(bytes) => control::Content::Kept(bytes),
                _ => control::Content::NotKept(None),
            };
            Some(Message { content, ..response(&told.head, &Content::Empty) })
        }
        (None, _) => None,
    };
    let after = |after: Option<Duration>| after.map(|after| seconds(entry.received_at + after));
    let timing = Timing {
        request_head: seconds(entry.received_at),
        request_end: entry.content.ended_at().map(seconds),
        response_head: after(progress.head_after),
        response_end: after(progress.ended_after),
    };
    let server = match entry.notes.decision() {
        Some(Decision::Forwarded(destination)) => Some(destination.host_and_port()),
        Some(Decision::Answered(_) | Decision::Killed(_)) | None => None,
    };
    let head = progress.heads.request();
    Flow {
        summary: summary_of(entry, &progress),
        request: message(head.version, &head.fields, None, &entry.content),
        response,
        frames: progress.frames.as_ref().map(|frames| frames.all()).unwrap_or_default(),
        server,
        timing,
    }
}

fn response(head: &ResponseHead, content: &Content) -> Message {
    message(head.version, &head.fields, head.reason.as_ref(), content)
}

fn message(version: Version, fields: &Fields, reason: Option<&Bytes>, content: &Content) -> Message {
    let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let value = |value: &HeaderValue| Bytes::copy_from_slice(value.as_bytes());
    let trailer = |(trailer, line): (&HeaderName, &HeaderValue)| (trailer.as_str().to_owned(), value(line));
    Message {
        version: format!("{version:?}"),
        reason: reason.map(|reason| name(reason)),
        fields: fields.lines().map(|(field, line)| (name(&field), value(line))).collect(),
        content: content.shown(),
        trailers: content.trailers().iter().flatten().map(trailer).collect(),
    }
}

/// The media type of a response, without parameters.
fn media_type(head: &ResponseHead) -> Option<String> {
    let value = head.fields.get(&header::CONTENT_TYPE)?.to_str().ok()?;
    let (media_type, _) = value.split_once(';').unwrap_or((value, ""));
    Some(media_type.trim().to_ascii_lowercase())
}

/// Method and URL, without the values of the query.
pub(super) fn request_line(head: &RequestHead) -> String {
    format!("{} {}", head.method, head.shown())
}

pub(super) fn note(note: &Note) -> control::Note {
    let (addon, name, text) = (note.addon.to_string(), note.name.clone(), note.text.clone());
    control::Note { addon, name, text, data: data(note) }
}

/// What a note says for programs.
pub(super) fn data(note: &Note) -> Option<serde_json::Value> {
    note.data.as_ref().and_then(|data| serde_json::from_str(data).ok())
}

/// Since 1970-01-01T00:00:00Z.
pub(super) fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
