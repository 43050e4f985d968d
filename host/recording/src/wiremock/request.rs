//! The one request that a pattern matches.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Version;
use serde_json::{Map, Value, value::RawValue};

use super::{as_text, compact};
use crate::{
    document::{Entry, should_be},
    model::{Content, Fields, Request},
    reading::{Unfit, Url, heads::Heads},
};

/// Reads the request of a stub. `json` is the text of its JSON body.
pub(super) fn read(stub: &Entry, json: Option<&RawValue>, heads: &mut Heads) -> Result<Request<Content>, String> {
    let pattern = match stub.get("request")? {
        Some(Value::Object(pattern)) => pattern,
        Some(other) => return Err(should_be("`request`", "an object", other)),
        None => return Err("`request` is missing".into()),
    };
    if let Some((key, _)) = pattern.iter().find(|(key, value)| !KEYS.contains(&key.as_str()) && !is_nothing(value)) {
        return Err(format!("its `request.{key}` does not say what one request has"));
    }
    let method = match stub.text("request.method")? {
        None | Some("ANY") => return Err("it matches any method; name one in `request.method`".into()),
        Some(method) => method,
    };
    let path = path(stub)?;
    let url = url(stub, &path)?;
    let url = Url::parse(&url).map_err(|unfit| match unfit {
        Unfit::Scheme(scheme) => format!("its scheme is `{scheme}`"),
        Unfit::Malformed(what) => format!("its URL {what}"),
    })?;
    Ok(Request {
        ended_at: None,
        method: heads.counted_token(method.as_bytes(), "request's method")?,
        scheme: url.scheme.into(),
        host: heads.counted_line(url.host.as_bytes(), "request's host")?,
        port: url.port,
        authority: Bytes::new(),
        path: heads.counted_line(url.path.as_bytes(), "request's path")?,
        version: Version::HTTP_11,
        fields: fields(stub, heads)?,
        content: Content::Held(body(stub, json)?.into()),
        trailers: Fields::new(),
        started_at: 0.0,
    })
}

/// The path with its query.
fn path(stub: &Entry) -> Result<String, String> {
    let path = match (stub.text("request.url")?, stub.text("request.urlPath")?) {
        (Some(url), _) => url,
        (None, Some(path)) => path,
        (None, None) => return Err("it matches any URL; name one in `request.url`".into()),
    };
    let mut query = Serializer::new(String::new());
    let mut is_empty = true;
    for (name, values) in matchers(stub, "request.queryParameters")? {
        for value in values {
            query.append_pair(name, &value);
            is_empty = false;
        }
    }
    Ok(if is_empty {
        path.to_owned()
    } else {
        format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, query.finish())
    })
}

/// The whole URL, with what WireMock listens on for what is missing.
fn url(stub: &Entry, path: &str) -> Result<String, String> {
    if path.starts_with("http://") || path.starts_with("https://") {
        return Ok(path.to_owned());
    }
    if !path.starts_with('/') {
        return Err(format!("its URL should start with `/`, found `{}`", path.escape_debug()));
    }
    let scheme = stub.text("request.scheme")?.unwrap_or("http");
    let host = match stub.get("request.host")? {
        None => None,
        Some(matcher) => match exact(matcher, "request.host")?.as_slice() {
            [host] => Some(host.clone()),
            _ => return Err("its `request.host` is not one host".into()),
        },
    };
    let port = match (stub.number("request.port")?, &host, scheme) {
        (Some(port), ..) if port.fract() == 0.0 && (1.0..=65535.0).contains(&port) => format!(":{port}"),
        (Some(port), ..) => return Err(format!("`request.port` should be within 1 to 65535, found `{port}`")),
        (None, Some(_), _) => String::new(),
        (None, None, "https") => ":8443".into(),
        (None, None, _) => ":8080".into(),
    };
    let host = host.unwrap_or_else(|| "localhost".into());
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    Ok(format!("{scheme}://{host}{port}{path}"))
}

fn fields(stub: &Entry, heads: &mut Heads) -> Result<Fields, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, values) in matchers(stub, "request.headers")? {
        found.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    let cookies = matchers(stub, "request.cookies")?;
    let pairs = cookies.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
    let pairs: Vec<String> = pairs.collect();
    if !pairs.is_empty() {
        found.push(("Cookie".into(), pairs.join("; ")));
    }
    for place in ["request.basicAuth", "request.basicAuthCredentials"] {
        if let Some(user) = stub.text(&format!("{place}.username"))? {
            let password = stub.text(&format!("{place}.password"))?.unwrap_or_default();
            found.push(("Authorization".into(), format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))));
        }
    }
    let kept = found.iter().map(|(name, value)| heads.field(name.as_bytes(), value.as_bytes(), "request's field"));
    Ok(kept.collect::<Result<_, _>>()?)
}

/// The names in an object of matchers, each with the values that it stands for.
fn matchers<'v>(stub: &'v Entry, place: &str) -> Result<Vec<(&'v String, Vec<String>)>, String> {
    match stub.get(place)? {
        None => Ok(Vec::new()),
        Some(Value::Object(matchers)) => {
            let one = |(name, matcher)| Ok((name, exact(matcher, &format!("{place}.{name}"))?));
            matchers.iter().map(one).collect()
        }
        Some(other) => Err(should_be(&format!("`{place}`"), "an object", other)),
    }
}

/// The values that a matcher stands for: one, those of a list, or none if it says that there is none.
fn exact(matcher: &Value, place: &str) -> Result<Vec<String>, String> {
    let Value::Object(found) = matcher else {
        return Err(should_be(&format!("`{place}`"), "an object", matcher));
    };
    if let Some(value) = found.get("equalTo").and_then(as_text) {
        return Ok(vec![value]);
    }
    if found.get("absent") == Some(&Value::Bool(true)) {
        return Ok(Vec::new());
    }
    if let Some(Value::Array(several)) = found.get("hasExactly") {
        let each = several.iter().map(|matcher| exact(matcher, place));
        return Ok(each.collect::<Result<Vec<_>, _>>()?.concat());
    }
    Err(format!("its `{place}` is matched by {}, and one request has one value: use `equalTo`", keys(found)))
}

/// The body, which is empty if there is no pattern for it.
fn body(stub: &Entry, json: Option<&RawValue>) -> Result<Vec<u8>, String> {
    let pattern = match stub.list("request.bodyPatterns")? {
        [] => return Ok(Vec::new()),
        [Value::Object(pattern)] => pattern,
        [other] => return Err(should_be("`request.bodyPatterns[0]`", "an object", other)),
        _ => return Err("its `request.bodyPatterns` are several, and one request has one body".into()),
    };
    if let Some(text) = pattern.get("equalTo").or(pattern.get("equalToXml")).and_then(as_text) {
        return placeholders(pattern, "enablePlaceholders", text);
    }
    match (pattern.get("equalToJson"), pattern.get("binaryEqualTo")) {
        (Some(Value::String(text)), _) => placeholders(pattern, "", text.clone()),
        (Some(value), _) => {
            let body = compact(value, json);
            placeholders(pattern, "", String::from_utf8_lossy(&body).into_owned())
        }
        (None, Some(Value::String(text))) => {
            STANDARD.decode(text).map_err(|error| format!("`binaryEqualTo` is not base64: {error}"))
        }
        _ if pattern.get("absent") == Some(&Value::Bool(true)) => Ok(Vec::new()),
        _ => Err(format!("its body is matched by {}, and one request has one body: use `equalTo`", keys(pattern))),
    }
}

/// Refuses a body in which something stands for what is not known.
fn placeholders(pattern: &Map<String, Value>, switch: &str, body: String) -> Result<Vec<u8>, String> {
    if pattern.get(switch) == Some(&Value::Bool(true)) || body.contains("${json-unit.") || body.contains("${xmlunit.") {
        return Err("its body has placeholders, and one request has one body".into());
    }
    Ok(body.into_bytes())
}

fn keys(object: &Map<String, Value>) -> String {
    let keys: Vec<_> = object.keys().map(|key| format!("`{}`", key.escape_debug())).collect();
    if keys.is_empty() { "nothing".into() } else { keys.join(", ") }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// What of a pattern can stand for one request.
const KEYS: [&str; 12] = [
    "method",
    "url",
    "urlPath",
    "queryParameters",
    "headers",
    "cookies",
    "basicAuth",
    "basicAuthCredentials",
    "bodyPatterns",
    "scheme",
    "host",
    "port",
];
