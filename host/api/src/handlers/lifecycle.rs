//! Whether the proxy serves; and what it does as on a signal.

use axum::{Json, extract::State};
use control::{Change, Health};
use http::StatusCode;
use serde::Serialize;

use super::addons::{Outcome, change};
use crate::routes::Served;

/// Whether the proxy serves. Where, only those learn who know the token.
#[derive(Serialize)]
pub(crate) struct Readiness {
    is_serving: bool,
}

/// The process answers, also while it stops.
pub(crate) async fn alive(State(served): State<Served>) -> Json<Readiness> {
    Json(Readiness { is_serving: served.control.health().is_serving })
}

/// It takes connections.
pub(crate) async fn ready(State(served): State<Served>) -> (StatusCode, Json<Readiness>) {
    let is_serving = served.control.health().is_serving;
    let status = if is_serving { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { is_serving }))
}

pub(crate) async fn health(State(served): State<Served>) -> Json<Health> {
    Json(served.control.health())
}

pub(crate) async fn reload(State(served): State<Served>) -> Outcome {
    change(served, Change::Reload).await
}

/// The answer still arrives: the server finishes what it has begun when it is shut down.
pub(crate) async fn stop(State(served): State<Served>) -> StatusCode {
    served.control.stop();
    StatusCode::ACCEPTED
}
