//! What users can have server replay do while it runs, under mitmproxy's names.

use std::fmt::Write;

use proxyhost_sdk::{
    Value,
    command::{Answer, Command, ParameterKind, command},
    index, notes,
    options::texts,
    recordings,
};
use serde_json::{Value as Json, json};

use crate::nearest::shown;

/// Most misses that are listed.
const MISSES: u32 = 1000;

/// The commands.
pub(crate) fn offered() -> Vec<Command> {
    vec![
        command("replay.server", "Replay from these recordings, and no others").taking_all("file", ParameterKind::File),
        command("replay.server.add", "Replay from these recordings too").taking_all("file", ParameterKind::File),
        command("replay.server.file", "Replay from this recording, and no other")
            .taking("file", ParameterKind::File)
            .on_keys("Rs"),
        command(
            "replay.server.stop",
            "Replay nothing any more; what happens to requests is as server_replay_extra says",
        ),
        command("replay.server.count", "Count the recorded responses that were not served yet"),
        command("replay.server.reset", "Serve all recorded responses anew"),
        command("replay.server.list", "List the recorded responses, with how often each was served"),
        command("replay.server.unused", "List the recorded responses that were not served yet"),
        command("replay.server.missed", "List the requests that had no recorded response"),
    ]
}

/// Runs one of them.
pub(crate) fn run(name: &str, arguments: Vec<Value>) -> Result<Answer, String> {
    let files = arguments.into_iter().flat_map(|argument| match argument {
        Value::Texts(files) => files,
        Value::Text(file) => vec![file],
        Value::Flag(_) | Value::Integer(_) => Vec::new(),
    });
    match name {
        "replay.server" | "replay.server.file" => Ok(replaying(files.collect())),
        "replay.server.add" => {
            let mut all = texts("server_replay");
            for file in files.filter(|file| !texts("server_replay").contains(file)) {
                all.push(file);
            }
            Ok(replaying(all))
        }
        "replay.server.stop" => Ok(replaying(Vec::new())),
        "replay.server.count" => {
            let count = answering().filter(|&id| index::hits(id) == 0).count();
            Ok(Answer::text(count.to_string()).with_data(count.to_string()))
        }
        "replay.server.reset" => {
            index::forget();
            Ok(Answer::text("all recorded responses can be served again"))
        }
        "replay.server.list" => Ok(list(answering())),
        "replay.server.unused" => Ok(list(answering().filter(|&id| index::hits(id) == 0))),
        "replay.server.missed" => Ok(missed()),
        other => Err(format!("there is no command `{other}`")),
    }
}

/// Has these files replayed.
fn replaying(files: Vec<String>) -> Answer {
    let names: Vec<&str> = files.iter().map(|file| file.rsplit('/').next().unwrap_or(file)).collect();
    let text =
        if names.is_empty() { "replaying nothing".to_owned() } else { format!("replaying {}", names.join(", ")) };
    Answer::text(text).setting("server_replay", Value::Texts(files))
}

/// The exchanges that answer requests.
fn answering() -> impl Iterator<Item = u32> {
    (0..recordings::size()).filter(|&id| index::answers(id))
}

fn list(ids: impl Iterator<Item = u32>) -> Answer {
    let (mut text, mut data) = (String::new(), Vec::new());
    for id in ids {
        let (Some(exchange), Some(request)) = (recordings::describe(id), recordings::recorded_request(id)) else {
            continue;
        };
        let (hits, shown) = (index::hits(id), shown(&request));
        let file = exchange.file.rsplit('/').next().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{hits:>5} × flow {} of {file}: {shown}", exchange.number);
        data.push(json!({ "file": exchange.file, "flow": exchange.number, "request": shown, "hits": hits }));
    }
    Answer::text(text).with_data(Json::from(data).to_string())
}

fn missed() -> Answer {
    let (mut text, mut data) = (String::new(), Vec::new());
    for noted in notes::missed(MISSES) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "flow {}: {}: {}", noted.flow, noted.request, noted.text);
        // The host takes nothing else for data.
        let details: Option<Json> = noted.data.as_deref().and_then(|data| serde_json::from_str(data).ok());
        data.push(json!({ "flow": noted.flow, "request": noted.request, "reason": noted.text, "details": details }));
    }
    Answer::text(text).with_data(Json::from(data).to_string())
}
