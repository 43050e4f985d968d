//! The form in which a client gets a recorded response: what it has already, the part that it wants, a coding that it takes,
//! and addresses that it knows.

use std::ops::BitAnd;

use proxyhost_sdk::{
    Request, RequestTraits, Response, ResponseTraits, log,
    recordings::{self, Piece},
};

use crate::{
    accepted::{accepts, codings},
    options::Options,
    ranges::{self, Asked, Part},
    reverse::{Mapping, Server},
    special::{conditions, moved, validators},
    validators::{Since, Verdict, is_in_range},
};

/// Gives a recorded response the form that its request asks for.
pub(crate) fn give(response: &Response, id: u32, request: &Request, traits: RequestTraits, options: &Options) {
    let (forms, has) = (options.forms, response.traits());
    if includes(traits, RequestTraits::REVERSE) && forms.addresses && includes(has, ResponseTraits::ADDRESSED) {
        map_addresses(response, id, request);
    }
    let wants_verdict = forms.conditional && includes(traits, RequestTraits::CONDITIONAL);
    let wants_part = forms.ranges && includes(traits, RequestTraits::PARTIAL);
    // Any other response would have been the same without the fields (RFC 9110, sections 13.2.1 and 14.2).
    let may_differ = (wants_verdict || wants_part) && response.status() == 200;
    let verdict = if wants_verdict && may_differ { verdict(id, request) } else { Verdict::Answered };
    match verdict {
        Verdict::NotModified => return not_modified(response),
        Verdict::Failed => return failed(response),
        Verdict::Answered => {}
    }
    let is_part_wanted = wants_part && may_differ && is_part_wanted(id, request, options);
    let is_decoded = includes(traits, RequestTraits::SELECTIVE)
        && forms.decoded
        && includes(has, ResponseTraits::CODED)
        && undo_coding(response, request);
    // What `if-range` names is the coded content.
    if is_part_wanted && !(is_decoded && request.field("if-range").is_some()) {
        take_part(response, request);
    }
}

/// Whether flags include one.
pub(crate) fn includes<F: BitAnd<Output = F> + PartialEq + Copy>(flags: F, one: F) -> bool {
    flags & one == one
}

/// What comes of preconditions, by the validators as they were recorded. A server that answered the recorded request in spite
/// of them does so again.
fn verdict(id: u32, request: &Request) -> Verdict {
    let is_read = matches!(request.method().as_str(), "GET" | "HEAD");
    let recorded = recordings::recorded_request(id).zip(recordings::recorded_answer(id)).filter(|_| is_read);
    let Some((asked, answered)) = recorded else { return Verdict::Answered };
    let (before, validators) = (conditions(&asked), validators(&answered));
    let is_whole = answered.status() == 200;
    if is_whole && before.verdict(&validators, Since::Any) != Verdict::Answered {
        return Verdict::Answered;
    }
    let since = if is_whole && before.modified_since.is_some() { Since::Recorded } else { Since::Any };
    conditions(request).verdict(&validators, since)
}

/// Whether a request gets the part that it asks for. Where the recorded one asked for one too and got all, its server has none.
fn is_part_wanted(id: u32, request: &Request, options: &Options) -> bool {
    let recorded = recordings::recorded_request(id).zip(recordings::recorded_answer(id));
    let Some((asked, answered)) = recorded.filter(|_| request.method() == "GET") else { return false };
    let has_parts = answered.field("accept-ranges").is_none_or(|units| !units.eq_ignore_ascii_case(b"none"));
    let ignores_ranges = answered.status() == 200 && asked.field("range").is_some();
    let is_same = |validator: Vec<u8>| is_in_range(&validator, &validators(&answered), moved(id, request, options));
    has_parts && !ignores_ranges && request.field("if-range").is_none_or(is_same)
}

/// Makes it a 304 (RFC 9110, section 15.4.5).
fn not_modified(response: &Response) {
    if response.field("etag").is_some() {
        remove(response, &["last-modified"]);
    }
    remove(response, &["content-type", "content-encoding", "content-language", "accept-ranges"]);
    set_status(response, 304);
}

/// Makes it a 412.
fn failed(response: &Response) {
    remove(
        response,
        &["content-type", "content-encoding", "content-language", "accept-ranges", "etag", "last-modified"],
    );
    set_status(response, 412);
    empty(response);
}

/// Has the content without its coding, if the client does not take that; whether it has.
fn undo_coding(response: &Response, request: &Request) -> bool {
    let codings = codings(&response.field("content-encoding").unwrap_or_default());
    let accepted = request.field("accept-encoding").unwrap_or_default();
    if codings.iter().all(|coding| accepts(&accepted, coding)) {
        return false;
    }
    // A part of a coded content means nothing by itself, and where there is no content, the fields are all.
    if matches!(response.status(), 204 | 206 | 304) {
        return false;
    }
    if let Err(why) = recordings::decode(response, &codings) {
        let line =
            format!("the client does not take the coding {}, and gets it nevertheless: {why}", codings.join(", "));
        log::write(log::Level::Warn, &line);
        return false;
    }
    // The last three are digests of the coded bytes.
    remove(response, &["content-encoding", "content-md5", "content-digest", "repr-digest", "digest"]);
    if let Some(tag) = response.field("etag").filter(|tag| !tag.starts_with(b"W/")) {
        set(response, "etag", &[b"W/", tag.as_slice()].concat());
    }
    let vary = response.field("vary").unwrap_or_default();
    let text = String::from_utf8_lossy(&vary);
    let is_said =
        text.split(',').map(str::trim).any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding"));
    if !is_said {
        let comma = if vary.is_empty() { &b""[..] } else { b", " };
        set(response, "vary", &[&vary, comma, b"Accept-Encoding"].concat());
    }
    true
}

/// Answers with the part that is asked for, if the size of the content is known.
fn take_part(response: &Response, request: &Request) {
    let Some(size) = response.body().size() else { return };
    let Some(wanted) = request.field("range").and_then(|field| ranges::parse(&field)) else { return };
    let parts = match ranges::asked(&wanted, size) {
        Asked::Whole => return,
        Asked::Unsatisfiable => {
            remove(response, &["content-type", "content-encoding", "content-language", "etag", "last-modified"]);
            set(response, "content-range", format!("bytes */{size}").as_bytes());
            set_status(response, 416);
            return empty(response);
        }
        Asked::Parts(parts) => parts,
    };
    let range = |(first, last): Part| format!("bytes {first}-{last}/{size}");
    let part = |(first, last): Part| Piece::Part((first, last - first + 1));
    let (pieces, kind) = match parts.as_slice() {
        [one] => (vec![part(*one)], None),
        several => {
            let own_kind = response.field("content-type");
            let boundary = format!("proxyhost-{:x}-{size:x}", request.flow());
            let mut pieces = Vec::new();
            for one in several {
                let mut head = format!("--{boundary}\r\nContent-Range: {}\r\n", range(*one)).into_bytes();
                if let Some(kind) = &own_kind {
                    head.extend_from_slice(&[b"Content-Type: ", kind.as_slice(), b"\r\n"].concat());
                }
                head.extend_from_slice(b"\r\n");
                pieces.extend([Piece::Bytes(head), part(*one), Piece::Bytes(b"\r\n".to_vec())]);
            }
            pieces.push(Piece::Bytes(format!("--{boundary}--\r\n").into_bytes()));
            (pieces, Some(format!("multipart/byteranges; boundary={boundary}")))
        }
    };
    // Fails where the content is not here, and then all of it is right too.
    if recordings::compose(response, &pieces).is_err() {
        return;
    }
    match (parts.as_slice(), kind) {
        ([one], _) => set(response, "content-range", range(*one).as_bytes()),
        (_, Some(kind)) => set(response, "content-type", kind.as_bytes()),
        (_, None) => {}
    }
    set_status(response, 206);
}

/// Has addresses of the server be those by which the client knows it.
fn map_addresses(response: &Response, id: u32, request: &Request) {
    let recorded = recordings::recorded_request(id);
    let requests = recorded.iter().chain([request]);
    let servers = requests.flat_map(|request| {
        let (scheme, host) = (request.scheme(), request.host().to_ascii_lowercase());
        let named = request.authority().map(|authority| Server::new(&scheme, &authority));
        [Some(Server { scheme, host, port: request.port() }), named].into_iter().flatten()
    });
    let client = request.reached_at().and_then(|address| {
        let (scheme, authority) = address.split_once("://")?;
        Some((scheme.to_owned(), authority.to_owned()))
    });
    let mapping = Mapping { servers: servers.collect(), client, path: request.path() };
    let text = |map: fn(&Mapping, &str) -> Option<String>| {
        let mapping = &mapping;
        move |value: &[u8]| map(mapping, str::from_utf8(value).ok()?).map(String::into_bytes)
    };
    map_lines(response, "location", text(Mapping::url));
    map_lines(response, "content-location", text(Mapping::url));
    map_lines(response, "refresh", text(Mapping::refresh));
    map_lines(response, "link", text(Mapping::link));
    map_lines(response, "set-cookie", |value| mapping.cookie(value));
}

fn map_lines(response: &Response, name: &str, map: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let mut lines = response.field_lines(name);
    let mut is_other = false;
    for line in &mut lines {
        if let Some(mapped) = map(line) {
            (*line, is_other) = (mapped, true);
        }
    }
    if is_other && response.set_field_lines(name, &lines).is_err() {
        refused(name);
    }
}

fn remove(response: &Response, names: &[&str]) {
    for name in names {
        if response.remove_field(name).is_err() {
            refused(name);
        }
    }
}

fn set(response: &Response, name: &str, value: &[u8]) {
    if response.set_field(name, value).is_err() {
        refused(name);
    }
}

fn set_status(response: &Response, status: u16) {
    if response.set_status(status).is_err() {
        refused("the status");
    }
}

fn empty(response: &Response) {
    if response.set_body(b"").is_err() {
        refused("the content");
    }
}

/// The host refuses a change only of a head that is as large as it may be.
fn refused(what: &str) {
    log::write(log::Level::Warn, &format!("{what} of a response stays as it was recorded: its head is too large"));
}
