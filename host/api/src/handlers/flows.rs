//! Recent flows.

use std::sync::Arc;

use axum::{Json, extract::State};
use control::{ControlError, ErrorKind, Flow, FlowPage, FlowQuery};
use http::StatusCode;
use serde::Deserialize;

use super::flow_view::FlowView;
use crate::{
    failure::Failure,
    input::{Asked, Named},
    routes::Served,
};

/// Which flows are listed.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    filter: Option<String>,
    session: Option<String>,
    after: Option<u64>,
    limit: Option<usize>,
}

impl From<Wanted> for FlowQuery {
    fn from(Wanted { filter, session, after, limit }: Wanted) -> Self {
        Self { filter, session, after, limit }
    }
}

pub(crate) async fn list(
    State(served): State<Served>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<FlowPage>, Failure> {
    find(&served, wanted.into()).await.map(Json)
}

/// Finds flows aside, as a filter may have to decode and search the bodies of all of them.
pub(super) async fn find(served: &Served, query: FlowQuery) -> Result<FlowPage, Failure> {
    let control = served.control.clone();
    let found = tokio::task::spawn_blocking(move || control.flows(&query)).await;
    let failed = |_| ControlError::new(ErrorKind::Failed, "cannot list flows: the search panicked");
    Ok(found.map_err(failed)??)
}

pub(crate) async fn one(State(served): State<Served>, Named(id): Named<u64>) -> Result<Json<FlowView>, Failure> {
    Ok(Json(FlowView::of(&*get(&served, id)?)))
}

/// A flow, if it is still kept.
pub(super) fn get(served: &Served, id: u64) -> Result<Arc<Flow>, Failure> {
    served.control.flow(id).ok_or_else(|| {
        Failure::unknown(format!("there is no flow {id}: it has not passed yet, or is not kept any more"))
    })
}

pub(crate) async fn clear(State(served): State<Served>) -> StatusCode {
    served.control.clear_flows();
    StatusCode::NO_CONTENT
}
