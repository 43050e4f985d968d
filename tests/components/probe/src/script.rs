//! What a probe does: instructions of the form `PATH HOOK VERB ARGUMENTS`, for requests whose path begins with PATH.
//!
//! `\r`, `\n` and `\0` in an argument stand for those bytes. What the host refuses ends the flow with status 418 and
//! the refusal as its text.

use proxyhost_sdk::{Action, Body, EditError, Request, Response, log};

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
        "pieces" => request.set_field("x-pieces", pieces(&request.body()).as_bytes())?,
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
        match response_step(&instruction, response) {
            Ok(Action::Next) => {}
            Ok(action) => return action,
            Err(refusal) => return refused(&refusal),
        }
    }
    Action::Next
}

fn response_step(step: &Instruction, response: &Response) -> Result<Action, EditError> {
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
        "body" => response.set_body(step.rest(0).as_bytes())?,
        "digest" => response.set_field("x-digest", described(&response.body()).as_bytes())?,
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
