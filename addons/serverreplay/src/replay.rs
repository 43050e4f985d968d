//! Filing the recordings, and answering from them.

use std::sync::OnceLock;

use proxyhost_sdk::{
    Action, Readiness, Request, RequestTraits, Response,
    index::{self, Taken},
    log,
    next::{matcher, refresher},
    options::{text, texts},
    recordings::{self, Exchange, Pace, Turn},
};
use sha2::{Digest as _, Sha256};

use crate::{
    comparison::{self, Filed},
    form, miss, nearest,
    options::{Broken, Miss, Mode, Options, Timing},
    preflight, query,
    report::Reason,
    special,
};

/// The index holds several tables; the first byte of a key says which.
const RECORDED: u8 = 0;
/// Where the key is a digest.
const RECORDED_LONG: u8 = 3;

/// Longer keys of a matcher are hashed: each look-up carries the key to the host, which takes none that is much longer.
const LONGEST_KEY: usize = 64 << 10;

/// The options do not change while an instance lives.
static OPTIONS: OnceLock<Options> = OnceLock::new();

/// Opens the recordings and fills the index.
pub(crate) fn load() -> Result<Readiness, String> {
    let options = Options::read()?;
    let files = texts("server_replay");
    let recorded_to = text("save_stream_file");
    // Also where nothing is replayed: who names a recording so does not mean to lose it.
    if files.contains(&recorded_to) {
        return Err(format!("`{recorded_to}` cannot be replayed and recorded anew: append to it by `-w +FILE`"));
    }
    if files.is_empty() && options.miss != Miss::Forward {
        let consequence = miss::consequence(options.miss);
        log::write(log::Level::Warn, &format!("no recording is given (-S): {consequence}"));
        if options.miss == Miss::Kill {
            log::write(log::Level::Warn, "-k kills requests that no recording answers; it is not --insecure");
        }
        return Ok(Readiness::Offline);
    }
    // Then the policy is to forward.
    if files.is_empty() || options.mode == Mode::Record {
        return Ok(Readiness::Idle);
    }
    let mut filed = 0;
    let mut compared = Filed::default();
    let mut first = 0;
    for file in &files {
        // The recording that this run begins.
        if options.mode == Mode::Auto && !recordings::exists(file) {
            log::write(log::Level::Info, &format!("{file} is not there yet: nothing of it to replay"));
            continue;
        }
        let loaded = recordings::load(file)?;
        let last = first + loaded.exchanges;
        let mut left_out = loaded.skipped;
        let counted = file_exchanges(first..last, options, &mut compared, &mut left_out);
        report(file, &counted, &left_out, loaded.damage.as_deref());
        filed += counted.usable;
        first = last;
    }
    if filed == 0 && options.mode == Mode::Replay {
        let consequence = miss::consequence(options.miss);
        log::write(log::Level::Warn, &format!("no recorded response can be used: {consequence}"));
    }
    Ok(if options.miss == Miss::Forward { Readiness::Active } else { Readiness::Offline })
}

/// How many exchanges were put under their keys.
#[derive(Default)]
struct Counted {
    /// Those with a response that can be served.
    usable: u32,
    /// Those of them of which the recording lacks what the request sent.
    without_request_content: u32,
}

/// Puts exchanges under their keys.
fn file_exchanges(
    ids: std::ops::Range<u32>,
    options: Options,
    compared: &mut Filed,
    left_out: &mut Vec<String>,
) -> Counted {
    let mut counted = Counted::default();
    let (mut unanswered, mut without_content, mut websockets, mut unmatched) = (0, 0, 0, 0);
    for id in ids {
        let Some(exchange) = recordings::describe(id) else { continue };
        let Some(request) = recordings::recorded_request(id) else { continue };
        nearest::file(&request, id);
        let is_answered = exchange.answered || options.broken != Broken::LeftOut && recordings::broken(id);
        if exchange.websocket && !is_answered {
            websockets += 1;
        } else if !is_answered && exchange.lacks.as_deref().is_some_and(|lacks| lacks.contains("content")) {
            // What its recorder left out, and not its server.
            without_content += 1;
        } else if !is_answered {
            unanswered += 1;
        } else if file_exchange(&exchange, &request, id, options.preflights, compared) {
            counted.usable += 1;
            let is_lacking = request.body().size().is_none() && recordings::compared_by(id).is_none();
            counted.without_request_content += u32::from(is_lacking);
        } else {
            unmatched += 1;
        }
    }
    let counts = [
        (unanswered, "without a complete response"),
        (without_content, "without the content of its response"),
        (websockets, "WebSocket without its messages"),
        (unmatched, "that the matcher gives no key"),
    ];
    left_out.extend(counts.into_iter().filter(|&(count, _)| count > 0).map(|(count, what)| format!("{count} {what}")));
    counted
}

/// Puts an exchange under its keys, or under those of all methods if it answers any. Whether it has one.
fn file_exchange(exchange: &Exchange, request: &Request, id: u32, preflights: bool, compared: &mut Filed) -> bool {
    let mut put = |request: &Request| {
        let key = matcher::key(request);
        if let Some(key) = key.as_ref().filter(|key| !special::file(exchange, request, key, id)) {
            index::put(&of_recorded(key), id);
        }
        let is_compared = compared.file(request, id, |key| {
            if !special::file(exchange, request, key, id) {
                index::put(key, id);
            }
        });
        query::file(request, id);
        if preflights && (key.is_some() || is_compared) {
            preflight::file(request, id);
        }
        key.is_some() || is_compared
    };
    if request.method() != ANY_METHOD {
        return put(request);
    }
    let methods = METHODS.iter().filter_map(|method| with_method(request, method));
    methods.filter(|request| put(request)).count() > 0
}

/// The request as it would be with a method.
pub(crate) fn with_method(request: &Request, method: &str) -> Option<Request> {
    let copy = request.copy();
    copy.set_method(method).ok()?;
    Some(copy)
}

/// What a recording has in the place of a method for all of [`METHODS`], as WireMock's stubs do.
pub(crate) const ANY_METHOD: &str = "ANY";

/// The methods of RFC 9110, section 9.3 that are answered by a response, and PATCH.
pub(crate) const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"];

fn report(file: &str, filed: &Counted, left_out: &[String], damage: Option<&str>) {
    let usable = filed.usable;
    let mut line = format!("{file}: {usable} {} to replay", if usable == 1 { "response" } else { "responses" });
    if filed.without_request_content > 0 {
        let count = filed.without_request_content;
        line.push_str(&format!(", {count} only with server_replay_ignore_content: what its request sent is not there"));
    }
    if !left_out.is_empty() {
        line.push_str(&format!("; left out: {}", left_out.join(", ")));
    }
    log::write(log::Level::Info, &line);
    if let Some(damage) = damage {
        log::write(log::Level::Warn, &format!("{file} is damaged, the flows before that are used: {damage}"));
    }
}

/// Answers a request, or follows the miss policy.
pub(crate) fn answer(request: &Request) -> Action {
    let options = OPTIONS.get_or_init(|| Options::read().unwrap_or(Options::CAUTIOUS));
    let traits = request.traits();
    let taken = match take(request, traits, options) {
        Ok(taken) => taken,
        Err(reason) => {
            let preflight = options.preflights.then(|| preflight::answer(request)).flatten();
            return preflight.unwrap_or_else(|| miss::act(options, request, &reason));
        }
    };
    let id = taken.id();
    let Some(response) = refreshed(id, request, options) else {
        return miss::act(options, request, &Reason::OtherProtocol);
    };
    if matches!(taken, Found::Substitute(_)) {
        special::make_whole(&response);
    }
    if traits != RequestTraits::empty() {
        form::give(&response, id, request, traits, options);
    }
    Action::Respond(response)
}

/// The exchange that answers a request.
enum Found {
    /// One that was recorded for such requests.
    Own(u32),
    /// One that was recorded for others, and has all that this one asks for.
    Substitute(u32),
}

impl Found {
    fn id(&self) -> u32 {
        let (Self::Own(id) | Self::Substitute(id)) = self;
        *id
    }
}

/// Takes the exchange that answers a request, or one that asks for less.
fn take(request: &Request, traits: RequestTraits, options: &Options) -> Result<Found, Reason> {
    let taken = take_own(request, traits, options);
    if taken.is_ok() {
        return taken;
    }
    let narrowed = query::narrowed(request);
    narrowed.iter().find_map(|narrowed| take_own(narrowed, traits, options).ok()).map_or(taken, Ok)
}

/// Takes the exchange that answers a request: by its key, or else by those of its keys that recordings have comparisons for.
fn take_own(request: &Request, traits: RequestTraits, options: &Options) -> Result<Found, Reason> {
    let order = options.reuse.order();
    let has_special = traits & (RequestTraits::CONDITIONAL | RequestTraits::PARTIAL) != RequestTraits::empty();
    // Made once: what it takes of a large content is much of what this hook may take.
    let mut key = if has_special { Some(matcher::key(request).ok_or(Reason::NoKey)?) } else { None };
    if let Some(key) = &key {
        let special = |key: &[u8]| special::take(request, traits, key, options);
        if let Some(id) = special(key).or_else(|| compared(request, special)) {
            return Ok(Found::Own(id));
        }
    }
    let remembered = if has_special { None } else { index::take_remembered(request, order) };
    let taken = match remembered {
        Some(taken) => taken,
        None => {
            let made = key.take().or_else(|| matcher::key(request)).ok_or(Reason::NoKey)?;
            let taken = index::take(request, &of_recorded(&made), order);
            key = Some(made);
            taken
        }
    };
    let missed = match taken {
        Taken::Exchange(id) => return Ok(Found::Own(id)),
        Taken::Used(number) => Reason::Used(number),
        Taken::Unknown => Reason::NotRecorded,
    };
    let missed = match comparison::take(request, |key| index::take(request, key, order)) {
        Taken::Exchange(id) => return Ok(Found::Own(id)),
        Taken::Used(number) => Reason::Used(number),
        Taken::Unknown => missed,
    };
    let key = key.or_else(|| matcher::key(request)).ok_or(Reason::NoKey)?;
    let substitute = |key: &[u8]| special::take_substitute(request, key, order);
    if let Some(id) = substitute(&key).or_else(|| compared(request, substitute)) {
        return Ok(Found::Substitute(id));
    }
    Err(match missed {
        Reason::NotRecorded => special::status_of_others(&key).map_or(Reason::NotRecorded, Reason::Special),
        other => other,
    })
}

/// What is found under one of the keys that a request has by the comparisons of recordings.
fn compared(request: &Request, mut find: impl FnMut(&[u8]) -> Option<u32>) -> Option<u32> {
    match comparison::take(request, |key| find(key).map_or(Taken::Unknown, Taken::Exchange)) {
        Taken::Exchange(id) => Some(id),
        Taken::Used(_) | Taken::Unknown => None,
    }
}

/// The response of a recorded exchange, as it answers this request, with its dates brought up to date if they are to be.
fn refreshed(id: u32, request: &Request, options: &Options) -> Option<Response> {
    let pace = match options.timing {
        Timing::None => Pace::AtOnce,
        Timing::Times(factor) => Pace::Recorded(factor),
        Timing::Delay(milliseconds) => Pace::Delayed(milliseconds),
    };
    if !options.refresh {
        return recorded(id, request, options, pace);
    }
    recordings::remembered_response(id, request, pace).or_else(|| {
        let response = recorded(id, request, options, pace)?;
        let recorded_at = response.received_at();
        // Zero stands for a recording that does not say when.
        if recorded_at > 0.0 {
            // Dates have no fractions either, and so the response is the same for the whole second.
            refresher::refresh(&response, recorded_at, request.received_at().floor());
        }
        recordings::remember_response(id, request, &response);
        Some(response)
    })
}

/// The response of a recorded exchange, as it answers this request.
fn recorded(id: u32, request: &Request, options: &Options, pace: Pace) -> Option<Response> {
    // Asked first, as it is nearly always the answer.
    let whole = recordings::recorded_response(id, request, pace);
    let broken = || match options.broken {
        Broken::Served(end) => recordings::broken_response(id, request, pace, end),
        Broken::LeftOut => None,
    };
    whole.or_else(broken).or_else(|| {
        let (turn, pace) = if options.websocket_on_request {
            (Turn::Requested, pace)
        } else if options.timing == Timing::None {
            // Without its times a session would be over before the client has said anything.
            (Turn::Timed, Pace::Recorded(1.0))
        } else {
            (Turn::Timed, pace)
        };
        recordings::recorded_websocket(id, request, pace, turn, options.miss.difference())
    })
}

/// Where requests are filed that have this key of the matcher.
fn of_recorded(key: &[u8]) -> Vec<u8> {
    if key.len() > LONGEST_KEY { in_table(RECORDED_LONG, &Sha256::digest(key)) } else { in_table(RECORDED, key) }
}

/// The key of a table of the index.
pub(crate) fn in_table(table: u8, key: &[u8]) -> Vec<u8> {
    let mut tagged = Vec::with_capacity(key.len() + 1);
    tagged.push(table);
    tagged.extend_from_slice(key);
    tagged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_short_in_the_index_and_still_different() {
        let (one, other) = (vec![1; LONGEST_KEY + 1], vec![2; LONGEST_KEY + 1]);
        assert_eq!(of_recorded(&one), of_recorded(&one));
        assert_ne!(of_recorded(&one), of_recorded(&other));
        assert_ne!(of_recorded(&one), of_recorded(&of_recorded(&one)));
        assert_eq!(of_recorded(&one).len(), 33);
        assert_eq!(of_recorded(b"key"), b"\0key");
    }
}
