//! The access log: a line for each flow, written when it has ended.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::{Method, StatusCode};
use tracing::{Level, enabled, info};

use super::{
    Entry,
    entry::{Progress, Stage},
    passing::MISSED,
    shown,
};
use crate::flow::{FaultKind, Note};

/// What these lines are filtered by.
pub const TARGET: &str = "proxyhost::access";

/// Writes the line of a flow that has ended, if the log has such lines.
pub(super) fn write(entry: &Entry) {
    if !enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let progress = entry.progress().clone();
    if !has_line(&progress) {
        return;
    }
    let sent = entry.sent.load(Ordering::Relaxed);
    let line = Line {
        request: shown::request_line(&progress.heads.request()),
        progress: &progress,
        sent,
        notes: entry.notes.all(),
    };
    info!(target: TARGET, "{line}");
}

/// A flow that got no answer because something failed, and a tunnel that is passed on, each have a line of their own already.
/// An addon that fails has one for many flows.
fn has_line(progress: &Progress) -> bool {
    let failed_before = match &progress.stage {
        Stage::Failed(fault) => !progress.was_answered && fault.kind != FaultKind::Addon,
        Stage::Waiting | Stage::Answered | Stage::Killed => false,
    };
    progress.heads.request().method != Method::CONNECT && !failed_before
}

struct Line<'a> {
    request: String,
    progress: &'a Progress,
    sent: u64,
    notes: Vec<Arc<Note>>,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, progress, sent, notes } = self;
        write!(formatter, "{request} ")?;
        match (&progress.stage, progress.status) {
            (Stage::Killed, _) => formatter.write_str("killed")?,
            (_, Some(StatusCode::SWITCHING_PROTOCOLS)) => formatter.write_str("101")?,
            (_, Some(status)) => write!(formatter, "{} {}", status.as_u16(), Size(*sent))?,
            (_, None) => formatter.write_str("unanswered")?,
        }
        write!(formatter, " {}", Took(progress.ended_after.unwrap_or_default()))?;
        for note in notes {
            // Why it was missed is in a line of its own, of the addon.
            let said = if note.name == MISSED { MISSED } else { &note.text };
            write!(formatter, " · {said}")?;
        }
        match &progress.stage {
            Stage::Failed(fault) => write!(formatter, " · {fault}"),
            Stage::Waiting => formatter.write_str(" · the client left"),
            Stage::Answered if !progress.is_whole => formatter.write_str(" · the client left"),
            Stage::Answered | Stage::Killed => Ok(()),
        }
    }
}

/// A number of bytes, as people read it.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        match self.0 {
            bytes @ ..KIB => write!(formatter, "{bytes} B"),
            bytes @ KIB..MIB => write!(formatter, "{:.1} KiB", bytes as f64 / KIB as f64),
            bytes => write!(formatter, "{:.1} MiB", bytes as f64 / MIB as f64),
        }
    }
}

/// A time, as people read it.
struct Took(Duration);

impl fmt::Display for Took {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            seconds @ ..0.01 => write!(formatter, "{:.1} ms", seconds * 1e3),
            seconds @ ..1.0 => write!(formatter, "{:.0} ms", seconds * 1e3),
            seconds => write!(formatter, "{seconds:.1} s"),
        }
    }
}
