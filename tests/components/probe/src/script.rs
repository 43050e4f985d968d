//! What a probe does: instructions of the form `PATH HOOK VERB ARGUMENTS`, for requests whose path begins with PATH.
//!
//! `\r`, `\n` and `\0` in an argument stand for those bytes. What the host refuses ends the flow with status 418 and
//! the refusal as its text.

use std::sync::atomic::{AtomicU32, Ordering};

use proxyhost_sdk::{Action, Body, EditError, Request, Response, log};

/// How often this instance was started.
pub static STARTS: AtomicU32 = AtomicU32::new(0);

/// One of the instructions for a hook.
struct Instruction {
    verb: String,
    arguments: Vec<String>,
}

impl Instruction {
    /// An argument, empty where there is none.
    fn argument(&self, position: usize) -> &str {
        self.arguments.get(position).map_or("", String::as_str)
    }

    fn number<T: std::str::FromStr + Default>(&self, position: usize) -> T {
        self.argument(position).parse().unwrap_or_default()
    }

    /// The arguments from a position on.
    fn rest(&self, position: usize) -> String {
        self.arguments.get(position..).unwrap_or_default().join(" ")
    }
}

/// The instructions of a script for a hook and a path.
fn instructions(script: &[String], hook: &str, path: &str) -> Vec<Instruction> {
    let parse = |line: &String| {
        let mut words = line.split(' ').map(unescape);
        let prefix = words.next()?;
        let meant = path.starts_with(&prefix) && words.next()? == hook;
        meant.then_some(Instruction { verb: words.next()?, arguments: words.collect() })
    };
    script.iter().filter_map(parse).collect()
}

fn unescape(word: &str) -> String {
    word.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0")
}

/// Follows the instructions for requests.
pub fn on_request(script: &[String], request: &Request) -> Action {
    for instruction in instructions(script, "request", &request.path()) {
        match request_step(&instruction, request) {
            Ok(Action::Next) => {}
            Ok(action) => return action,
            Err(refusal) => return refused(&refusal),
        }
    }
    Action::Next
}

fn request_step(step: &Instruction, request: &Request) -> Result<Action, EditError> {
    let (name, value) = (step.argument(0), step.rest(1));
    match step.verb.as_str() {
        "set" => request.set_field(name, value.as_bytes())?,
        "add" => request.add_field(name, value.as_bytes())?,
        "remove" => request.remove_field(name)?,
        "method" => request.set_method(name)?,
        "path" => request.set_path(name)?,
        "authority" => request.set_authority(name)?,
        "destination" => request.set_destination(name, step.argument(1), step.number(2))?,
        "follow" => follow(request)?,
        "body" => request.set_body(step.rest(0).as_bytes())?,
        "digest" => request.set_field("x-digest", described(&request.body()).as_bytes())?,
        "keep" => request.body().keep(step.number(0)).map_err(|failure| EditError::Invalid(format!("{failure:?}")))?,
        "started" => request.set_field("x-started", STARTS.load(Ordering::Relaxed).to_string().as_bytes())?,
        "pieces" => request.set_field("x-pieces", pieces(&request.body()).as_bytes())?,
        "flood" => flood(step, |name, value| match name {
            "method" => request.set_method(&"A".repeat(value.len())),
            "path" => request.set_path(&format!("/{}", "a".repeat(value.len()))),
            "authority" => request.set_authority(&"a".repeat(value.len())),
            "destination" => request.set_destination("http", &"a".repeat(value.len()), 80),
            "set" => request.set_field(&distinct(), value),
            "add-same" => request.add_field("x-same", value),
            _ => request.add_field(&distinct(), value),
        })?,
        "hoard" => hoard(step.argument(0), request)?,
        // A few at a time, so that each call ends well.
        "leak" => (0..step.number(0)).for_each(|_: u32| std::mem::forget(request.body())),
        "handles" => loop {
            std::mem::forget(request.body());
        },
        _ => return Ok(common(step)),
    }
    Ok(Action::Next)
}

/// Sends the request to where its field `x-destination` says: scheme, host and port.
fn follow(request: &Request) -> Result<(), EditError> {
    let field = String::from_utf8_lossy(&request.field("x-destination").unwrap_or_default()).into_owned();
    let mut words = field.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (scheme, host, port) = (word(), word(), word());
    request.set_destination(scheme, host, port.parse().unwrap_or_default())
}

/// Follows the instructions for responses.
pub fn on_response(script: &[String], request: &Request, response: &Response) -> Action {
    for instruction in instructions(script, "response", &request.path()) {
        match response_step(&instruction, request, response) {
            Ok(Action::Next) => {}
            Ok(action) => return action,
            Err(refusal) => return refused(&refusal),
        }
    }
    Action::Next
}

fn response_step(step: &Instruction, request: &Request, response: &Response) -> Result<Action, EditError> {
    let (name, value) = (step.argument(0), step.rest(1));
    match step.verb.as_str() {
        "set" => response.set_field(name, value.as_bytes())?,
        "add" => response.add_field(name, value.as_bytes())?,
        "remove" => response.remove_field(name)?,
        "append" => {
            let before = response.field(name).unwrap_or_default();
            response.set_field(name, &[before, value.into_bytes()].concat())?;
        }
        "status" => response.set_status(step.number(0))?,
        "flood" => flood(step, |name, value| match name {
            "set" => response.set_field(&distinct(), value),
            "lines" => response.set_field_lines("x-same", &vec![value.to_vec(); 10_000]),
            "add-same" => response.add_field("x-same", value),
            _ => response.add_field(&distinct(), value),
        })?,
        "read" => {
            let read = response.body().read(u64::MAX).map(|bytes| bytes.len());
            return Err(EditError::Invalid(format!("{read:?}")));
        }
        "body" => response.set_body(step.rest(0).as_bytes())?,
        "digest" => response.set_field("x-digest", described(&response.body()).as_bytes())?,
        "request-digest" => response.set_field("x-digest", described(&request.body()).as_bytes())?,
        "request-path" => request.set_path(name)?,
        _ => return Ok(common(step)),
    }
    Ok(Action::Next)
}

/// What may be done in any hook.
fn common(step: &Instruction) -> Action {
    match step.verb.as_str() {
        "kill" => Action::Kill,
        "respond" => {
            let response = Response::new(step.number(0));
            match response.set_body(step.rest(1).as_bytes()) {
                Ok(()) => Action::Respond(response),
                Err(refusal) => refused(&refusal),
            }
        }
        "panic" => panic!("{}", step.rest(0)),
        "loop" => loop {
            std::hint::spin_loop();
        },
        other => panic!("no such verb: {other}"),
    }
}

/// Logs what went wrong.
pub fn on_error(script: &[String], request: &Request, kind: &str, detail: &str) {
    for _ in instructions(script, "error", &request.path()) {
        log::write(log::Level::Info, &format!("error hook: {kind}: {detail}"));
    }
}

/// Changes a message again and again, with values of so many bytes, until it is refused or would break `HeaderMap`.
fn flood(step: &Instruction, change: impl Fn(&str, &[u8]) -> Result<(), EditError>) -> Result<(), EditError> {
    let value = vec![b'v'; step.number(1)];
    (0..100_000).try_for_each(|_| change(step.argument(0), &value))
}

/// A field name that was not there before.
fn distinct() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("x-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Has the host hold more and more.
fn hoard(what: &str, request: &Request) -> Result<(), EditError> {
    let long = vec![b'v'; 500_000];
    match what {
        "copies" => request.set_field("x-long", &long)?,
        "readers" | "bodies" => request.set_body(&vec![0; 1 << 20])?,
        _ => {}
    }
    let body = request.body();
    loop {
        match what {
            "bodies" => {
                let copy = request.copy();
                copy.set_body(&vec![0; 1 << 20])?;
                std::mem::forget(copy);
            }
            "copies" => std::mem::forget(request.copy()),
            "readers" => std::mem::forget(body.reader()),
            "fields" => {
                let copy = request.copy();
                copy.set_field("x-long", &long)?;
                std::mem::forget(copy);
            }
            "responses" => {
                let response = Response::new(200);
                response.set_body(&vec![0; 1 << 20])?;
                std::mem::forget(response);
            }
            other => panic!("nothing of that name can be hoarded: {other}"),
        }
    }
}

fn refused(refusal: &EditError) -> Action {
    let response = Response::new(418);
    match response.set_body(format!("{refusal:?}").as_bytes()) {
        Ok(()) => Action::Respond(response),
        Err(_) => Action::Kill,
    }
}

/// The size of a body, and the host's digest of it in hexadecimal digits.
fn described(body: &Body) -> String {
    let read = body.read(u64::MAX).map(|bytes| bytes.len());
    let digest = body.digest().map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    match (read, digest) {
        (Ok(size), Ok(digest)) => format!("{size} {digest}"),
        (Err(failure), _) | (_, Err(failure)) => format!("{failure:?}"),
    }
}

/// How many bytes a body has when it is read piece by piece.
fn pieces(body: &Body) -> String {
    let reader = body.reader();
    let mut size = 0;
    loop {
        match reader.next(1000) {
            Ok(Some(piece)) => size += piece.len(),
            Ok(None) => return size.to_string(),
            Err(failure) => return format!("{failure:?}"),
        }
    }
}
