//! `flows show`: one exchange with all that is known of it.

use clap::ArgMatches;
use http::Version;
use recording::{Content, Details, Exchange, Fields, Message, RESPONSE_PIECES, Recording};

use super::{
    Exit, FlowsError, body, command,
    console::Console,
    input, measure,
    raw_body::{self, Side},
    show_json, table, text,
};

/// Shows the exchange with a number.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Result<Exit, FlowsError> {
    let path = command::the_file(matches, "file");
    let number = matches.get_one("number").copied().unwrap_or_default();
    let recording = input::open_silently(&path, console)?;
    let Some(exchange) = recording.exchanges().iter().find(|exchange| exchange.number == number) else {
        let invalid = recording.skipped().invalid.iter().find(|invalid| invalid.number == number);
        if let Some(invalid) = invalid {
            console.warn(format_args!("`{}`: {}", text::path(&path), text::line(&invalid.to_string())));
        }
        return Err(FlowsError::NoExchange { path, number });
    };
    if let Some(side) = matches.get_one::<String>("body") {
        return raw_body::write(&recording, exchange, Side::of(side), matches, console);
    }
    let details = details(&recording, number)?;
    if matches.get_flag("json") {
        return show_json::print(&recording, exchange, details.as_ref(), console);
    }
    about(&recording, exchange, details.as_ref(), console)?;
    request(&recording, exchange, console)?;
    response(&recording, exchange, console)?;
    messages(&recording, input::messages(Some(exchange), details.as_ref()), console)?;
    Ok(Exit::Success)
}

/// What the flow file says about a flow besides its exchange.
fn details(recording: &Recording, number: usize) -> Result<Option<Details>, FlowsError> {
    let Some(flow_file) = recording.flow_file()? else { return Ok(None) };
    let mut frames = flow_file.frames();
    while let Some(frame) = frames.advance()? {
        if frame.number == number {
            return Ok(frames.details(&frame)?);
        }
    }
    Ok(None)
}

fn about(
    recording: &Recording,
    exchange: &Exchange,
    details: Option<&Details>,
    console: &mut Console<'_>,
) -> Result<(), FlowsError> {
    let request = &exchange.request;
    let url = text::line(&table::url(recording, exchange));
    console.print(format_args!("flow {}: {} {url}", exchange.number, text::bytes(&request.method)))?;
    let mut say = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { console.print(format_args!("{name}: {}", text::line(value))) }
    };
    say("id", &exchange.id)?;
    say("sent to", &format!("{}:{}", text::decoded(&request.host), request.port))?;
    // Zero stands for a recording that does not say when.
    if request.started_at > 0.0 {
        say("asked at", &format!("{} UTC", measure::moment(request.started_at)))?;
    }
    if let Some(response) = &exchange.response {
        let took = response.started_at - request.started_at;
        say("answered after", &measure::duration(took.max(0.0)))?;
        if let Some(ended_at) = response.ended_at {
            say("ended after", &measure::duration((ended_at - request.started_at).max(0.0)))?;
        }
        if !response.pieces.is_empty() {
            say("arrived in", &measure::count(response.pieces.len(), "piece"))?;
        }
    }
    say("failed", exchange.error.as_ref().map_or("", |failure| &failure.reason))?;
    if let Some(details) = details {
        // What has no name and no port stands for an unknown one.
        say("client", if details.source == ":0" { "" } else { &details.source })?;
        say("server", &details.destination)?;
        say("replayed", &details.replayed)?;
        say("marked", &details.marker)?;
        say("comment", &details.comment)?;
        let lines = details.metadata.lines().filter(|line| !line.starts_with(RESPONSE_PIECES));
        lines.into_iter().try_for_each(|line| say("metadata", line))?;
    }
    Ok(())
}

fn request(recording: &Recording, exchange: &Exchange, console: &mut Console<'_>) -> Result<(), FlowsError> {
    let request = &exchange.request;
    let path = match request.method.as_ref() {
        b"CONNECT" => &request.authority,
        _ => &request.path,
    };
    console.print("")?;
    console.print(format_args!(
        "{} {} {}",
        text::bytes(&request.method),
        text::bytes(path),
        version(request.version)
    ))?;
    if request.version >= Version::HTTP_2 && !request.authority.is_empty() {
        console.print(format_args!(":authority: {}", text::bytes(&request.authority)))?;
    }
    fields(&request.fields, console)?;
    content(recording, &request.content, &request.fields, console)?;
    trailers(&request.trailers, console)
}

fn response(recording: &Recording, exchange: &Exchange, console: &mut Console<'_>) -> Result<(), FlowsError> {
    console.print("")?;
    let Some(response) = &exchange.response else {
        return console.print("no response");
    };
    let line = format!("{} {} {}", version(response.version), response.status, text::bytes(&response.reason));
    console.print(line.trim_end())?;
    fields(&response.fields, console)?;
    content(recording, &response.content, &response.fields, console)?;
    trailers(&response.trailers, console)
}

fn version(version: Version) -> String {
    format!("{version:?}")
}

fn fields(fields: &Fields, console: &mut Console<'_>) -> Result<(), FlowsError> {
    fields
        .iter()
        .try_for_each(|(name, value)| console.print(format_args!("{}: {}", text::bytes(name), text::bytes(value))))
}

fn content(
    recording: &Recording,
    content: &Content,
    fields: &Fields,
    console: &mut Console<'_>,
) -> Result<(), FlowsError> {
    let shown = body::shown(recording, content, fields)?;
    console.print(format_args!("\n({})", shown.about))?;
    if shown.lines.is_empty() { Ok(()) } else { console.print(shown.lines.trim_end_matches('\n')) }
}

fn trailers(trailers: &Fields, console: &mut Console<'_>) -> Result<(), FlowsError> {
    if trailers.is_empty() {
        return Ok(());
    }
    console.print("\n(trailers)")?;
    fields(trailers, console)
}

/// What was said over a WebSocket.
fn messages(recording: &Recording, messages: &[Message<Content>], console: &mut Console<'_>) -> Result<(), FlowsError> {
    if messages.is_empty() {
        return Ok(());
    }
    console.print(format_args!("\n({} of the WebSocket)", measure::count(messages.len(), "message")))?;
    for message in messages {
        let who = if message.from_client { "client" } else { "server" };
        let size = measure::size(message.content.size().unwrap_or_default());
        console.print(format_args!("{who}, {} UTC, {size}:", measure::moment(message.at)))?;
        if message.content == Content::NotRecorded {
            console.print("  (not recorded)")?;
            continue;
        }
        let lines = body::readable_message(&recording.read(&message.content)?);
        lines.lines().try_for_each(|line| console.print(format_args!("  {line}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
