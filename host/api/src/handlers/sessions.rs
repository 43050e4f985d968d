//! Sessions, and what came of them.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use control::SessionInfo;
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    input::{Asked, Document},
    routes::Served,
};

/// The sessions there are.
#[derive(Serialize)]
pub(crate) struct Sessions {
    sessions: Vec<SessionInfo>,
}

pub(crate) async fn list(State(served): State<Served>) -> Json<Sessions> {
    Json(Sessions { sessions: served.control.sessions() })
}

/// The session to forget; all if it is left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    session: Option<String>,
}

pub(crate) async fn reset(
    State(served): State<Served>,
    Document(forgotten): Document<Forgotten>,
) -> Result<Json<Sessions>, Failure> {
    served.control.reset(forgotten.session.as_deref())?;
    Ok(Json(Sessions { sessions: served.control.sessions() }))
}

/// What is reported, and how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reported {
    session: Option<String>,
    #[serde(default)]
    format: Format,
}

/// How a report is written.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
}

pub(crate) async fn report(State(served): State<Served>, Asked(reported): Asked<Reported>) -> Response {
    let report = served.control.report(reported.session.as_deref());
    match reported.format {
        Format::Json => Json(report).into_response(),
    }
}
