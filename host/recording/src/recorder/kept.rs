//! Contents on their way: noted and handed on by those who see them pass, without waiting for the disk.

use std::{
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
    task::{Context, Poll},
    time::{Instant, SystemTime},
};

use bytes::Bytes;

use super::{
    backlog::Backlog,
    store::{MEMORY_LIMIT, Store},
    thread::Work,
};
use crate::{
    flow_file::PIECES_LIMIT,
    model::{Piece, Source},
};

/// Content that is kept while it passes. Clones are the same content.
///
/// When the last clone is dropped without the content having been saved, it is forgotten.
#[derive(Clone, Debug)]
pub struct Kept {
    content: Arc<KeptContent>,
}

/// A content that is handed to the recorder.
#[derive(Clone, Debug)]
pub enum Input {
    /// It is there already, or never was.
    Source(Source),
    /// The recorder has kept it while it passed.
    Kept(Kept),
}

impl From<Source> for Input {
    fn from(source: Source) -> Self {
        Self::Source(source)
    }
}

impl Kept {
    pub(super) fn new(line: Line) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            content: Arc::new(KeptContent {
                number: LAST.fetch_add(1, Ordering::Relaxed),
                line,
                begun: Instant::now(),
                begun_at: SystemTime::now(),
                arrived: Mutex::default(),
                store: Mutex::default(),
            }),
        }
    }

    /// Keeps a piece, and notes when it came. Never waits. Nothing is kept any more once the content was saved or broken
    /// off, or the recorder has ended.
    pub fn add(&self, piece: Bytes) {
        let content = &self.content;
        let mut arrived = content.arrived();
        if piece.is_empty() || arrived.state != State::Open || content.line.backlog.is_over() {
            return;
        }
        arrived.note(piece.len() as u64, content.begun.elapsed().as_micros());
        arrived.gathered_bytes += piece.len();
        arrived.gathered.push(piece);
        // Most contents go along with their flow. A piece may hold on to a larger buffer that it is a part of, so only a
        // few of them are gathered.
        if arrived.gathered_bytes > MEMORY_LIMIT || arrived.gathered.len() >= GATHERED_PIECES {
            let bytes = mem::take(&mut arrived.gathered_bytes) as u64;
            let pieces = mem::take(&mut arrived.gathered);
            content.line.send(Work::Pieces { content: content.clone(), pieces, bytes }, bytes);
        }
    }

    /// The pieces in which it came, timed from a moment on. Later ones join the last when there are 65,536.
    pub fn pieces(&self, since: SystemTime) -> Vec<Piece> {
        let (earlier, later) = match since.duration_since(self.content.begun_at) {
            Ok(later) => (0, micros(later.as_micros())),
            Err(earlier) => (micros(earlier.duration().as_micros()), 0),
        };
        let timed = |piece: &Piece| {
            let after_micros = piece.after_micros.saturating_add(earlier).saturating_sub(later);
            Piece { after_micros, ..*piece }
        };
        self.content.arrived().pieces.iter().map(timed).collect()
    }

    /// How many bytes have come.
    pub fn size(&self) -> u64 {
        self.content.arrived().size
    }

    /// Pending while the recorder is far behind, so that a slow disk slows bodies down instead of filling the memory.
    /// Always ready once the recorder has ended.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        self.content.line.backlog.poll_room(self.content.number, context)
    }

    /// Gives the content up: what came of it is not whole. It counts as not recorded. Without effect once it was saved.
    pub fn break_off(&self) {
        let mut arrived = self.content.arrived();
        if arrived.state == State::Open {
            arrived.state = State::BrokenOff;
            arrived.gathered = Vec::new();
            arrived.gathered_bytes = 0;
            // What the recorder's thread has of it is given up there.
            let work = Work::Pieces { content: self.content.clone(), pieces: Vec::new(), bytes: 0 };
            self.content.line.send(work, 0);
        }
    }

    /// Takes no more pieces, because the content is being saved.
    pub(super) fn close(&self) {
        let mut arrived = self.content.arrived();
        if arrived.state == State::Open {
            arrived.state = State::Saved;
        }
    }

    pub(super) fn content(&self) -> &KeptContent {
        &self.content
    }
}

/// What clones share.
pub(super) struct KeptContent {
    number: u64,
    line: Line,
    /// Arrival times are differences to this, so that they never go backwards.
    begun: Instant,
    begun_at: SystemTime,
    arrived: Mutex<Arrived>,
    /// What the recorder's thread has of it, and only that thread touches.
    store: Mutex<Store>,
}

impl KeptContent {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has come and was not handed on yet, or nothing if the content was broken off.
    pub(super) fn take_gathered(&self) -> Option<Vec<Bytes>> {
        let mut arrived = self.arrived();
        arrived.gathered_bytes = 0;
        (arrived.state != State::BrokenOff).then(|| mem::take(&mut arrived.gathered))
    }

    pub(super) fn is_broken_off(&self) -> bool {
        self.arrived().state == State::BrokenOff
    }

    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeptContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arrived { size, state, .. } = &*self.arrived();
        formatter.debug_struct("KeptContent").field("size", size).field("state", state).finish_non_exhaustive()
    }
}

impl Drop for KeptContent {
    /// Freeing gigabytes of a disk takes a while, so the thread does it that waits for the disk anyway.
    fn drop(&mut self) {
        let store = self.store.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = store.take_file() {
            self.line.send(Work::Free(file), 0);
        }
    }
}

#[derive(Debug, Default)]
struct Arrived {
    size: u64,
    state: State,
    /// Timed since the content was begun.
    pieces: Vec<Piece>,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    BrokenOff,
    Saved,
}

impl Arrived {
    fn note(&mut self, len: u64, after_micros: u128) {
        self.size += len;
        let is_full = self.pieces.len() >= PIECES_LIMIT;
        match self.pieces.last_mut() {
            Some(last) if is_full => last.len += len,
            _ => self.pieces.push(Piece { len, after_micros: micros(after_micros) }),
        }
    }
}

fn micros(micros: u128) -> u64 {
    u64::try_from(micros).unwrap_or(u64::MAX)
}

/// The way to the recorder's thread.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) sender: Sender<Work>,
    pub(super) backlog: Arc<Backlog>,
}

impl Line {
    /// Hands in work that weighs this many bytes until it is done. Answers with the work if nobody does it any more.
    pub(super) fn send(&self, work: Work, bytes: u64) -> Option<Work> {
        self.backlog.grow(bytes);
        let returned = self.sender.send(work).err()?;
        self.backlog.shrink(bytes);
        Some(returned.0)
    }
}

const GATHERED_PIECES: usize = 64;

#[cfg(test)]
mod tests;
