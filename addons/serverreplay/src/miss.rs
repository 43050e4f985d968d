//! Requests without a recorded response: what happens to them.

use proxyhost_sdk::{Action, Request, Response, log, notes};

use crate::{
    options::{Miss, Options},
    report::{Reason, Report, report},
};

/// Does what the policy says, and says why.
pub(crate) fn act(options: &Options, request: &Request, reason: &Reason) -> Action {
    let report = report(request, reason, options.values);
    note(request, &report);
    let Report { shown, text: why, .. } = report;
    match options.miss {
        Miss::Forward => {
            log::write(log::Level::Info, &format!("forwarded {shown}: no recorded response: {why}"));
            Action::Next
        }
        Miss::Kill => {
            log::write(log::Level::Warn, &format!("killed {shown}: no recorded response: {why}"));
            Action::Kill
        }
        Miss::Status(status) => {
            let line = format!("answered {status} to {shown}: no recorded response: {why}");
            log::write(log::Level::Warn, &line);
            explanation(request, status, &format!("no recorded response for {shown}: {why}\n"))
        }
    }
}

/// Leaves a note on the flow, for whoever watches the proxy.
fn note(request: &Request, report: &Report) {
    let mut text = report.text.clone();
    text.truncate(text.floor_char_boundary(LONGEST_NOTE));
    if notes::note(request, "missed", &text, Some(&report.data)).is_err() {
        // Fails only where somebody has noted very much already, and then there is no more to be done.
        let _ = notes::note(request, "missed", &text, None);
    }
}

/// Most bytes of a note's text.
const LONGEST_NOTE: usize = 4 * 1024;

/// What the policy means for every request.
pub(crate) fn consequence(policy: Miss) -> String {
    match policy {
        Miss::Forward => "every request is forwarded".to_owned(),
        Miss::Kill => "every request is killed".to_owned(),
        Miss::Status(status) => format!("every request is answered with {status}"),
    }
}

/// An answer that says why.
fn explanation(request: &Request, status: u16, text: &str) -> Action {
    let response = Response::new(status);
    // These have no content (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
    let explained = matches!(status, 204 | 205 | 304)
        || (response.set_field("content-type", b"text/plain; charset=utf-8").is_ok()
            && response.set_body(text.as_bytes()).is_ok());
    // The host refuses neither; were it to, an empty answer with the status still obeys the policy.
    debug_assert!(explained);
    if let Some(origin) = cross_origin(request) {
        // Without these, a page's script and the developer's tools see nothing of the answer but that it failed. What a
        // client sent is a value that the host allows.
        let _ = response.set_field("access-control-allow-origin", &origin);
        let _ = response.set_field("vary", b"Origin");
        let has_credentials = ["cookie", "authorization"].iter().any(|name| request.field(name).is_some());
        if has_credentials {
            let _ = response.set_field("access-control-allow-credentials", b"true");
        }
    }
    Action::Respond(response)
}

/// The origin of the page that a browser asks for, if it is another one than the request's.
fn cross_origin(request: &Request) -> Option<Vec<u8>> {
    let origin = request.field("origin")?;
    let authority = request.authority().unwrap_or_else(|| request.host());
    let own = format!("{}://{authority}", request.scheme());
    (!origin.eq_ignore_ascii_case(own.as_bytes())).then_some(origin)
}
