//! The fields of an entry, and the pseudo fields among them.

use std::{borrow::Cow, collections::HashSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    document::{Entry, item_text, quoted, should_be},
    model::Fields,
    reading::{Unfit, Url, heads},
};

/// The name of a field, and the values of its lines.
type Lines<'v> = (&'v str, Vec<Cow<'v, [u8]>>);

/// The name of a field and the values of its lines, which recorders join by line feeds or have as a list. A field is
/// `{"name": …, "value": …}`; some recorders write `[name, value]`. A value that is no text is there in base64 too, if this
/// program wrote it.
pub(super) fn field<'v>(item: &'v Value, place: &str) -> Result<Lines<'v>, String> {
    match item {
        Value::Object(_) => {
            let name = item_text(item, "name", place)?;
            let bytes = item_text(item, "_base64", place)?;
            match STANDARD.decode(bytes) {
                Ok(bytes) if !bytes.is_empty() => Ok((name, vec![bytes.into()])),
                _ => Ok((name, values(item.get("value").unwrap_or(&Value::Null), &format!("{place}.value"))?)),
            }
        }
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(name), Value::String(value)] => Ok((name, heads::lines(value.as_bytes()))),
            _ => Err(format!("{} is not a name and a value", quoted(place))),
        },
        other => Err(should_be(&quoted(place), "an object", other)),
    }
}

/// The cookies of a `Set-Cookie` field that a recorder has joined by commas, as HTTP Toolkit does, and what follows the objects of
/// `fetch`. There are commas in values and in dates too: what has had its first attribute ends at one before a name and `=`.
pub(super) fn cookies(joined: &[u8]) -> Vec<&[u8]> {
    let (mut cookies, mut start, mut has_attributes) = (Vec::new(), 0, false);
    for (at, byte) in joined.iter().enumerate() {
        match byte {
            b';' => has_attributes = true,
            b',' if has_attributes && begins_a_cookie(joined.get(at + 1..).unwrap_or_default()) => {
                cookies.push(joined.get(start..at).unwrap_or_default());
                (start, has_attributes) = (at + 1, false);
            }
            _ => {}
        }
    }
    cookies.push(joined.get(start..).unwrap_or_default());
    cookies.iter().map(|cookie| cookie.trim_ascii()).collect()
}

fn begins_a_cookie(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)).count();
    name > 0 && text.get(name) == Some(&b'=')
}

/// Whether Firefox adds a field to responses, which no server sent, to say how they came.
pub(super) fn is_of_firefox(name: &[u8]) -> bool {
    [&b"x-firefox-spdy"[..], b"x-firefox-http3"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Leaves out of a request the lines that are there before: chrome-har has some once as a page wanted them, and once as they
/// were sent.
pub(super) fn leave_out_repeated(fields: &mut Fields) {
    let mut seen = HashSet::new();
    let lines: Vec<_> = fields.iter().cloned().collect();
    *fields = Fields::new();
    for (name, value) in lines {
        if seen.insert((name.to_ascii_lowercase(), value.clone())) {
            fields.push(name, value);
        }
    }
}

fn values<'v>(value: &'v Value, place: &str) -> Result<Vec<Cow<'v, [u8]>>, String> {
    Ok(match value {
        Value::Null => vec![Cow::default()],
        Value::String(joined) => heads::lines(joined.as_bytes()),
        Value::Number(number) => vec![number.to_string().into_bytes().into()],
        Value::Array(lines) if !lines.iter().any(Value::is_array) => {
            let lines = lines.iter().map(|line| values(line, place));
            lines.collect::<Result<Vec<_>, _>>()?.concat()
        }
        other => return Err(should_be(&quoted(place), "a string", other)),
    })
}

/// What a request's pseudo fields say of it, under the names of HTTP/2 and SPDY.
#[derive(Default)]
pub(super) struct Pseudo {
    pub(super) method: Option<String>,
    pub(super) version: Option<String>,
    scheme: Option<String>,
    authority: Option<String>,
    path: Option<String>,
}

impl Pseudo {
    pub(super) fn of_request(entry: &Entry) -> Result<Self, String> {
        let mut pseudo = Self::default();
        for item in entry.list("request.headers")? {
            // What is wrong with a field is said where all are read.
            let Ok((name, values)) = field(item, "") else { continue };
            let slot = match name.to_ascii_lowercase().as_str() {
                ":method" => &mut pseudo.method,
                ":version" => &mut pseudo.version,
                ":scheme" => &mut pseudo.scheme,
                ":authority" | ":host" => &mut pseudo.authority,
                ":path" => &mut pseudo.path,
                _ => continue,
            };
            let value = values.first().and_then(|value| str::from_utf8(value).ok()).filter(|value| !value.is_empty());
            *slot = value.map(ToOwned::to_owned);
        }
        Ok(pseudo)
    }

    /// The URL as it is written, or made of these if it lacks something.
    pub(super) fn url(&self, written: Option<String>) -> Option<String> {
        let is_whole = |url: &String| !matches!(Url::parse(url), Err(Unfit::Malformed(_)));
        let Some(authority) = &self.authority else { return written };
        let path = match &written {
            Some(url) if is_whole(url) => return written,
            Some(path) if path.starts_with('/') && !path.starts_with("//") => path,
            _ => self.path.as_deref().unwrap_or_default(),
        };
        // Whatever speaks HTTP/2 or SPDY speaks TLS, if nothing else is said.
        let scheme = self.scheme.as_deref().unwrap_or("https");
        Some(format!("{scheme}://{authority}{path}")).filter(is_whole).or(written)
    }
}
