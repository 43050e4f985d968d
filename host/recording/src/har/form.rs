//! Forms that a recorder has split into parameters, put together again.

use std::collections::BTreeMap;

use bytes::Bytes;
use form_urlencoded::Serializer;
use serde_json::Value;

use crate::{
    document::{item_text, should_be},
    model::Content,
    reading::body::{Body, Form},
};

/// `name=value&…`, as one of many ways to write it. The values are taken for decoded ones, unless as they are they make up
/// the `size` that the body had.
pub(super) fn urlencoded(params: &[Value], size: Option<u64>, place: &str) -> Result<Body, String> {
    let (mut form, mut escaped) = (Serializer::new(String::new()), String::new());
    each(params, place, |param, place| {
        let (name, value) = (item_text(param, "name", place)?, item_text(param, "value", place)?);
        form.append_pair(name, value);
        let separator = if escaped.is_empty() { "" } else { "&" };
        escaped.push_str(&format!("{separator}{name}={value}"));
        Ok(())
    })?;
    let is_plain = escaped.bytes().all(|byte| byte.is_ascii_graphic());
    let form = if is_plain && size == Some(escaped.len() as u64) { escaped } else { form.finish() };
    Ok(Body { content: Content::Held(form.into()), form: Form::Params { at_least: None } })
}

/// `multipart/form-data` (RFC 7578), as browsers write it, with the boundary that it had, if that is known. Of a file that was
/// not recorded, only the name is there: then the form has at least the other parts.
pub(super) fn multipart(params: &[Value], boundary: Option<&str>, place: &str) -> Result<Body, String> {
    let boundary = match boundary {
        Some(boundary) => boundary.to_owned(),
        None => unused_boundary(params),
    };
    let (mut form, mut is_whole) = (String::new(), true);
    each(params, place, |param, place| {
        let name = attribute(item_text(param, "name", place)?);
        let file = item_text(param, "fileName", place)?;
        let has_value = param.get("value").is_some_and(|value| !value.is_null());
        if !file.is_empty() && !has_value {
            is_whole = false;
            return Ok(());
        }
        form.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\""));
        if !file.is_empty() {
            form.push_str(&format!("; filename=\"{}\"", attribute(file)));
        }
        let kind = item_text(param, "contentType", place)?;
        if !kind.is_empty() {
            form.push_str(&format!("\r\nContent-Type: {}", attribute(kind)));
        }
        form.push_str("\r\n\r\n");
        form.push_str(item_text(param, "value", place)?);
        form.push_str("\r\n");
        Ok(())
    })?;
    form.push_str(&format!("--{boundary}--\r\n"));
    let form = Bytes::from(form);
    Ok(if is_whole {
        Body { content: Content::Held(form), form: Form::Params { at_least: None } }
    } else {
        Body { content: Content::NotRecorded, form: Form::Params { at_least: Some(form) } }
    })
}

/// JSON of which chrome-har has the members as parameters, and lists as one for each element. What it leaves out is not known,
/// such as empty lists, so the content has at least the others.
pub(super) fn json(params: &[Value], place: &str) -> Result<Body, String> {
    let mut members: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    each(params, place, |param, place| {
        let values = members.entry(item_text(param, "name", place)?).or_default();
        values.push(param.get("value").cloned().unwrap_or_default());
        Ok(())
    })?;
    let members = members.into_iter().map(|(name, mut values)| match values.len() {
        1 => (name.to_owned(), values.remove(0)),
        _ => (name.to_owned(), Value::Array(values)),
    });
    let least = Value::Object(members.collect()).to_string();
    Ok(Body { content: Content::NotRecorded, form: Form::Params { at_least: Some(least.into()) } })
}

/// A boundary that no value has.
fn unused_boundary(params: &[Value]) -> String {
    let is_used = |boundary: &str| {
        let values = params.iter().filter_map(|param| param.get("value").and_then(Value::as_str));
        values.into_iter().any(|value| value.contains(boundary))
    };
    let mut boundary = "----form".to_owned();
    while is_used(&boundary) {
        boundary.push('-');
    }
    boundary
}

/// The boundary that a multipart body in memory begins with.
pub(super) fn boundary_of(content: &Content) -> Option<&str> {
    let Content::Held(bytes) = content else { return None };
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    str::from_utf8(line.strip_prefix(b"--")?.trim_ascii_end()).ok().filter(|boundary| !boundary.is_empty())
}

fn attribute(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn each<'v>(
    params: &'v [Value],
    place: &str,
    mut visit: impl FnMut(&'v Value, &str) -> Result<(), String>,
) -> Result<(), String> {
    for (index, param) in params.iter().enumerate() {
        let place = format!("{place}[{index}]");
        if !param.is_object() {
            return Err(should_be(&format!("`{place}`"), "an object", param));
        }
        visit(param, &place)?;
    }
    Ok(())
}
