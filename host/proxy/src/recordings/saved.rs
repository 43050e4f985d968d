//! Flows that were looked at, written to a file.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use control::{Content, ControlError, ErrorKind, Existing, Outcome};
use http::Version;
use recording::{Failure, Fields, Flow, Source};
use tempfile::NamedTempFile;
use tools::{RecordingWriters, Writers};

/// Why flows were not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Nobody said that what is there may go.
    #[error("`{}` is there already: take another name, or have it replaced (`force`)", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system does not take it.
    #[error("cannot write flows to `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<SaveError> for ControlError {
    fn from(error: SaveError) -> Self {
        let kind = match &error {
            SaveError::Exists { .. } => ErrorKind::Refused,
            SaveError::Write { .. } => ErrorKind::Failed,
        };
        Self::new(kind, oneline::escaped(&oneline::chain(&error)))
    }
}

/// Writes flows to a file, which appears or is replaced as a whole: a HAR if its name ends in `.har`, else a flow file. Blocks.
///
/// # Errors
/// When the file cannot be written. What was there is still there then.
pub fn save(flows: &[Arc<control::Flow>], path: &Path, existing: Existing) -> Result<usize, SaveError> {
    let failed = |source| SaveError::Write { path: path.to_owned(), source };
    if existing == Existing::Refuse && path.symlink_metadata().is_ok() {
        return Err(SaveError::Exists { path: path.to_owned() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Only its owner may read it: flows hold secrets.
    // The library would name its own file if the folder is missing.
    let file = folder.metadata().and_then(|_| NamedTempFile::new_in(folder)).map_err(failed)?;
    let handle = file.as_file().try_clone().map_err(failed)?;
    let is_har = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har"));
    let sink = if is_har { RecordingWriters.har(handle) } else { RecordingWriters.flow_file(handle) };
    let mut sink = sink.map_err(failed)?;
    for flow in flows {
        sink.write(&recorded(flow)).map_err(failed)?;
    }
    sink.finish().map_err(failed)?;
    let persisted = match existing {
        Existing::Refuse => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    persisted.map_err(|error| failed(error.error))?;
    Ok(flows.len())
}

fn recorded(flow: &control::Flow) -> Flow<Source> {
    let summary = &flow.summary;
    let request = &flow.request;
    let target = summary.target();
    let (host, port) = target.map(|target| (target.host.into_owned(), target.port)).unwrap_or_default();
    let version = version(&request.version);
    let authority = if version >= Version::HTTP_2 { text(&summary.authority) } else { Bytes::new() };
    let failure = match &summary.outcome {
        Outcome::Failed { error, detail } => Some(format!("{error}: {detail}")),
        Outcome::Killed { addon } => Some(format!("killed by {addon}")),
        Outcome::Open | Outcome::Answered { .. } | Outcome::Forwarded => None,
    };
    let messages = flow.frames.iter().map(|frame| recording::Message {
        is_text: frame.is_text,
        from_client: frame.is_from_client,
        content: Source::Bytes(frame.content.clone()),
        at: frame.at,
    });
    Flow {
        id: uuid::Uuid::new_v4().to_string(),
        client: summary.client.as_deref().and_then(|client| client.parse().ok()),
        server: flow.server.as_deref().and_then(|server| server.parse().ok()),
        request: recording::Request {
            method: text(&summary.method),
            scheme: text(&summary.scheme),
            host: host.into(),
            port,
            authority,
            path: text(&summary.path),
            version,
            fields: fields(&request.fields),
            content: content(&request.content),
            trailers: fields(&request.trailers),
            started_at: flow.timing.request_head,
            ended_at: flow.timing.request_end,
        },
        response: flow.response.as_ref().map(|response| recording::Response {
            version: self::version(&response.version),
            status: summary.status.unwrap_or_default(),
            reason: response.reason.as_deref().map(text).unwrap_or_default(),
            fields: fields(&response.fields),
            content: content(&response.content),
            trailers: fields(&response.trailers),
            started_at: flow.timing.response_head.unwrap_or(flow.timing.request_head),
            ended_at: flow.timing.response_end,
            pieces: Vec::new(),
        }),
        error: failure.map(|reason| Failure { reason, at: flow.timing.response_end }),
        websocket: summary
            .is_websocket
            .then(|| recording::WebSocket { messages: messages.collect(), ..recording::WebSocket::default() }),
    }
}

fn content(content: &Content) -> Source {
    match content {
        Content::Kept(bytes) => Source::Bytes(bytes.clone()),
        Content::Partial(_) | Content::NotKept(_) => Source::NotRecorded,
    }
}

fn fields(lines: &[(String, Bytes)]) -> Fields {
    lines.iter().map(|(name, value)| (text(name), value.clone())).collect()
}

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn version(name: &str) -> Version {
    match name {
        "HTTP/1.0" => Version::HTTP_10,
        "HTTP/2" | "HTTP/2.0" => Version::HTTP_2,
        "HTTP/3" | "HTTP/3.0" => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}
