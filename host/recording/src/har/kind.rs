//! What the body of a request is, where no field says so.

use super::form::boundary_of;
use crate::{
    document::Entry,
    media_type::{essence, parameter},
    model::{Comparison, Fields},
    reading::{
        body::{Body, Form},
        heads::Heads,
    },
};

/// How the request's body is compared, if that is known from somewhere else than its fields: the type from `postData` alone,
/// or the body from parameters. A request without a `Content-Type` gets the one from there, if it is of a known kind.
pub(super) fn tell(
    entry: &Entry,
    fields: &mut Fields,
    body: &Body,
    heads: &mut Heads,
) -> Result<Option<Box<Comparison>>, String> {
    if let Form::Params { at_least } = &body.form {
        let kind = known(&named(entry, fields)?).unwrap_or(FORM);
        tell_type(entry, fields, body, heads)?;
        let comparison = Comparison { at_least: at_least.clone(), ..Comparison::by_meaning(kind) };
        return Ok(Some(comparison.into()));
    }
    if fields.get("content-type").is_some() || body.content.size().unwrap_or(0) == 0 {
        return Ok(None);
    }
    let kind = known(entry.text(MIME_TYPE)?.unwrap_or_default());
    if kind.is_some() {
        tell_type(entry, fields, body, heads)?;
    }
    Ok(kind.map(|kind| Comparison::by_meaning(kind).into()))
}

/// The type that `postData` names, or else the field.
pub(super) fn named(entry: &Entry, fields: &Fields) -> Result<String, String> {
    Ok(match entry.text(MIME_TYPE)?.unwrap_or_default() {
        "" => fields.get("content-type").map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default(),
        kind => kind.to_owned(),
    })
}

fn tell_type(entry: &Entry, fields: &mut Fields, body: &Body, heads: &mut Heads) -> Result<(), String> {
    let kind = entry.text(MIME_TYPE)?.unwrap_or_default();
    if kind.is_empty() || fields.get("content-type").is_some() {
        return Ok(());
    }
    let boundary = if known(kind) == Some(MULTIPART) && parameter(kind, "boundary").is_none() {
        boundary_of(&body.content).map(|boundary| format!("; boundary={boundary}"))
    } else {
        None
    };
    let kind = format!("{kind}{}", boundary.unwrap_or_default());
    // What is no field's value tells nothing.
    if let Ok((name, value)) = heads.field(b"Content-Type", kind.as_bytes(), "request's field") {
        fields.push(name, value);
    }
    Ok(())
}

/// The kind that bodies of a type are compared by, if they are not by their bytes alone.
pub(super) fn known(kind: &str) -> Option<&'static str> {
    let essence = essence(kind).to_ascii_lowercase();
    match essence.as_str() {
        FORM => Some(FORM),
        MULTIPART => Some(MULTIPART),
        _ if essence.starts_with("multipart/") => Some("multipart/mixed"),
        _ if essence.ends_with("/json") || essence.ends_with("+json") => Some(JSON),
        _ if essence == "application/grpc" || essence.starts_with("application/grpc+") => Some("application/grpc"),
        _ => None,
    }
}

pub(super) const MULTIPART: &str = "multipart/form-data";
pub(super) const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MIME_TYPE: &str = "request.postData.mimeType";
