//! The recorder: takes in flows from everywhere, and gets them into a file one after the other.
//!
//! One thread of its own does all the waiting for the disk. Contents are handed to it while they pass; those that are too
//! large for memory go into temporary files beside the recording until their flow is whole. Then the flow is appended in one
//! go, so that a process that is killed leaves a file of whole flows, and at most a broken tail, which readers leave out.
//!
//! What the disk does not take costs the flow that it belongs to, and nothing else: each flow is tried anew, in a file that is
//! opened again if someone took it away, so that recording goes on as soon as it can.
//!
//! `kept` and `store` are a content on this and on the other side of the thread, `backlog` is how far that is behind;
//! `thread` deals with the work, `target` says which file is the one, `file` writes it, and `losses` says what it lacks.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use jiff::ZonedDateTime;
use tokio::{sync::oneshot, time::timeout};
use tracing::{error, warn};

use crate::model::{Flow, Source};

mod backlog;
mod error;
mod file;
mod kept;
mod losses;
mod store;
mod target;
mod thread;

pub use error::RecorderError;
pub use kept::{Input, Kept};

use backlog::Backlog;
use kept::Line;
pub use target::Existing;
use target::Target;
use thread::{Clock, Handed, Work, Writer};

/// Replaces secrets before they reach the disk.
pub trait Redactor: Send {
    /// Replaces the secrets in a flow. Its contents are in memory or in a file by then, or not recorded.
    ///
    /// # Errors
    /// With a reason, when it cannot be sure. The flow is not written then, and the reason is logged.
    fn redact(&self, flow: &mut Flow<Source>) -> Result<(), String>;
}

/// Writes flows to a file. Clones write to the same one.
#[derive(Clone, Debug)]
pub struct Recorder {
    line: Line,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// Whether the log says already that the disk is slow.
    is_known_slow: Arc<AtomicBool>,
    /// Whether the log says already that nothing is recorded any more.
    is_known_ended: Arc<AtomicBool>,
}

/// How recording has gone so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// About how many bytes wait to be written.
    pub waiting_bytes: u64,
    /// Flows that were written.
    pub written: u64,
    /// Flows that were lost.
    pub lost: u64,
}

/// A recorder that is ready.
#[derive(Debug)]
pub struct Opened {
    /// The recorder.
    pub recorder: Recorder,
    /// What its user should know about the file, if anything.
    pub notice: Option<String>,
}

impl Recorder {
    /// Opens the file to record to. Blocks on it.
    ///
    /// `target` is a path; missing folders are created. After a `+`, flows are appended, and otherwise `existing` says what
    /// becomes of a file that is there. A file that is removed, renamed or replaced later is opened again, and then always appended to. A `%` and
    /// a letter stand for a part of the local time as in strftime: whenever that changes the name, the
    /// next flow goes to a new file.
    ///
    /// # Errors
    /// When the file cannot be written, another recorder writes to it, or what is there may not be replaced or is nothing to
    /// append to.
    pub fn open(
        target: &str,
        existing: Existing,
        redactor: Option<Box<dyn Redactor>>,
    ) -> Result<Opened, RecorderError> {
        Self::open_by(Target::parse(target)?.treating(existing), redactor, Box::new(ZonedDateTime::now))
    }

    /// Whether there could be a recorder now. Nothing is written.
    ///
    /// # Errors
    /// When opening one would fail, as far as that can be known.
    pub fn check(target: &str, existing: Existing) -> Result<(), RecorderError> {
        let target = Target::parse(target)?.treating(existing);
        file::check(&target.path(ZonedDateTime::now)?, target.opening)
    }

    fn open_by(target: Target, redactor: Option<Box<dyn Redactor>>, clock: Clock) -> Result<Opened, RecorderError> {
        let backlog = Arc::new(Backlog::default());
        let (writer, notice) = Writer::open(target, clock, redactor, backlog.clone())?;
        let (sender, receiver) = mpsc::channel();
        let thread = Builder::new()
            .name("recorder".into())
            .spawn(move || writer.run(&receiver))
            .map_err(|source| RecorderError::Thread { source })?;
        let recorder = Self {
            line: Line { sender, backlog },
            thread: Arc::new(Mutex::new(Some(thread))),
            is_known_slow: Arc::default(),
            is_known_ended: Arc::default(),
        };
        Ok(Opened { recorder, notice })
    }

    /// Begins to keep a content.
    pub fn keep(&self) -> Kept {
        Kept::new(self.line.clone())
    }

    /// Hands in a flow at once, with its number for the log. The future waits until the flow has reached the system, or was
    /// given up with a line in the log; it need not be waited for, and ends if the disk takes much longer than disks do.
    pub fn save<C: Into<Input>>(
        &self,
        label: u64,
        flow: Flow<C>,
    ) -> impl Future<Output = ()> + Send + 'static + use<C> {
        let flow = flow.map_contents(Into::into);
        let bytes = HEAD + flow.contents().map(close).sum::<u64>();
        let size: u64 = flow.contents().map(size).sum();
        let (written, is_written) = oneshot::channel();
        // The thread says how many were refused.
        if self.line.backlog.admits_flow() {
            let handed = Box::new(Handed { label, flow, bytes, written });
            let is_lost = self.line.send(Work::Flow(handed), bytes).is_some();
            if is_lost {
                self.line.backlog.lose();
            }
            if is_lost && !self.is_known_ended.swap(true, Ordering::Relaxed) {
                error!(flow = label, reason = "the recorder has ended", "this flow and all after it are not recorded");
            }
        }
        let is_known_slow = self.is_known_slow.clone();
        let limit = TIMEOUT + Duration::from_secs(size / SLOW);
        async move {
            let waited = timeout(limit, is_written).await;
            if waited.is_err() && !is_known_slow.swap(true, Ordering::Relaxed) {
                warn!(
                    flow = label,
                    "the disk is slow: the flow was not written within {limit:?}, and others may not be either"
                );
            }
        }
    }

    /// How recording has gone so far.
    pub fn tally(&self) -> Tally {
        self.line.backlog.tally()
    }

    /// Has the recorder look at its file now, after someone renamed or removed it: a new one is opened at its path. Without
    /// this, that is done before the next flow is written, or within a second.
    pub fn reopen(&self) {
        // When the recorder has ended, there is nothing to open.
        let _ = self.line.send(Work::Reopen, 0);
    }

    /// Blocks until all is written that was handed in, and closes the file. What is handed in afterwards is not recorded.
    pub fn finish(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        self.line.send(Work::Finish, 0);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            error!("the recorder ended early by a fault of its own");
        }
    }
}

/// Ends a content that is saved, and says how much of the memory it can take until it is written.
fn close(content: &Input) -> u64 {
    match content {
        Input::Source(Source::NotRecorded | Source::File { .. } | Source::Quoted { .. }) => 0,
        Input::Source(Source::Bytes(bytes)) => bytes.len() as u64,
        Input::Kept(kept) => {
            kept.close();
            kept.size().min(store::MEMORY_LIMIT as u64)
        }
    }
}

/// How many bytes a content has.
fn size(content: &Input) -> u64 {
    match content {
        Input::Source(source) => source.size().unwrap_or(0),
        Input::Kept(kept) => kept.size(),
    }
}

/// About what a flow without content takes.
const HEAD: u64 = 4 * 1024;
/// How long an exchange waits for the disk, besides the time that its size takes.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The bytes in a second that a slow disk writes.
const SLOW: u64 = 20_000_000;

#[cfg(test)]
mod tests;
