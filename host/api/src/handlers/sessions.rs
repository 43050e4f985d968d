//! Sessions, and what came of them.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use control::{FailOn, SessionInfo, UnknownVerdict};
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    input::{Asked, Perhaps},
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
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    session: Option<String>,
}

pub(crate) async fn reset(
    State(served): State<Served>,
    Perhaps(forgotten): Perhaps<Forgotten>,
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
    /// What is a failed test in JUnit XML, with commas; all of it if it is left out.
    fail_on: Option<String>,
}

/// How a report is written.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Junit,
    Text,
}

pub(crate) async fn report(
    State(served): State<Served>,
    Asked(reported): Asked<Reported>,
) -> Result<Response, Failure> {
    let report = served.control.report(reported.session.as_deref());
    let on = reported.fail_on.as_deref().map(str::parse).transpose();
    let on = on.map_err(|error: UnknownVerdict| Failure::invalid(oneline::escaped(&error.to_string())))?;
    Ok(match reported.format {
        Format::Json => Json(report).into_response(),
        Format::Junit => {
            let on = on.unwrap_or(FailOn { miss: true, unused: true, error: true });
            ([(CONTENT_TYPE, "application/xml")], report.junit(on)).into_response()
        }
        Format::Text => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], report.text()).into_response(),
    })
}
