//! Flows in a line each, and as they pass.

use std::collections::HashSet;

use clap::ArgMatches;
use serde_json::Value;

use super::{
    CtlError,
    client::{Client, Pieces, with_query},
    command::text,
    measure,
    run::Output,
};

/// Lists recent flows, and goes on with those that end if that is asked for.
pub(super) async fn list(matches: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let (filter, session) = (text(matches, "filter"), text(matches, "session"));
    let limit = matches.get_one::<u64>("limit").map(u64::to_string);
    let path = with_query("/v1/flows", [("filter", filter), ("session", session), ("limit", limit.as_deref())]);
    if !matches.get_flag("follow") {
        let page = client.get("list flows", &path).await?;
        return flows(&page).try_for_each(|flow| print(flow, out));
    }
    // Heard before the list is made, so that none is missed between them.
    let events = [("kind", Some("flow_ended")), ("filter", filter), ("session", session)];
    let mut events = EventStream::new(client.pieces("follow flows", &with_query("/v1/events", events)).await?);
    let page = client.get("list flows", &path).await?;
    let mut listed = HashSet::new();
    for flow in flows(&page).filter(|flow| flow["stage"] == "ended") {
        listed.extend(flow["id"].as_u64());
        print(flow, out)?;
    }
    out.flush()?;
    while let Some(event) = events.next().await? {
        if event["event"] == "lost" {
            out.warn(&format!("{} events were lost: they came faster than they were read", event["events"]));
        } else if !event["flow"]["id"].as_u64().is_some_and(|id| listed.remove(&id)) {
            print(&event["flow"], out)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn flows(page: &Value) -> impl Iterator<Item = &Value> {
    page["flows"].as_array().into_iter().flatten()
}

fn print(flow: &Value, out: &mut Output<'_>) -> Result<(), CtlError> {
    if out.is_json { out.line(flow) } else { out.line(line(flow)) }
}

/// A flow in a line: number, time (UTC), method, status, size, time taken, URL, and what addons noted.
pub(super) fn line(flow: &Value) -> String {
    let text = |name: &str| flow[name].as_str().unwrap_or_default();
    let outcome = &flow["outcome"];
    let status = match (flow["status"].as_u64(), outcome["kind"].as_str()) {
        (Some(status), Some("failed")) => format!("{status}!"),
        (Some(status), _) => status.to_string(),
        (None, Some(kind @ ("failed" | "killed"))) => kind.to_owned(),
        (None, _) => "-".to_owned(),
    };
    let size = flow["response_bytes"].as_u64().map_or("-".to_owned(), measure::size);
    let took = flow["ended_after"].as_f64().map_or("-".to_owned(), measure::duration);
    let time = measure::time_of_day(flow["started_at"].as_f64().unwrap_or_default());
    let url = format!("{}://{}{}", text("scheme"), text("authority"), text("path"));
    let notes = flow["notes"].as_array().into_iter().flatten();
    let mut notes: Vec<String> = notes
        .map(|note| {
            format!("{}: {}", note["name"].as_str().unwrap_or_default(), note["text"].as_str().unwrap_or_default())
        })
        .collect();
    notes.extend(outcome["detail"].as_str().map(str::to_owned));
    let notes: String = notes.iter().map(|note| format!(" · {note}")).collect();
    // A JSON number is not padded by itself.
    let id = flow["id"].to_string();
    format!("{id:>6}  {time}  {:<7} {status:<6} {size:>9} {took:>8}  {url}{notes}", text("method"))
}

/// Shows one flow, or the body of one of its messages.
pub(super) async fn show(matches: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let id = matches.get_one::<u64>("id").copied().unwrap_or_default();
    if let Some(side) = text(matches, "body") {
        let raw = matches.get_flag("raw").then_some("true");
        let path = with_query(&format!("/v1/flows/{id}/{side}/body"), [("raw", raw)]);
        let body = client.bytes(&format!("show the body of the {side} of flow {id}"), &path).await?;
        return out.content(&body);
    }
    let flow = client.get(&format!("show flow {id}"), &format!("/v1/flows/{id}")).await?;
    if out.is_json {
        return out.line(flow);
    }
    out.line(line(&flow))?;
    for (name, message) in [("request", &flow["request"]), ("response", &flow["response"])] {
        if !message.is_null() {
            out.line("")?;
            out.line(format_args!("{name} {}", message["version"].as_str().unwrap_or_default()))?;
            message_lines(message, out)?;
        }
    }
    Ok(())
}

fn message_lines(message: &Value, out: &mut Output<'_>) -> Result<(), CtlError> {
    let lines = [&message["fields"], &message["trailers"]].into_iter().filter_map(Value::as_array).flatten();
    for field in lines {
        let value = field["text"].as_str().or(field["base64"].as_str()).unwrap_or_default();
        out.line(format_args!("{}: {value}", field["name"].as_str().unwrap_or_default()))?;
    }
    let size = message["content"]["size"].as_u64().map_or("content of unknown size".to_owned(), measure::size);
    match message["content"]["state"].as_str() {
        Some("kept") => out.line(format_args!("({size})")),
        Some("partial") => out.line(format_args!("({size} so far)")),
        _ => out.line(format_args!("({size}, not kept)")),
    }
}

/// Prints events as they happen.
pub(super) async fn events(matches: &ArgMatches, client: &Client, out: &mut Output<'_>) -> Result<(), CtlError> {
    let query = ["kind", "filter", "session"].map(|name| (name, text(matches, name)));
    let mut events = EventStream::new(client.pieces("hear events", &with_query("/v1/events", query)).await?);
    while let Some(event) = events.next().await? {
        out.line(event)?;
        out.flush()?;
    }
    Ok(())
}

/// Server-sent events: as much of their format as the API writes.
struct EventStream<'c> {
    pieces: Pieces<'c>,
    received: Vec<u8>,
}

impl<'c> EventStream<'c> {
    fn new(pieces: Pieces<'c>) -> Self {
        Self { pieces, received: Vec::new() }
    }

    /// The data of the next event; nothing at the end.
    async fn next(&mut self) -> Result<Option<Value>, CtlError> {
        loop {
            while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let data = line.strip_prefix(b"data:").and_then(|data| serde_json::from_slice(data).ok());
                if data.is_some() {
                    return Ok(data);
                }
            }
            match self.pieces.next().await? {
                Some(piece) => self.received.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }
}
