//! Forms that a recorder has split into parameters, put together again.

use form_urlencoded::Serializer;
use serde_json::Value;

use crate::document::{item_text, should_be};

/// `name=value&…`. The values are taken for decoded ones: recorders that keep encoded ones keep the whole text too.
pub(super) fn urlencoded(params: &[Value], place: &str) -> Result<Vec<u8>, String> {
    let mut form = Serializer::new(String::new());
    each(params, place, |param, place| {
        form.append_pair(item_text(param, "name", place)?, item_text(param, "value", place)?);
        Ok(())
    })?;
    Ok(form.finish().into_bytes())
}

/// `multipart/form-data` (RFC 7578), as browsers write it.
pub(super) fn multipart(params: &[Value], boundary: &str, place: &str) -> Result<Vec<u8>, String> {
    let mut form = String::new();
    each(params, place, |param, place| {
        let name = attribute(item_text(param, "name", place)?);
        form.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\""));
        let file = item_text(param, "fileName", place)?;
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
    Ok(form.into_bytes())
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
