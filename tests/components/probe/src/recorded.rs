//! What a probe does with recordings: instructions of the form `configure VERB ARGUMENTS` while it is configured, and
//! `PATH replay VERB ARGUMENTS` in its hooks.

use proxyhost_sdk::{
    Action, Request, Response,
    index::{self, Order, Taken},
    options::{text, texts},
    recorder,
    recordings::{self, Difference, Pace, Turn},
};

/// Follows the instructions for the time when it is configured.
pub fn configure(script: &[String]) -> Result<(), String> {
    for line in script.iter().filter_map(|line| line.strip_prefix("configure ")) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "load" => drop(recordings::load(argument)?),
            "load-of" => {
                for file in texts(argument) {
                    recordings::load(&file)?;
                }
            }
            "record-to" => drop(recorder::open(argument, &[])?),
            "record-to-that-of" => drop(recorder::open(&text(argument), &[])?),
            "exists" => return Err(format!("exists: {}", recordings::exists(argument))),
            "fill-index" => {
                for id in 0.. {
                    index::put(&[0; 1000], id);
                    index::put(format!("{id:01000}").as_bytes(), id);
                }
            }
            other => return Err(format!("no such verb: {other}")),
        }
    }
    Ok(())
}

/// The instructions for a path.
fn instructions(script: &[String], path: &str) -> Vec<(String, String)> {
    let of_path = |line: &String| {
        let (prefix, rest) = line.split_once(" replay ")?;
        let (verb, argument) = rest.split_once(' ').unwrap_or((rest, ""));
        path.starts_with(prefix).then(|| (verb.to_owned(), argument.to_owned()))
    };
    script.iter().filter_map(of_path).collect()
}

/// Follows the instructions for a request, if there are any: answers with a recorded response, or 404.
pub fn on_request(script: &[String], request: &Request) -> Option<Action> {
    let (verb, argument) = instructions(script, &request.path()).into_iter().next()?;
    let pace = || match argument.strip_suffix("ms") {
        Some(milliseconds) => Pace::Delayed(milliseconds.parse().unwrap_or_default()),
        None => Pace::Recorded(argument.parse().unwrap_or_default()),
    };
    let response = match verb.as_str() {
        "paced" => recordings::recorded_response(0, request, pace()),
        "websocket" => recordings::recorded_websocket(0, request, pace(), Turn::Timed, Difference::Ignore),
        "number" => nothing_at(argument.parse().unwrap_or_default(), request),
        "hoard-requests" => loop {
            std::mem::forget(recordings::recorded_request(0));
        },
        "hoard-responses" => loop {
            std::mem::forget(recordings::recorded_response(0, request, Pace::Recorded(1.0)));
        },
        _ => return None,
    };
    Some(Action::Respond(response.unwrap_or_else(|| Response::new(404))))
}

/// Asks for everything that has this number, of which there is nothing.
fn nothing_at(number: u32, request: &Request) -> Option<Response> {
    let websocket = |pace| recordings::recorded_websocket(number, request, pace, Turn::Requested, Difference::Close);
    let found = recordings::describe(number).is_some()
        || recordings::recorded_request(number).is_some()
        || recordings::recorded_response(number, request, Pace::AtOnce).is_some()
        || websocket(Pace::AtOnce).is_some()
        || !matches!(index::take(request, &number.to_be_bytes(), Order::Stick), Taken::Unknown)
        || !index::related(&[], number).is_empty()
        || index::hits(number) != 0
        || index::answers(number);
    found.then(|| Response::new(500))
}

/// Follows the instructions for a response.
pub fn on_response(script: &[String], request: &Request, response: &Response) {
    for (verb, _) in instructions(script, &request.path()) {
        if verb == "save-without-end" {
            loop {
                recorder::save(request, response);
            }
        }
    }
}
