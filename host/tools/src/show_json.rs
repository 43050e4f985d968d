//! One exchange as an object of JSON, for programs.

use base64::{Engine, prelude::BASE64_STANDARD};
use recording::{Content, Details, Exchange, Fields, Message, RESPONSE_PIECES, Recording, RecordingError};
use serde_json::{Value, json};

use super::{Exit, FlowsError, body, console::Console, decode, input, table, text};

/// Prints the exchange in one line.
pub(super) fn print(
    recording: &Recording,
    exchange: &Exchange,
    details: Option<&Details>,
    console: &mut Console<'_>,
) -> Result<Exit, FlowsError> {
    let request = &exchange.request;
    let object = json!({
        "file": recording.path().to_string_lossy(),
        "number": exchange.number,
        "id": exchange.id,
        "protocol": if exchange.is_websocket { "websocket" } else { "http" },
        "url": table::url(recording, exchange),
        "host": text::decoded(&request.host),
        "port": request.port,
        "request": {
            "method": text::decoded(&request.method),
            "path": text::decoded(&request.path),
            "authority": text::decoded(&request.authority),
            "version": format!("{:?}", request.version),
            "started_at": time(request.started_at),
            "fields": lines(&request.fields),
            "body": content(recording, &request.content, &request.fields)?,
            "trailers": lines(&request.trailers),
        },
        "response": response(recording, exchange)?,
        "error": exchange.error.as_ref().map(|failure| json!({ "reason": failure.reason, "at": failure.at })),
        "can_be_replayed": exchange.is_answered() || exchange.is_playable(),
    });
    let websocket = websocket(recording, exchange, details)?.map(|websocket| ("websocket", websocket));
    let noted = details.map(noted).into_iter().flatten();
    let object = with(object, websocket.into_iter().chain(noted));
    console.print(object)?;
    Ok(Exit::Success)
}

/// The same object with more members.
fn with(mut object: Value, members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

fn response(recording: &Recording, exchange: &Exchange) -> Result<Value, RecordingError> {
    let Some(response) = &exchange.response else { return Ok(Value::Null) };
    Ok(json!({
        "status": response.status,
        "reason": text::decoded(&response.reason),
        "version": format!("{:?}", response.version),
        "started_at": time(response.started_at),
        "ended_at": response.ended_at,
        "pieces": response.pieces.len(),
        "fields": lines(&response.fields),
        "body": content(recording, &response.content, &response.fields)?,
        "trailers": lines(&response.trailers),
    }))
}

fn websocket(
    recording: &Recording,
    exchange: &Exchange,
    details: Option<&Details>,
) -> Result<Option<Value>, RecordingError> {
    if !exchange.is_websocket {
        return Ok(None);
    }
    let messages = input::messages(Some(exchange), details).iter();
    let messages = messages.map(|said| message(recording, said)).collect::<Result<Vec<_>, _>>()?;
    let session = exchange.websocket.as_ref();
    Ok(Some(json!({
        "messages": messages,
        "close_code": session.and_then(|session| session.close_code),
        "close_reason": session.and_then(|session| session.close_reason.as_deref()),
        "closed_by_client": session.and_then(|session| session.closed_by_client),
        "ended_at": session.and_then(|session| session.ended_at),
    })))
}

/// What is known of the flow beside what passed.
fn noted(details: &Details) -> Vec<(&'static str, Value)> {
    let metadata = details.metadata.lines().filter(|line| !line.starts_with(RESPONSE_PIECES));
    let noted = [
        // What has no name and no port stands for an unknown one.
        ("client", Some(details.source.as_str()).filter(|source| *source != ":0").unwrap_or_default()),
        ("server", &details.destination),
        ("replayed", &details.replayed),
        ("marked", &details.marker),
        ("comment", &details.comment),
        ("metadata", &metadata.collect::<Vec<_>>().join("\n")),
    ];
    noted.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.into())).collect()
}

fn time(seconds: f64) -> Option<f64> {
    Some(seconds).filter(|seconds| *seconds > 0.0)
}

/// Field lines in their order, each a name and a value.
fn lines(fields: &Fields) -> Vec<[String; 2]> {
    fields.iter().map(|(name, value)| [text::decoded(name), text::decoded(value)]).collect()
}

/// A body: its size as it was sent, and what it says without its content coding, as text where it is that.
fn content(recording: &Recording, content: &Content, fields: &Fields) -> Result<Value, RecordingError> {
    let Some(size) = content.size() else { return Ok(Value::Null) };
    if size > body::READ_LIMIT {
        return Ok(json!({ "size": size, "omitted": true }));
    }
    let raw = recording.read(content)?;
    let decoded = decode::decode(&raw, fields);
    let said = decoded.as_ref().unwrap_or(&raw);
    let coding = fields
        .joined("content-encoding")
        .map(|coding| [("coding", text::decoded(&coding).into()), ("decoded", decoded.is_some().into())]);
    Ok(with(json!({ "size": size }), coding.into_iter().flatten().chain([as_json(said, fields)])))
}

fn message(recording: &Recording, message: &Message<Content>) -> Result<Value, RecordingError> {
    let object = json!({
        "from_client": message.from_client,
        "at": time(message.at),
        "is_text": message.is_text,
        "size": message.content.size(),
    });
    let said = match &message.content {
        Content::NotRecorded => None,
        content => Some(as_json(&recording.read(content)?, &Fields::new())),
    };
    Ok(with(object, said))
}

/// Bytes as JSON has them, and the name that says how.
fn as_json(bytes: &[u8], fields: &Fields) -> (&'static str, Value) {
    match body::as_text(bytes, fields) {
        Some(text) => ("text", text.into()),
        None => ("base64", BASE64_STANDARD.encode(bytes).into()),
    }
}
