//! Recent flows as recordings.

use std::path::PathBuf;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use control::{ControlError, ErrorKind, Existing, FlowQuery};
use futures_util::stream;
use http::{
    HeaderValue,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use tokio::{fs::File, io::AsyncReadExt};

use super::{bodies::attachment, flows};
use crate::{
    failure::Failure,
    input::{Asked, Document},
    routes::Served,
};

/// Which flows are saved, and where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    /// A file where the proxy runs: a HAR if its name ends in `.har`, else a flow file.
    file: PathBuf,
    /// These, instead of those that the filter matches.
    flows: Option<Vec<u64>>,
    filter: Option<String>,
    session: Option<String>,
    /// Whether a file that is there already is replaced.
    #[serde(default)]
    force: bool,
}

/// How many flows were written.
#[derive(Serialize)]
pub(crate) struct Written {
    written: usize,
}

pub(crate) async fn save(
    State(served): State<Served>,
    Document(saved): Document<Saved>,
) -> Result<Json<Written>, Failure> {
    let Saved { file, flows, filter, session, force } = saved;
    let existing = if force { Existing::Replace } else { Existing::Refuse };
    let flows = match flows {
        Some(flows) if filter.is_none() && session.is_none() => flows,
        Some(_) => return Err(Failure::invalid("flows are named by their numbers, or by a filter and a session")),
        None => matching(&served, FlowQuery { filter, session, ..FlowQuery::default() }).await?,
    };
    Ok(Json(Written { written: served.control.save_flows(flows, file, existing).await? }))
}

/// Which flows are downloaded, and how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    #[serde(default)]
    format: Format,
    filter: Option<String>,
    session: Option<String>,
    after: Option<u64>,
    limit: Option<usize>,
}

/// A format of recordings.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Flow,
    Har,
}

pub(crate) async fn download(
    State(served): State<Served>,
    Asked(exported): Asked<Exported>,
) -> Result<Response, Failure> {
    let Exported { format, filter, session, after, limit } = exported;
    let flows = matching(&served, FlowQuery { filter, session, after, limit }).await?;
    let (name, kind) = match format {
        Format::Flow => ("flows.mitm", "application/octet-stream"),
        Format::Har => ("flows.har", "application/json"),
    };
    let failed = |error: std::io::Error| {
        Failure::from(ControlError::new(ErrorKind::Failed, format!("cannot write a temporary file: {error}")))
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let path = folder.path().join(name);
    served.control.save_flows(flows, path.clone(), Existing::Refuse).await?;
    let file = File::open(path).await.map_err(failed)?;
    // The folder goes with the last of the file.
    let pieces = stream::try_unfold((file, folder), async |(mut file, folder)| {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await?;
        piece.truncate(length);
        std::io::Result::Ok((length > 0).then(|| (Bytes::from(piece), (file, folder))))
    });
    let mut response = Body::from_stream(pieces).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_DISPOSITION, attachment(name)?);
    Ok(response)
}

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

async fn matching(served: &Served, query: FlowQuery) -> Result<Vec<u64>, Failure> {
    Ok(flows::find(served, query).await?.flows.iter().map(|flow| flow.id).collect())
}
