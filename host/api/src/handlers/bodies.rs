//! The contents of messages. What stands in them is anybody's, and the answer is never more than a file to a browser.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use control::{Content, ControlError, ErrorKind, Message};
use http::{
    HeaderValue,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use serde::Deserialize;

use super::flows;
use crate::{
    failure::Failure,
    input::{Asked, Named},
    routes::Served,
};

/// Whether the content is wanted as it was sent, with its content coding.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Form {
    raw: bool,
}

pub(crate) async fn of_request(
    State(served): State<Served>,
    Named(id): Named<u64>,
    Asked(form): Asked<Form>,
) -> Result<Response, Failure> {
    let flow = flows::get(&served, id)?;
    answer(&flow.request, &form, &format!("flow-{id}-request.bin"))
}

pub(crate) async fn of_response(
    State(served): State<Served>,
    Named(id): Named<u64>,
    Asked(form): Asked<Form>,
) -> Result<Response, Failure> {
    let flow = flows::get(&served, id)?;
    let none = || Failure::unknown(format!("flow {id} has no response"));
    answer(flow.response.as_ref().ok_or_else(none)?, &form, &format!("flow-{id}-response.bin"))
}

fn answer(message: &Message, form: &Form, name: &str) -> Result<Response, Failure> {
    let content = content(message, form)?;
    let mut response = content.into_response();
    let unknown = HeaderValue::from_static("application/octet-stream");
    let kind = message.field("content-type").and_then(|kind| HeaderValue::from_str(kind).ok());
    response.headers_mut().insert(CONTENT_TYPE, kind.unwrap_or(unknown));
    response.headers_mut().insert(CONTENT_DISPOSITION, attachment(name)?);
    Ok(response)
}

fn content(message: &Message, form: &Form) -> Result<Bytes, Failure> {
    let refused = |reason: &str| Failure::from(ControlError::new(ErrorKind::Refused, reason));
    match (&message.content, form.raw) {
        (Content::NotKept(_), _) => Err(refused("the content was not kept: it was too large, or passed unseen")),
        (Content::Kept(bytes) | Content::Partial(bytes), true) => Ok(bytes.clone()),
        (Content::Partial(_), false) => Err(refused("the content is not all here yet: `raw=true` shows what is")),
        (Content::Kept(_), false) => message
            .decoded()
            .ok_or_else(|| refused("the content coding cannot be undone: `raw=true` shows the content as it was sent")),
    }
}

/// Has a browser save an answer, and not show it.
pub(super) fn attachment(name: &str) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    value.map_err(|_| Failure::invalid("the name of the file cannot be sent"))
}
