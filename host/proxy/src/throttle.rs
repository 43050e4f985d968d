//! Lines of the log that peers and addons can cause as often as they like: so many of a kind are written in a second, and
//! the others are counted.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};

/// How long lines are counted.
const SECOND: Duration = Duration::from_secs(1);

/// Counts lines of a few kinds. Copies count together.
pub struct Throttle<K> {
    /// Most lines of a kind in a second.
    most: u32,
    kinds: Arc<Mutex<BTreeMap<K, Counted>>>,
}

/// Lines of a kind within a second.
#[derive(Debug, Default)]
struct Counted {
    began: Option<Instant>,
    written: u32,
    left_out: u32,
}

impl<K: Copy + Ord + Send + 'static> Throttle<K> {
    /// One that lets so many lines of a kind through in a second.
    pub fn new(most: u32) -> Self {
        Self { most, kinds: Arc::default() }
    }

    /// Whether a line of this kind is to be written now. If not, `tell` is called when the second is over, with the number of
    /// lines that were left out.
    pub fn admits(&self, kind: K, tell: impl FnOnce(u32) + Send + 'static) -> bool {
        let mut kinds = self.lock();
        let counted = kinds.entry(kind).or_default();
        let mut untold = 0;
        if counted.began.is_none_or(|began| began.elapsed() >= SECOND) {
            untold = counted.left_out;
            *counted = Counted { began: Some(Instant::now()), ..Counted::default() };
        }
        let is_admitted = counted.written < self.most;
        if is_admitted {
            counted.written += 1;
        } else {
            counted.left_out += 1;
        }
        let is_first_left_out = counted.left_out == 1;
        drop(kinds);
        if is_admitted && untold > 0 {
            tell(untold);
        } else if !is_admitted && is_first_left_out {
            self.tell_later(kind, tell);
        }
        is_admitted
    }

    /// Outside of a runtime, the next line that is written tells.
    fn tell_later(&self, kind: K, tell: impl FnOnce(u32) + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else { return };
        let throttle = Self { most: self.most, kinds: self.kinds.clone() };
        runtime.spawn(async move {
            tokio::time::sleep(SECOND).await;
            let left_out = throttle.lock().get_mut(&kind).map(|counted| std::mem::take(&mut counted.left_out));
            if let Some(left_out) = left_out.filter(|&left_out| left_out > 0) {
                tell(left_out);
            }
        });
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Counted>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets one line of a kind through in a second.
impl<K: Copy + Ord + Send + 'static> Default for Throttle<K> {
    fn default() -> Self {
        Self::new(1)
    }
}

impl<K> fmt::Debug for Throttle<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Throttle").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_of_a_kind_is_written_in_a_second_and_then_a_count() {
        let throttle = Throttle::default();
        let (told, counts) = mpsc::channel();
        let admits = |kind| {
            let told = told.clone();
            throttle.admits(kind, move |left_out| told.send((kind, left_out)).expect("the test listens"))
        };
        assert!(admits("crashed") && admits("looped"));
        for _ in 0..300 {
            assert!(!admits("crashed"));
        }
        assert!(counts.try_recv().is_err());
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(counts.try_iter().collect::<Vec<_>>(), [("crashed", 300)]);
        assert!(admits("crashed"));
        tokio::time::sleep(2 * SECOND).await;
        assert!(counts.try_recv().is_err());
    }

    #[test]
    fn without_a_runtime_the_next_line_tells() {
        let throttle = Throttle::new(2);
        assert!(throttle.admits((), |_| {}) && throttle.admits((), |_| {}) && !throttle.admits((), |_| {}));
        throttle.lock().entry(()).and_modify(|counted| counted.began = None);
        let (tell, counts) = mpsc::channel();
        assert!(throttle.admits((), move |left_out| tell.send(left_out).expect("the test listens")));
        assert_eq!(counts.try_iter().collect::<Vec<_>>(), [1]);
    }
}
