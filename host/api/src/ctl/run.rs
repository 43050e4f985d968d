//! From the arguments to a command.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use clap::ArgMatches;
use http::Method;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::{
    CtlError,
    client::{Client, encoded, with_query},
    command::{path, text, texts, the_text},
    flows, lists,
    target::Target,
};

/// Where commands write to.
pub(super) struct Output<'o> {
    out: &'o mut dyn Write,
    err: &'o mut dyn Write,
    pub(super) is_json: bool,
    is_terminal: bool,
}

impl Output<'_> {
    /// A line of data. What would command a terminal is escaped.
    pub(super) fn line(&mut self, line: impl Display) -> Result<(), CtlError> {
        Ok(writeln!(self.out, "{}", oneline::escaped(&line.to_string()))?)
    }

    /// A body. A terminal is not commanded by it either.
    pub(super) fn content(&mut self, content: &[u8]) -> Result<(), CtlError> {
        if !self.is_terminal {
            return Ok(self.out.write_all(content)?);
        }
        String::from_utf8_lossy(content).lines().try_for_each(|line| self.line(line))
    }

    /// Something about the data. It is not worth failing for.
    pub(super) fn warn(&mut self, warning: &str) {
        let _ = writeln!(self.err, "warning: {}", oneline::escaped(warning));
    }

    pub(super) fn flush(&mut self) -> Result<(), CtlError> {
        Ok(self.out.flush()?)
    }

    /// What came of a change.
    fn changed(&mut self, changed: &Value) -> Result<(), CtlError> {
        match changed["what"].as_str() {
            _ if self.is_json => self.line(changed),
            None | Some("") => self.line("nothing has changed"),
            Some(what) => self.line(what),
        }
    }
}

/// Does what the arguments of [`command`](super::command()) say. That nobody reads the output to its end is no error.
///
/// # Errors
/// When the arguments are wrong, no proxy is found, or it does not do what it is asked for.
pub fn run(matches: &ArgMatches, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), CtlError> {
    let is_terminal = io::stdout().is_terminal();
    let mut output = Output { out, err, is_json: matches.get_flag("json"), is_terminal };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CtlError::Start)?;
    let outcome = runtime.block_on(dispatch(matches, &mut output)).and_then(|()| output.flush());
    match outcome {
        Err(CtlError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

pub(super) async fn dispatch(matches: &ArgMatches, out: &mut Output<'_>) -> Result<(), CtlError> {
    let Some((name, arguments)) = matches.subcommand() else { return Err(CtlError::NoCommand) };
    if text(arguments, "session").is_some() && !OF_A_SESSION.contains(&name) {
        return Err(CtlError::Session { command: name.to_owned() });
    }
    if name == "wait" {
        return wait(arguments).await;
    }
    let client = Client::new(Target::of(arguments)?);
    let session = text(arguments, "session");
    match name {
        "flows" => flows::list(arguments, &client, out).await,
        "flow" => flows::show(arguments, &client, out).await,
        "events" => flows::events(arguments, &client, out).await,
        "options" => options(arguments, &client, out).await,
        "run" => run_command(arguments, &client, out).await,
        "addons" => addons(arguments, &client, out).await,
        "plugs" => plugs(arguments, &client, out).await,
        "recordings" => recordings(arguments, &client, out).await,
        "commands" => {
            let document = client.get("list commands", "/v1/commands").await?;
            lists::print(&document, "commands", lists::command, out)
        }
        "sessions" => {
            let document = client.get("list sessions", "/v1/sessions").await?;
            lists::print(&document, "sessions", lists::session, out)
        }
        "report" => {
            let format = if out.is_json { Some("json") } else { text(arguments, "format") };
            let query = [("session", session), ("format", format)];
            let report = client.bytes("report", &with_query("/v1/report", query)).await?;
            out.content(&report)
        }
        "metrics" => {
            let numbers = client.bytes("show numbers", "/metrics").await?;
            out.content(&numbers)
        }
        "status" => {
            let health = client.get("ask where the proxy listens", "/v1/health").await?;
            if out.is_json { out.line(health) } else { lists::print(&health, "listeners", lists::listener, out) }
        }
        "save" => save(arguments, &client, out).await,
        "clear" => {
            client.call("forget flows", Method::DELETE, "/v1/flows", Value::Null).await?;
            Ok(())
        }
        "reset" => {
            let body = session.map_or(json!({}), |session| json!({ "session": session }));
            client.call("reset", Method::POST, "/v1/sessions/reset", body).await?;
            Ok(())
        }
        "reload" => {
            let changed = client.call("reload", Method::POST, "/v1/reload", Value::Null).await?;
            out.changed(&changed)
        }
        "stop" => {
            client.call("stop the proxy", Method::POST, "/v1/stop", Value::Null).await?;
            Ok(())
        }
        // The command line requires one of these.
        _ => Err(CtlError::NoCommand),
    }
}

/// Commands that can be about one session.
const OF_A_SESSION: [&str; 7] = ["flows", "events", "run", "recordings", "report", "reset", "save"];

/// Waits until a proxy serves, and for the file that says where it is.
async fn wait(arguments: &ArgMatches) -> Result<(), CtlError> {
    let seconds = arguments.get_one::<u64>("timeout").copied().unwrap_or_default();
    let begin = Instant::now();
    loop {
        let error = match is_ready(arguments).await {
            Ok(true) => return Ok(()),
            Ok(false) => None,
            Err(error) if error.may_pass() => Some(Box::new(error)),
            Err(error) => return Err(error),
        };
        if begin.elapsed() >= Duration::from_secs(seconds) {
            return Err(CtlError::NotReady { seconds, source: error });
        }
        sleep(PAUSE).await;
    }
}

/// How long to wait before the proxy is asked again.
const PAUSE: Duration = Duration::from_millis(50);

async fn is_ready(arguments: &ArgMatches) -> Result<bool, CtlError> {
    Client::new(Target::of(arguments)?).is_ready().await
}

async fn options(arguments: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let values: Map<String, Value> = match arguments.subcommand() {
        Some(("get", arguments)) => {
            let name = the_text(arguments, "name");
            let option =
                client.get(&format!("show option `{name}`"), &format!("/v1/options/{}", encoded(name))).await?;
            return if out.is_json { out.line(option) } else { out.line(lists::value(&option["value"])) };
        }
        Some(("set", arguments)) => assignments(texts(arguments, "assignment"))?,
        Some(("unset", arguments)) => texts(arguments, "name").map(|name| (name.to_owned(), Value::Null)).collect(),
        _ => {
            let options = client.get("list options", "/v1/options").await?;
            return lists::print(&options, "options", lists::option, out);
        }
    };
    let names = values.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let changed = client.call(&format!("set {names}"), Method::PATCH, "/v1/options", Value::Object(values)).await?;
    out.changed(&changed)
}

/// Values as on the command line: of several for one name, a list is made.
fn assignments<'a>(given: impl Iterator<Item = &'a str>) -> Result<Map<String, Value>, CtlError> {
    let mut values = Map::new();
    for assignment in given {
        let Some((name, value)) = assignment.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(CtlError::Assignment { given: assignment.to_owned() });
        };
        let value = match values.remove(name) {
            None => json!({ "text": value }),
            Some(Value::Array(mut items)) => {
                items.push(value.into());
                Value::Array(items)
            }
            Some(first) => json!([first["text"], value]),
        };
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

async fn run_command(arguments: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let name = the_text(arguments, "name");
    let with: Vec<&str> = texts(arguments, "argument").collect();
    let body = json!({ "arguments": with, "session": text(arguments, "session").unwrap_or_default() });
    let path = format!("/v1/commands/{}", encoded(name));
    let answer = client.call(&format!("run `{name}`"), Method::POST, &path, body).await?;
    if out.is_json {
        return out.line(answer);
    }
    answer["text"].as_str().unwrap_or_default().lines().try_for_each(|line| out.line(line))
}

async fn addons(arguments: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let changed = match arguments.subcommand() {
        Some(("add", arguments)) => {
            let used = component(the_text(arguments, "component"))?;
            client.call(&format!("add addon `{used}`"), Method::POST, "/v1/addons", json!({ "use": used })).await?
        }
        Some(("replace", arguments)) => {
            let (name, used) = (the_text(arguments, "name"), component(the_text(arguments, "component"))?);
            let path = format!("/v1/addons/{}", encoded(name));
            client.call(&format!("replace addon `{name}`"), Method::PUT, &path, json!({ "use": used })).await?
        }
        Some(("remove", arguments)) => {
            let name = the_text(arguments, "name");
            let path = format!("/v1/addons/{}", encoded(name));
            client.call(&format!("remove addon `{name}`"), Method::DELETE, &path, Value::Null).await?
        }
        _ => {
            let addons = client.get("list addons", "/v1/addons").await?;
            return lists::print(&addons, "addons", lists::addon, out);
        }
    };
    out.changed(&changed)
}

async fn plugs(arguments: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let changed = match arguments.subcommand() {
        Some(("add", arguments)) => {
            let used = component(the_text(arguments, "component"))?;
            client.call(&format!("add plug `{used}`"), Method::POST, "/v1/plugs", json!({ "use": used })).await?
        }
        Some(("replace", arguments)) => {
            let (name, used) = (the_text(arguments, "name"), component(the_text(arguments, "component"))?);
            let path = format!("/v1/plugs/{}", encoded(name));
            client.call(&format!("replace plug `{name}`"), Method::PUT, &path, json!({ "use": used })).await?
        }
        Some(("remove", arguments)) => {
            let name = the_text(arguments, "name");
            let path = format!("/v1/plugs/{}", encoded(name));
            client.call(&format!("remove plug `{name}`"), Method::DELETE, &path, Value::Null).await?
        }
        _ => {
            let plugs = client.get("list plugs", "/v1/plugs").await?;
            return lists::print(&plugs, "plugs", lists::plug, out);
        }
    };
    out.changed(&changed)
}

async fn recordings(arguments: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let changed = match arguments.subcommand() {
        Some(("add", arguments)) => {
            let file = file(arguments)?;
            client.call(&format!("replay `{file}`"), Method::POST, "/v1/recordings", json!({ "file": file })).await?
        }
        Some(("remove", arguments)) => {
            let file = file(arguments)?;
            let path = with_query("/v1/recordings", [("file", Some(file.as_str()))]);
            client.call(&format!("stop replaying `{file}`"), Method::DELETE, &path, Value::Null).await?
        }
        _ => {
            let path = with_query("/v1/recordings", [("session", text(arguments, "session"))]);
            let recordings = client.get("list recordings", &path).await?;
            return lists::print(&recordings, "recordings", lists::recording, out);
        }
    };
    out.changed(&changed)
}

async fn save(arguments: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let file = file(arguments)?;
    let mut body = json!({ "file": file, "filter": text(arguments, "filter"), "session": text(arguments, "session") });
    if arguments.get_flag("force") {
        body["force"] = true.into();
    }
    let written = client.call(&format!("save flows to `{file}`"), Method::POST, "/v1/flows/save", body).await?;
    match written["written"].as_u64() {
        _ if out.is_json => out.line(written),
        Some(1) => out.line("1 flow written"),
        _ => out.line(format_args!("{} flows written", written["written"])),
    }
}

/// A file as the proxy finds it, which may run in another folder.
fn file(arguments: &ArgMatches) -> Result<String, CtlError> {
    absolute(path(arguments, "file").map_or(Path::new(""), |path| path.as_path()))
}

/// A component as the proxy finds it: a file that is here, or the name of one that ships.
fn component(text: &str) -> Result<String, CtlError> {
    if Path::new(text).is_file() { absolute(Path::new(text)) } else { Ok(text.to_owned()) }
}

fn absolute(path: &Path) -> Result<String, CtlError> {
    let path = std::path::absolute(path).map_err(CtlError::Start)?;
    path.into_os_string().into_string().map_err(|path| CtlError::Name { path: path.into() })
}
