//! The recorder's thread, the only one that waits for the disk.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Weak, mpsc::Receiver},
};

use bytes::Bytes;
use jiff::ZonedDateTime;
use oneline::chain;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::{
    RecorderError, Redactor,
    backlog::Backlog,
    file::{RecordingFile, folder_of},
    kept::{Input, KeptContent},
    store::{Store, resolve},
    target::Target,
};
use crate::model::Flow;

/// What the thread is asked to do, in this order.
#[derive(Debug)]
pub(super) enum Work {
    /// Keep pieces of a content.
    Pieces { content: Arc<KeptContent>, pieces: Vec<Bytes>, bytes: u64 },
    /// Write a flow.
    Flow(Box<Handed>),
    /// Drop a temporary file.
    Free(Arc<File>),
    /// Deal with what is there, and end.
    Finish,
}

/// A flow that was handed in.
#[derive(Debug)]
pub(super) struct Handed {
    /// The flow's number in the log.
    pub(super) label: u64,
    pub(super) flow: Flow<Input>,
    /// What it counts in the backlog.
    pub(super) bytes: u64,
    /// Dropped when the flow is dealt with.
    pub(super) written: oneshot::Sender<()>,
}

/// Tells the time in the zone that names of files are made in.
pub(super) type Clock = Box<dyn Fn() -> ZonedDateTime + Send>;

/// Deals with all work of a recorder, in order.
pub(super) struct Writer {
    target: Target,
    clock: Clock,
    redactor: Option<Box<dyn Redactor>>,
    backlog: Arc<Backlog>,
    /// The path that the target stands for at the time, and its file. None once recording has failed.
    path: PathBuf,
    file: Option<RecordingFile>,
    /// Why nothing is recorded any more.
    failure: Option<String>,
    /// Contents that are partly here, to be given up when recording fails.
    begun: Vec<Weak<KeptContent>>,
}

impl Writer {
    /// Opens the first file. The notice is about it.
    pub(super) fn open(
        target: Target,
        clock: Clock,
        redactor: Option<Box<dyn Redactor>>,
        backlog: Arc<Backlog>,
    ) -> Result<(Self, Option<String>), RecorderError> {
        let path = target.path(&clock)?;
        let (file, notice) = RecordingFile::open(&path, &target)?;
        let (failure, begun) = (None, Vec::new());
        Ok((Self { target, clock, redactor, backlog, path, file: Some(file), failure, begun }, notice))
    }

    /// Works until nobody can hand in any more, or asks to finish.
    pub(super) fn run(mut self, work: &Receiver<Work>) {
        while let Ok(next) = work.recv() {
            if matches!(next, Work::Finish) {
                break;
            }
            self.deal_with(next);
        }
        // What was handed in meanwhile is not lost either.
        work.try_iter().for_each(|rest| self.deal_with(rest));
    }

    fn deal_with(&mut self, work: Work) {
        match work {
            Work::Pieces { content, pieces, bytes } => {
                self.keep(&content, pieces);
                self.backlog.shrink(bytes);
            }
            Work::Flow(handed) => {
                let Handed { label, flow, bytes, written } = *handed;
                if let Err(reason) = self.write(flow) {
                    error!(flow = label, reason, "the flow is not recorded");
                }
                self.backlog.shrink(bytes);
                drop(written);
            }
            Work::Free(file) => drop(file),
            Work::Finish => {}
        }
    }

    fn keep(&mut self, content: &Arc<KeptContent>, pieces: Vec<Bytes>) {
        // Nobody can save what only this work still holds.
        if self.failure.is_some() || Arc::strong_count(content) == 1 || content.is_broken_off() {
            *content.store() = Store::GivenUp;
            return;
        }
        let mut store = content.store();
        if matches!(&*store, Store::Memory(held) if held.is_empty()) {
            self.remember(content);
        }
        if let Err(error) = store.append(pieces, folder_of(&self.path)) {
            drop(store);
            self.cannot_spill(&error);
        }
    }

    fn remember(&mut self, content: &Arc<KeptContent>) {
        if self.begun.len() == self.begun.capacity() {
            self.begun.retain(|begun| begun.strong_count() > 0);
        }
        self.begun.push(Arc::downgrade(content));
    }

    /// Writes a flow, or says why not.
    fn write(&mut self, flow: Flow<Input>) -> Result<(), String> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let resolved = flow.try_map_contents(|content| match content {
            Input::Source(source) => Ok(source),
            Input::Kept(kept) => resolve(kept.content(), folder_of(&self.path)),
        });
        let mut flow = resolved.map_err(|error| self.cannot_spill(&error))?;
        if let Some(redactor) = &self.redactor {
            redactor.redact(&mut flow).map_err(|reason| format!("its secrets cannot be replaced: {reason}"))?;
        }
        self.rotate().map_err(|error| self.fail(chain(&error)))?;
        let Some(file) = &mut self.file else {
            return Err(self.fail("its file was closed".into()));
        };
        let written = file.write(&flow);
        written.map_err(|error| self.fail(format!("cannot write to `{}`: {error}", self.path.display())))
    }

    /// Goes on in another file if the target stands for one by now. The one before is closed first: it may be the same.
    fn rotate(&mut self) -> Result<(), RecorderError> {
        let path = self.target.path(&self.clock)?;
        if path != self.path {
            self.file = None;
            let (file, notice) = RecordingFile::open(&path, &self.target)?;
            info!(path = %path.display(), "recording to another file");
            if let Some(notice) = notice {
                warn!("{notice}");
            }
            (self.path, self.file) = (path, Some(file));
        }
        Ok(())
    }

    fn cannot_spill(&mut self, error: &std::io::Error) -> String {
        let folder = folder_of(&self.path).display().to_string();
        self.fail(format!("cannot keep a body in a temporary file in `{folder}`: {error}"))
    }

    /// Ends the recording, but not the traffic: nobody waits for it any more, and what was kept is dropped.
    fn fail(&mut self, cause: String) -> String {
        let failure = format!("{cause}; nothing is recorded until this is mended and the proxy started again");
        self.failure = Some(failure.clone());
        self.file = None;
        self.backlog.end();
        for content in self.begun.drain(..).filter_map(|begun| begun.upgrade()) {
            *content.store() = Store::GivenUp;
        }
        failure
    }
}

impl Drop for Writer {
    /// Also if the thread panics.
    fn drop(&mut self) {
        self.backlog.end();
    }
}

#[cfg(test)]
mod tests;
