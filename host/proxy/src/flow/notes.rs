//! What is known of a flow beside its messages: what addons noted of it, and who decided on it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::Destination;

/// What an addon noted of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The addon.
    pub addon: Arc<str>,
    /// What the note is about, such as `missed`.
    pub name: String,
    /// What it says to people, on one line.
    pub text: String,
    /// The same for programs, as JSON.
    pub data: Option<String>,
}

/// Who decided on a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This addon answered.
    Answered(Arc<str>),
    /// It went to this server.
    Forwarded(Destination),
    /// This addon ended it without an answer.
    Killed(Arc<str>),
}

/// The notes of a flow, in order, and the last decision on it. Copies share them. They only grow, within bounds.
#[derive(Clone, Default)]
pub struct Notes(Arc<Shared>);

#[derive(Default)]
struct Shared {
    notes: Mutex<Vec<Arc<Note>>>,
    decision: Mutex<Option<Decision>>,
    observer: OnceLock<Box<NoteObserver>>,
}

/// Sees the notes of a flow as they are made.
pub type NoteObserver = dyn Fn(&Arc<Note>) + Send + Sync;

/// Most notes of a flow, and most bytes of a note's name, text and data.
const MOST: usize = 32;
const NAME_BYTES: usize = 64;
const TEXT_BYTES: usize = 4 * 1024;
const DATA_BYTES: usize = 64 * 1024;

impl Notes {
    /// These, and this decision.
    pub fn of(notes: Vec<Arc<Note>>, decision: Option<Decision>) -> Self {
        Self(Arc::new(Shared { notes: Mutex::new(notes), decision: Mutex::new(decision), observer: OnceLock::new() }))
    }

    /// Adds a note.
    ///
    /// # Errors
    /// When there are too many, or it is too long or has no name. Nothing is added then.
    pub fn add(&self, note: Note) -> Result<(), NoteRefused> {
        if note.name.is_empty() || note.name.len() > NAME_BYTES {
            return Err(NoteRefused::Name);
        }
        if note.text.len() > TEXT_BYTES {
            return Err(NoteRefused::Text);
        }
        if note.data.as_ref().is_some_and(|data| data.len() > DATA_BYTES) {
            return Err(NoteRefused::Data);
        }
        self.share(Arc::new(note))
    }

    /// Adds a note that other flows may have too. It is within the bounds.
    ///
    /// # Errors
    /// When there are too many. Nothing is added then.
    pub fn share(&self, note: Arc<Note>) -> Result<(), NoteRefused> {
        let mut notes = lock(&self.0.notes);
        if notes.len() >= MOST {
            return Err(NoteRefused::Many);
        }
        notes.push(note.clone());
        drop(notes);
        if let Some(observer) = self.0.observer.get() {
            observer(&note);
        }
        Ok(())
    }

    /// All so far.
    pub fn all(&self) -> Vec<Arc<Note>> {
        lock(&self.0.notes).clone()
    }

    /// Bytes of all so far, about.
    pub fn size(&self) -> usize {
        let data = |note: &Note| note.data.as_ref().map_or(0, String::len);
        let notes = lock(&self.0.notes);
        notes.iter().map(|note| note.name.len() + note.text.len() + data(note)).sum()
    }

    /// Has each further note be seen by one observer. Of several, the first counts.
    pub fn observe(&self, observer: Box<NoteObserver>) {
        // Fails only when there is one.
        let _ = self.0.observer.set(observer);
    }

    /// Says who decides on the flow. It may be decided again, as when an addon puts another answer in the place of a server's.
    pub fn decide(&self, decision: Decision) {
        *lock(&self.0.decision) = Some(decision);
    }

    /// Who decided on the flow, if somebody has.
    pub fn decision(&self) -> Option<Decision> {
        lock(&self.0.decision).clone()
    }
}

/// Nothing panics while it is held that could leave it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Notes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (notes, decision) = (self.all(), self.decision());
        formatter.debug_struct("Notes").field("notes", &notes).field("decision", &decision).finish()
    }
}

/// Why a note is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteRefused {
    /// There are enough.
    #[error("the flow has {MOST} notes already, and no more are kept")]
    Many,
    /// Its name is empty or too long.
    #[error("the name of a note has 1 to {NAME_BYTES} bytes")]
    Name,
    /// Its text is too long.
    #[error("the text of a note has at most {TEXT_BYTES} bytes")]
    Text,
    /// Its data is too long.
    #[error("the data of a note has at most {DATA_BYTES} bytes")]
    Data,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &str, text: usize, data: usize) -> Note {
        Note { addon: "a".into(), name: name.to_owned(), text: "x".repeat(text), data: Some("y".repeat(data)) }
    }

    #[test]
    fn copies_share_notes_and_decisions() {
        let notes = Notes::default();
        let copy = notes.clone();
        copy.add(note("missed", 1, 1)).unwrap();
        copy.decide(Decision::Killed("a".into()));
        assert_eq!(notes.all(), [Arc::new(note("missed", 1, 1))]);
        assert_eq!(notes.decision(), Some(Decision::Killed("a".into())));
    }

    #[test]
    fn notes_are_bounded() {
        let notes = Notes::default();
        assert_eq!(notes.add(note("", 0, 0)), Err(NoteRefused::Name));
        assert_eq!(notes.add(note(&"n".repeat(65), 0, 0)), Err(NoteRefused::Name));
        assert_eq!(notes.add(note("n", 4097, 0)), Err(NoteRefused::Text));
        assert_eq!(notes.add(note("n", 0, 65537)), Err(NoteRefused::Data));
        for _ in 0..32 {
            notes.add(note("n", 4096, 65536)).unwrap();
        }
        assert_eq!(notes.add(note("n", 0, 0)), Err(NoteRefused::Many));
        assert_eq!(notes.all().len(), 32);
    }

    #[test]
    fn an_observer_sees_the_notes_that_follow() {
        let (notes, seen) = (Notes::default(), Arc::new(Mutex::new(Vec::new())));
        notes.add(note("before", 0, 0)).unwrap();
        let sees = seen.clone();
        notes.observe(Box::new(move |note| lock(&sees).push(note.name.clone())));
        notes.clone().add(note("after", 0, 0)).unwrap();
        assert_eq!(*lock(&seen), ["after"]);
    }
}
