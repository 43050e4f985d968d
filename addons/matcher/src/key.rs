//! The key of a request, and the parts it is made of.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, utf8_percent_encode};
use redaction::query;

use crate::{
    Comparison, Options, Subject, body,
    body::Unreadable,
    graphql,
    part::{Digested, Kind, Named, Sink},
};

/// A named piece of a request, to tell people how two requests differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is of the request, such as `path` or `query page`.
    pub name: String,
    /// What counts of it.
    pub value: Vec<u8>,
    /// Whether it only spells out the last part before it that does not.
    pub detail: bool,
}

/// The key of a request; requests with equal keys get the same recorded responses.
///
/// Nothing when the content counts but cannot be read, so that no recording may stand for it. Contents enter
/// as digests, which keeps keys about as long as a request's first line.
pub fn key(subject: &impl Subject, options: &Options) -> Option<Vec<u8>> {
    let mut key = Digested::new();
    match describe(subject, options, &mut key) {
        Ok(()) => Some(key.finish()),
        Err(Unreadable) => None,
    }
}

/// The key of a request whose content is compared as a recording says: requests match that have equal ones by the same
/// comparison, such as those whose contents are the same bytes. Nothing as for [`key`].
pub fn key_by(subject: &impl Subject, comparison: &Comparison, options: &Options) -> Option<Vec<u8>> {
    let mut key = Digested::new();
    describe_head(subject, options, &mut key);
    match body::describe_by(subject, comparison, options, &mut key) {
        Ok(()) => Some(key.finish()),
        Err(Unreadable) => None,
    }
}

/// The parts that a key is made of, and details of them. Without details, they differ exactly if the keys do.
pub fn parts(subject: &impl Subject, options: &Options) -> Vec<Part> {
    let mut parts = Named::default();
    if let Err(Unreadable) = describe(subject, options, &mut parts) {
        parts.part(Kind::Unreadable, b"", b"unreadable");
    }
    parts.finish()
}

pub(crate) fn describe<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) -> Result<(), Unreadable> {
    describe_head(subject, options, sink);
    body::describe(subject, options, sink)
}

fn describe_head<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) {
    let mut method = subject.method();
    method.make_ascii_uppercase();
    sink.part(Kind::Method, b"", method.as_bytes());
    describe_origin(subject, options, sink);
    describe_target(&options.redact.target(&subject.target()), options, sink);
    for name in &options.use_headers {
        if let Some(value) = field(subject, name, options) {
            sink.part(Kind::Field, name.as_bytes(), &value);
        }
    }
}

/// A field as it is when redacted, which is done line by line.
fn field(subject: &impl Subject, name: &str, options: &Options) -> Option<Vec<u8>> {
    if options.redact.is_empty() {
        return subject.field(name);
    }
    let lines = subject.field_lines(name);
    let redacted: Vec<_> = lines.iter().map(|line| options.redact.field(name, line)).collect();
    (!redacted.is_empty()).then(|| redacted.join(b", ".as_slice()))
}

fn describe_origin<S: Sink>(subject: &impl Subject, options: &Options, sink: &mut S) {
    if options.ignore_origin {
        return;
    }
    if !options.ignore_scheme {
        sink.part(Kind::Scheme, b"", subject.scheme().as_bytes());
    }
    if !options.ignore_host {
        let mut authority = match subject.authority() {
            Some(authority) if !authority.is_empty() => authority,
            _ => subject.host(),
        };
        authority.make_ascii_lowercase();
        sink.part(Kind::Host, b"", without_port(&authority).as_bytes());
    }
    if !options.ignore_port {
        // What the client wrote behind the host may be missing or wrong: the port of the connection counts.
        sink.part(Kind::Port, b"", subject.port().to_string().as_bytes());
    }
}

/// The host of an authority: without its port, and an address without its brackets.
///
/// What is no authority, such as several hosts in a row, stays as it is.
fn without_port(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address,
        None if host.is_empty() || host.contains(':') => authority,
        None => host,
    }
}

fn describe_target<S: Sink>(target: &str, options: &Options, sink: &mut S) {
    let target = before(target, '#');
    let path = before(target, '?');
    // Clients of a proxy ask for `*` with an empty path (RFC 9112, section 3.2.4).
    let path = if path == "*" { "" } else { path };
    sink.part(Kind::Path, b"", encoded(without_params(path)).as_bytes());
    let Some((_, query)) = target.split_once('?') else {
        return;
    };
    let counted = |(name, _): &(Cow<'_, [u8]>, _)| !options.ignore_params.contains(name);
    let pairs = query::pairs(query.as_bytes()).filter(counted);
    if options.graphql {
        let mut pairs = pairs.collect();
        // Where they ask for none, all of them are left.
        let _ = graphql::describe_params(&mut pairs, &options.ignore_json, sink);
        return pairs.iter().for_each(|(name, value)| sink.part(Kind::Query, name, value));
    }
    for (name, value) in pairs {
        sink.part(Kind::Query, &name, &value);
    }
}

fn before(text: &str, end: char) -> &str {
    text.split_once(end).map_or(text, |(before, _)| before)
}

/// What recordings have as characters is what clients send encoded (RFC 3987 §3.1), as query parameters are compared decoded.
fn encoded(path: &str) -> Cow<'_, str> {
    utf8_percent_encode(path, &AsciiSet::EMPTY).into()
}

/// Drops the parameters of the last segment, such as `;jsessionid=1`.
fn without_params(path: &str) -> &str {
    let segment = path.rfind('/').unwrap_or(0);
    match path.get(segment..).and_then(|segment| segment.find(';')) {
        Some(params) => path.get(..segment + params).unwrap_or(path),
        None => path,
    }
}
