//! Answers to preflights of pages of other origins, for requests whose responses were recorded, and their preflights not.

use proxyhost_sdk::{Action, Request, Response, index, next::matcher, notes, recordings};
use sha2::{Digest as _, Sha256};

use crate::{allowed::Allowed, replay::in_table};

/// The table of the index, by the key of a preflight.
const PREFLIGHT: u8 = 8;

/// Recorded responses that are looked at.
const LOOKED_AT: u32 = 64;

/// Files a recorded exchange whose response an origin may read, so that a preflight for its request finds it.
pub(crate) fn file(request: &Request, id: u32) {
    let Some(response) = recordings::recorded_answer(id) else { return };
    if response.field("access-control-allow-origin").is_none() {
        return;
    }
    let preflight = request.copy();
    let is_alike = preflight.set_method("OPTIONS").is_ok() && preflight.set_body(b"").is_ok();
    // A preflight has none of the fields that belong to the content or name the user.
    let fields = preflight.fields().into_iter().filter(|field| !field.name.eq_ignore_ascii_case("host"));
    for field in fields {
        // The host keeps those that are its own, of which no key is made.
        let _ = preflight.remove_field(&field.name);
    }
    if let Some(key) = matcher::key(&preflight).filter(|_| is_alike) {
        index::relate(&by_key(&key), id);
    }
}

/// The answer to a preflight; nothing for other requests, and where no recorded response allows it.
pub(crate) fn answer(request: &Request) -> Option<Action> {
    if request.method() != "OPTIONS" {
        return None;
    }
    let (origin, method) = (request.field("origin")?, request.field("access-control-request-method")?);
    let mut allowed = Allowed::new(&origin);
    let mut from = None;
    for id in index::related(&by_key(&matcher::key(request)?), LOOKED_AT) {
        let Some((recorded, response)) = recordings::recorded_request(id).zip(recordings::recorded_answer(id)) else {
            continue;
        };
        if allowed.add(&recorded.method(), |name| response.field(name)) {
            from = from.or(Some(id));
        }
    }
    let asked = request.field("access-control-request-headers");
    let fields = allowed.answer(&method, asked.as_deref())?;
    let response = Response::new(204);
    for (name, value) in fields {
        // They are values of fields already, or lists of such.
        response.set_field(name, &value).ok()?;
    }
    let exchange = recordings::describe(from?)?;
    let file = exchange.file.rsplit('/').next().unwrap_or_default();
    // Refused only where somebody has noted very much already.
    let _ = notes::note(
        request,
        "replayed",
        &format!("a preflight, as flow {} of {file} allows it", exchange.number),
        None,
    );
    Some(Action::Respond(response))
}

fn by_key(key: &[u8]) -> Vec<u8> {
    in_table(PREFLIGHT, &Sha256::digest(key))
}
