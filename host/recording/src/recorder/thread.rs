//! The recorder's thread, the only one that waits for the disk.

use std::{
    fs::File,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Instant,
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
    losses::{Losses, SETTLED},
    store::{Store, resolve},
    target::{Opening, Target},
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
    /// Look now whether the file is still the one at its path.
    Reopen,
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
    /// The path that the target stood for last, and its file. None while it cannot be opened.
    path: PathBuf,
    file: Option<RecordingFile>,
    losses: Losses,
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
        let (file, notice) = RecordingFile::open(&path, target.encoding, target.opening)?;
        let losses = Losses::default();
        Ok((Self { target, clock, redactor, backlog, path, file: Some(file), losses }, notice))
    }

    /// Works until nobody can hand in any more, or asks to finish.
    pub(super) fn run(mut self, work: &Receiver<Work>) {
        loop {
            match work.recv_timeout(SETTLED) {
                Ok(Work::Finish) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(next) => self.deal_with(next),
                Err(RecvTimeoutError::Timeout) => self.look_around(),
            }
        }
        // What was handed in meanwhile is not lost either.
        work.try_iter().for_each(|rest| self.deal_with(rest));
        self.close();
        self.losses.end();
    }

    fn deal_with(&mut self, work: Work) {
        match work {
            Work::Pieces { content, pieces, bytes } => {
                self.keep(&content, pieces);
                self.backlog.shrink(bytes);
            }
            Work::Flow(handed) => {
                let Handed { label, flow, bytes, written } = *handed;
                let outcome = self.write(flow);
                let now = Instant::now();
                self.losses.lose_unseen(self.backlog.take_refused(), "the disk is too slow for them", now);
                match outcome {
                    Ok(()) => {
                        self.backlog.write();
                        self.losses.written();
                    }
                    Err(reason) => {
                        self.backlog.lose();
                        self.losses.lose(label, &reason, now);
                    }
                }
                self.losses.settle(now);
                self.backlog.shrink(bytes);
                drop(written);
            }
            Work::Free(file) => drop(file),
            Work::Reopen => self.look_around(),
            Work::Finish => {}
        }
    }

    /// Says what is to be said although no flow comes.
    fn look_around(&mut self) {
        // If the file cannot be opened, the next flow says so.
        let _ = self.tend();
        self.losses.settle(Instant::now());
    }

    fn keep(&mut self, content: &Arc<KeptContent>, pieces: Vec<Bytes>) {
        // Nobody can save what only this work still holds.
        if Arc::strong_count(content) == 1 || content.is_broken_off() {
            *content.store() = Store::GivenUp;
            return;
        }
        // Bodies go to the folder of the file, which is made again if it is gone. Otherwise, they are lost there.
        let _ = self.tend();
        content.store().append(pieces, folder_of(&self.path));
    }

    /// Writes a flow, or says why not.
    fn write(&mut self, flow: Flow<Input>) -> Result<(), String> {
        self.tend().map_err(|error| chain(&error))?;
        let resolved = flow.try_map_contents(|content| match content {
            Input::Source(source) => Ok(source),
            Input::Kept(kept) => resolve(kept.content(), folder_of(&self.path)),
        });
        let mut flow = resolved?;
        if let Some(redactor) = &self.redactor {
            redactor.redact(&mut flow).map_err(|reason| format!("its secrets cannot be replaced: {reason}"))?;
        }
        let Some(file) = &mut self.file else {
            return Err("its file is closed".into());
        };
        file.write(&flow).map_err(|error| format!("cannot write to `{}`: {error}", self.path.display()))
    }

    /// Makes sure that the file is open that the target stands for by now, and that it is still at its path as it was left.
    fn tend(&mut self) -> Result<(), RecorderError> {
        let path = self.target.path(&self.clock)?;
        if path != self.path {
            // The one before is closed first: it may be the same.
            self.close();
            // Nobody is there to say whether what is there may go.
            let opening = match self.target.opening {
                Opening::Refuse => Opening::Append,
                opening => opening,
            };
            let (file, notice) = RecordingFile::open(&path, self.target.encoding, opening)?;
            info!(path = %path.display(), "recording to another file");
            if let Some(notice) = notice {
                warn!("{notice}");
            }
            (self.path, self.file) = (path, Some(file));
            return Ok(());
        }
        if let Some(change) = self.file.as_ref().and_then(|file| file.change(&path)) {
            warn!("recording `{}`: {change} while it was recorded to; it is opened again", path.display());
            self.close();
        }
        if self.file.is_none() {
            // What someone put there is not replaced.
            let (file, notice) = RecordingFile::open(&path, self.target.encoding, Opening::Append)?;
            if let Some(notice) = notice {
                warn!("{notice}");
            }
            self.file = Some(file);
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(Err(error)) = self.file.take().map(RecordingFile::close) {
            error!("recording `{}` may lack flows: the disk did not take all of them: {error}", self.path.display());
        }
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
