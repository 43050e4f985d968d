//! What exchanges of all formats need before they can be replayed: hosts as they are sent, and a time.

use std::time::UNIX_EPOCH;

use idna::AsciiDenyList;
use jiff::fmt::rfc2822::DateTimeParser;
use percent_encoding::percent_decode;

use crate::{
    model::{Content, Exchange, Response},
    reading::heads,
};

/// Completes an exchange as it was read.
pub(super) fn complete(exchange: &mut Exchange) {
    let request = &mut exchange.flow.request;
    if let Some(host) = sent_host(&request.host) {
        request.host = host.into();
        // What names another host is what a client sent.
        for authority in std::iter::once(&mut request.authority).chain(request.fields.lines_mut("host")) {
            if let Some(sent) = sent_authority(authority) {
                *authority = sent.into();
            }
        }
    }
    date(exchange);
}

/// A host in ASCII, as clients send it (UTS 46): URLs may have it in Unicode, or that in percent encoding, and mitmproxy keeps
/// it so. Nothing if it is as it should be, or is none that can be sent.
fn sent_host(host: &[u8]) -> Option<String> {
    if host.is_ascii() && !host.contains(&b'%') {
        return None;
    }
    let decoded: Vec<u8> = percent_decode(host).collect();
    Some(idna::domain_to_ascii_cow(&decoded, AsciiDenyList::URL).ok()?.into_owned())
}

/// The same for a host that a port may follow.
fn sent_authority(authority: &[u8]) -> Option<String> {
    let is_port = |port: &&[u8]| port.iter().all(u8::is_ascii_digit);
    let colon = authority.iter().rposition(|byte| *byte == b':');
    let port = colon.and_then(|colon| authority.get(colon + 1..)).filter(is_port);
    match (port, colon) {
        (Some(port), Some(colon)) => {
            let host = sent_host(authority.get(..colon)?)?;
            Some(format!("{host}:{}", String::from_utf8_lossy(port)))
        }
        _ => sent_host(authority),
    }
}

/// Dates an exchange whose recorder kept no time, by when the first message of its WebSocket passed or by the `Date` of its
/// response. How long the response took is kept.
fn date(exchange: &mut Exchange) {
    let flow = &mut exchange.flow;
    if flow.request.started_at != 0.0 {
        return;
    }
    let Some(response) = &mut flow.response else { return };
    let said = flow.websocket.as_ref().and_then(|websocket| websocket.messages.first()).map(|message| message.at);
    let Some(answered_at) = said.filter(|at| *at > LONGEST_WAIT).or_else(|| dated(response)) else { return };
    let Some(started_at) = heads::time(answered_at - response.started_at) else { return };
    flow.request.started_at = started_at;
    response.started_at = answered_at;
}

/// The `Date` of a response, in the forms of HTTP and of mail.
fn dated(response: &Response<Content>) -> Option<f64> {
    let date = str::from_utf8(response.fields.get("date")?).ok()?.trim();
    let seconds = match httpdate::parse_http_date(date) {
        Ok(date) => date.duration_since(UNIX_EPOCH).ok()?.as_secs_f64(),
        Err(_) => DateTimeParser::new().parse_timestamp(date).ok()?.as_second() as f64,
    };
    heads::time(seconds).filter(|seconds| *seconds > 0.0)
}

/// A time since the request, in seconds, that is none: one since the epoch.
const LONGEST_WAIT: f64 = 366.0 * 24.0 * 60.0 * 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_in_ascii() {
        for (written, sent) in [
            ("b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("B\u{dc}CHER.example", Some("xn--bcher-kva.example")),
            ("bu\u{308}cher.example", Some("xn--bcher-kva.example")),
            ("b%C3%BCcher.example", Some("xn--bcher-kva.example")),
            ("\u{4f8b}\u{3048}\u{3002}jp", Some("xn--r8jz45g.jp")),
            ("a%2eb", Some("a.b")),
            ("plain.Example", None),
            ("a%2fb\u{fc}", None),
            ("a%20b", None),
            ("a%00b", None),
            ("fe80::1%25eth0", None),
            ("%", None),
            ("", None),
        ] {
            assert_eq!(sent_host(written.as_bytes()).as_deref(), sent, "{written}");
        }
        assert_eq!(sent_host(b"b\xfccher.example"), None);
        assert_eq!(sent_authority("b\u{fc}.example:81".as_bytes()).as_deref(), Some("xn--b-eha.example:81"));
        assert_eq!(sent_authority("b\u{fc}.example".as_bytes()).as_deref(), Some("xn--b-eha.example"));
        assert_eq!(sent_authority("b\u{fc}.example:".as_bytes()).as_deref(), Some("xn--b-eha.example:"));
        assert_eq!(sent_authority("b\u{fc}.example:x".as_bytes()), None);
        assert_eq!(sent_authority(b"[fe80::1%25eth0]:81"), None);
    }
}
