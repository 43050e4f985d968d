//! `flows repair`: a flow file without its broken end.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::ArgMatches;
use recording::{BrokenTail, FlowFile};

use super::{
    Exit, FlowsError, command,
    console::Console,
    input, measure,
    output::{Existing, Output},
    text,
};

/// Writes the whole flows of a file, to another one or in its place. Nothing is lost: either the file stays, or what is cut
/// off is kept beside it.
pub(super) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Result<Exit, FlowsError> {
    let path = command::the_file(matches, "in");
    let Some(flow_file) = FlowFile::open(&path)? else {
        let format = input::open_silently(&path, console)?.format();
        return Err(FlowsError::NotAFlowFile { path, format });
    };
    let out: Option<&PathBuf> = matches.get_one("out");
    if out.is_none() && !matches.get_flag("in-place") {
        return Err(FlowsError::NoOutput);
    }
    let (flows, tail) = survey(&flow_file)?;
    let kept = measure::count(flows, "flow");
    match (out, tail) {
        (Some(out), tail) => {
            let output = Output::create(out, &[&path], Existing::of(matches))?;
            copy(&flow_file, whole_len(&flow_file, tail.as_ref()), &output)?;
            output.commit()?;
            let cut = tail.map_or_else(|| "nothing was broken".to_owned(), |tail| format!("cut off: {tail}"));
            console.print(format_args!("{}: {kept}; {}", text::path(out), text::line(&cut)))?;
        }
        (None, None) => {
            console.print(format_args!("{}: {kept}; nothing is broken, and nothing was changed", text::path(&path)))?;
        }
        (None, Some(tail)) => {
            let rest = in_place(&flow_file, &path, &tail, Existing::of(matches))?;
            let cut = text::line(&tail.to_string());
            console.print(format_args!("{}: {kept}; kept as `{}`: {cut}", text::path(&path), text::path(&rest)))?;
        }
    }
    Ok(Exit::Success)
}

/// How many whole flows there are, and what comes after them.
fn survey(flow_file: &FlowFile) -> Result<(usize, Option<BrokenTail>), FlowsError> {
    let mut frames = flow_file.frames();
    let mut flows = 0;
    while let Some(frame) = frames.advance()? {
        flows = frame.number;
    }
    Ok((flows, frames.broken_tail().cloned()))
}

fn whole_len(flow_file: &FlowFile, tail: Option<&BrokenTail>) -> u64 {
    tail.map_or_else(|| flow_file.size(), |tail| tail.offset)
}

fn copy(flow_file: &FlowFile, len: u64, output: &Output) -> Result<(), FlowsError> {
    let copied = flow_file.copy(0, len, &mut output.file());
    Ok(copied.map_err(|source| output.failed(source))??)
}

/// Replaces the file by its whole flows. The tail is safe before that happens.
fn in_place(flow_file: &FlowFile, input: &Path, tail: &BrokenTail, existing: Existing) -> Result<PathBuf, FlowsError> {
    let output = Output::in_place_of(input)?;
    let mut rest = output.path().as_os_str().to_owned();
    rest.push(".tail");
    let rest = PathBuf::from(rest);
    let failed = |source: io::Error| FlowsError::Write { path: rest.clone(), source };
    copy(flow_file, tail.offset, &output)?;
    let mut kept = create_tail(&rest, existing)?;
    let written = flow_file.copy(tail.offset, tail.unread_bytes, &mut kept);
    written.map_err(failed)??;
    kept.sync_all().map_err(failed)?;
    output.commit()?;
    Ok(rest)
}

fn create_tail(path: &Path, existing: Existing) -> Result<File, FlowsError> {
    if existing == Existing::Replace && fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        fs::remove_file(path).map_err(|source| FlowsError::Write { path: path.into(), source })?;
    }
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    created.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FlowsError::Exists { path: path.into() },
        _ => FlowsError::Write { path: path.into(), source },
    })
}

#[cfg(test)]
mod tests;
