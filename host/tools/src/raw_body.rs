//! One body, as bytes: for a file or a pipe.

use std::{borrow::Cow, io::Write, path::PathBuf};

use clap::ArgMatches;
use recording::{Content, Exchange, Fields, Recording};

use super::{
    Exit, FlowsError, body,
    console::Console,
    decode, measure,
    output::{Existing, Output},
    text,
};

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

impl Side {
    /// The side that a word of the command line names.
    pub(super) fn of(word: &str) -> Self {
        if word == "request" { Self::Request } else { Self::Response }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// Writes the body of one side, decoded unless it is asked for as it was sent.
pub(super) fn write(
    recording: &Recording,
    exchange: &Exchange,
    side: Side,
    matches: &ArgMatches,
    console: &mut Console<'_>,
) -> Result<Exit, FlowsError> {
    let none =
        |why| FlowsError::NoBody { path: recording.path().to_owned(), number: exchange.number, side: side.name(), why };
    let (fields, content) = match (side, &exchange.response) {
        (Side::Request, _) => (&exchange.request.fields, &exchange.request.content),
        (Side::Response, Some(response)) => (&response.fields, &response.content),
        (Side::Response, None) => return Err(none("there is no response")),
    };
    let size = content.size().ok_or_else(|| none("it was not recorded"))?;
    let whole = if matches.get_flag("coded") { None } else { decoded(recording, content, fields, size, console)? };
    let out: Option<&PathBuf> = matches.get_one("out");
    let Some(out) = out else {
        print(recording, content, fields, whole, console)?;
        return Ok(Exit::Success);
    };
    let output = Output::create(out, &[recording.path()], Existing::of(matches))?;
    let mut written = 0;
    each_piece(recording, content, whole, &mut |piece| {
        written += piece.len() as u64;
        output.file().write_all(piece).map_err(|source| output.failed(source))
    })?;
    output.commit()?;
    console.print(format_args!("{}: {}", text::path(out), measure::size(written)))?;
    Ok(Exit::Success)
}

/// The content without its coding, if it has one that can be undone.
fn decoded(
    recording: &Recording,
    content: &Content,
    fields: &Fields,
    size: u64,
    console: &mut Console<'_>,
) -> Result<Option<Vec<u8>>, FlowsError> {
    let Some(coding) = fields.joined("content-encoding").filter(|_| size > 0) else { return Ok(None) };
    let decoded = if size > body::READ_LIMIT { None } else { decode::decode(&recording.read(content)?, fields) };
    if decoded.is_none() {
        let coding = text::bytes(&coding);
        console.warn(format_args!("the body cannot be decoded from {coding}: it is written as it was sent"));
    }
    Ok(decoded.map(Into::into))
}

/// Writes the body to standard output. A terminal gets text only, which cannot command it.
fn print(
    recording: &Recording,
    content: &Content,
    fields: &Fields,
    whole: Option<Vec<u8>>,
    console: &mut Console<'_>,
) -> Result<(), FlowsError> {
    if console.width().is_none() {
        return each_piece(recording, content, whole, &mut |piece| console.write(piece));
    }
    let bytes = match &whole {
        Some(whole) => Cow::Borrowed(whole.as_slice()),
        None if content.size().is_some_and(|size| size > body::READ_LIMIT) => return Err(FlowsError::Terminal),
        None => Cow::Owned(recording.read(content)?.to_vec()),
    };
    let shown = body::as_text(&bytes, fields).ok_or(FlowsError::Terminal)?;
    console.write(text::lines(&shown).as_bytes())
}

/// Gives `see` what there is, piece by piece.
fn each_piece(
    recording: &Recording,
    content: &Content,
    whole: Option<Vec<u8>>,
    see: &mut dyn FnMut(&[u8]) -> Result<(), FlowsError>,
) -> Result<(), FlowsError> {
    if let Some(whole) = whole {
        return see(&whole);
    }
    let mut at = 0;
    while at < content.size().unwrap_or_default() {
        let piece = recording.read_at(content, at, PIECE)?;
        if piece.is_empty() {
            break;
        }
        see(&piece)?;
        at += piece.len() as u64;
    }
    Ok(())
}

/// How much is copied at once.
const PIECE: usize = 256 * 1024;
