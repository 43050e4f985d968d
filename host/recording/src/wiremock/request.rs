//! The one request that a pattern matches.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Version;
use serde_json::{Map, Value, value::RawValue};

use super::{Names, as_text, body, pattern::literal};
use crate::{
    document::{Entry, should_be},
    model::{Comparison, Content, Fields, Request},
    reading::{Unfit, Url, heads::Heads},
};

/// Reads the request of a stub, and how its body is compared. `json` is the text of its JSON body, and `query` says in which order the parameters of its query
/// are.
pub(super) fn read(
    stub: &Entry,
    json: Option<&RawValue>,
    query: &Names,
    heads: &mut Heads,
) -> Result<(Request<Content>, Option<Comparison>), String> {
    let pattern = match stub.get("request")? {
        Some(Value::Object(pattern)) => pattern,
        Some(other) => return Err(should_be("`request`", "an object", other)),
        None => return Err("`request` is missing".into()),
    };
    // Only a template has places for them.
    let is_template = pattern.contains_key("urlPathTemplate");
    let is_read = |key: &str| KEYS.contains(&key) || (is_template && key == "pathParameters");
    if let Some((key, _)) = pattern.iter().find(|(key, value)| !is_read(key) && !is_nothing(value)) {
        return Err(is_open(key));
    }
    let method = stub.text("request.method")?.unwrap_or(ANY_METHOD);
    let path = path(stub, query)?;
    let url = url(stub, &path)?;
    let url = Url::parse(&url).map_err(|unfit| match unfit {
        Unfit::Scheme(scheme) => format!("its scheme is `{scheme}`"),
        Unfit::Malformed(what) => format!("its URL {what}"),
    })?;
    let body = body::read(stub, json)?;
    let request = Request {
        ended_at: None,
        method: heads.counted_token(method.as_bytes(), "request's method")?,
        scheme: url.scheme.into(),
        host: heads.counted_line(url.host.as_bytes(), "request's host")?,
        port: url.port,
        authority: Bytes::new(),
        path: heads.counted_line(url.path.as_bytes(), "request's path")?,
        version: Version::HTTP_11,
        fields: fields(stub, heads)?,
        content: body.content,
        trailers: Fields::new(),
        started_at: 0.0,
    };
    Ok((request, body.comparison))
}

/// The path with its query, whose parameters are in the order of the `names`.
fn path(stub: &Entry, Names(names): &Names) -> Result<String, String> {
    let path = written_path(stub)?;
    let mut parameters = matchers(stub, "request.queryParameters")?;
    parameters.sort_by_key(|(name, _)| names.get(name.as_str()));
    let mut query = Serializer::new(String::new());
    let mut is_empty = true;
    for (name, values) in parameters {
        for value in values {
            query.append_pair(name, &value);
            is_empty = false;
        }
    }
    Ok(if is_empty { path } else { format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, query.finish()) })
}

/// Whether a stub takes requests with other parameters than it names: it does unless it has a whole target, or says of one that
/// it must not be there.
pub(super) fn query_is_least(stub: &Entry) -> Result<bool, String> {
    if stub.text("request.url")?.is_some() || stub.text("request.urlPattern")?.is_some() {
        return Ok(false);
    }
    Ok(matchers(stub, "request.queryParameters")?.iter().all(|(_, values)| !values.is_empty()))
}

/// The path, or the whole target, under the first of the names that WireMock looks at.
fn written_path(stub: &Entry) -> Result<String, String> {
    for key in ["url", "urlPath"] {
        if let Some(path) = stub.text(&format!("request.{key}"))? {
            return Ok(path.into());
        }
    }
    for key in ["urlPattern", "urlPathPattern"] {
        if let Some(expression) = stub.text(&format!("request.{key}"))? {
            return literal(expression).ok_or_else(|| is_open(key));
        }
    }
    match stub.text("request.urlPathTemplate")? {
        Some(template) => filled(stub, template),
        None => Err("it matches any URL; name one in `request.url`".into()),
    }
}

/// A path such as `/contacts/{id}` with the values of its parameters.
fn filled(stub: &Entry, template: &str) -> Result<String, String> {
    let parameters = matchers(stub, "request.pathParameters")?;
    let mut path = template.to_owned();
    for (name, values) in &parameters {
        if let [value] = values.as_slice() {
            path = path.replace(&format!("{{{name}}}"), value);
        }
    }
    if path.contains(['{', '}']) { Err(is_open("urlPathTemplate")) } else { Ok(path) }
}

fn is_open(key: &str) -> String {
    format!("its `request.{key}` does not say what one request has")
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
pub(super) fn exact(matcher: &Value, place: &str) -> Result<Vec<String>, String> {
    let Value::Object(found) = matcher else {
        return Err(should_be(&format!("`{place}`"), "an object", matcher));
    };
    if let Some(value) = found.get("equalTo").or(found.get("equalToIgnoreCase")).and_then(as_text) {
        return Ok(vec![value]);
    }
    if let Some(value) = found.get("matches").and_then(Value::as_str).and_then(literal) {
        return Ok(vec![value]);
    }
    if found.get("absent") == Some(&Value::Bool(true)) {
        return Ok(Vec::new());
    }
    if let Some(Value::Array(several)) = found.get("hasExactly").or(found.get("includes")) {
        let each = several.iter().map(|matcher| exact(matcher, place));
        return Ok(each.collect::<Result<Vec<_>, _>>()?.concat());
    }
    Err(format!("its `{place}` is matched by {}, and one request has one value: use `equalTo`", keys(found)))
}

pub(super) fn keys(object: &Map<String, Value>) -> String {
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

/// WireMock's name for whatever method a request has. Server replay answers requests with each of the usual ones from it.
const ANY_METHOD: &str = "ANY";
/// What of a pattern can stand for one request.
const KEYS: [&str; 17] = [
    "method",
    "url",
    "urlPath",
    "urlPattern",
    "urlPathPattern",
    "urlPathTemplate",
    "queryParameters",
    "headers",
    "cookies",
    "basicAuth",
    "basicAuthCredentials",
    "bodyPatterns",
    "formParameters",
    "multipartPatterns",
    "scheme",
    "host",
    "port",
];
