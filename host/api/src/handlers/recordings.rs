//! Recordings that are replayed.

use axum::{Json, extract::State};
use control::{Change, RecordingInfo};
use serde::{Deserialize, Serialize};

use super::addons::{Outcome, change};
use crate::{
    input::{Asked, Document},
    routes::Served,
};

/// The session that is asked about; all if it is left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfSession {
    session: Option<String>,
}

/// The recordings, with the exchanges that answer requests and how often each was served.
#[derive(Serialize)]
pub(crate) struct Recordings {
    recordings: Vec<RecordingInfo>,
}

pub(crate) async fn list(State(served): State<Served>, Asked(asked): Asked<OfSession>) -> Json<Recordings> {
    Json(Recordings { recordings: served.control.recordings(asked.session.as_deref()) })
}

/// A recording where the proxy runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replayed {
    file: String,
    addon: Option<String>,
}

pub(crate) async fn add(State(served): State<Served>, Document(replayed): Document<Replayed>) -> Outcome {
    change(served, Change::AddRecording { addon: replayed.addon, file: replayed.file }).await
}

pub(crate) async fn remove(State(served): State<Served>, Asked(replayed): Asked<Replayed>) -> Outcome {
    change(served, Change::RemoveRecording { addon: replayed.addon, file: replayed.file }).await
}
