//! Lines of the log that peers and addons can cause as often as they like: so many of a kind are written in a second, and
//! the others are counted.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};

/// How long lines are counted.
const SECOND: Duration = Duration::from_secs(1);

/// Counts lines of a few kinds.
///
/// Nobody waits in it for another: a thread of low priority that writes lines without end would hold up those that serve
/// connections.
pub struct Throttle<K> {
    /// Most lines of a kind in a second.
    most: u32,
    started: Instant,
    kinds: RwLock<BTreeMap<K, Arc<Counted>>>,
    tell: Arc<dyn Fn(K, u32) + Send + Sync>,
}

/// Lines of a kind.
#[derive(Debug, Default)]
struct Counted {
    /// When the second began, in milliseconds, and how many were written in it: both in one number.
    second: AtomicU64,
    left_out: AtomicU32,
}

impl<K: Copy + Ord + Send + Sync + 'static> Throttle<K> {
    /// One that lets so many lines of a kind through in a second. When it is over, `tell` is called with the number of lines
    /// that were left out, if there are any.
    pub fn new(most: u32, tell: impl Fn(K, u32) + Send + Sync + 'static) -> Self {
        Self { most, started: Instant::now(), kinds: RwLock::default(), tell: Arc::new(tell) }
    }

    /// Whether a line of this kind is to be written now.
    pub fn admits(&self, kind: K) -> bool {
        let counted = self.counted(kind);
        let now = self.started.elapsed().as_millis() as u32;
        match counted.write(now, self.most) {
            Some(Written::First) => {
                let left_out = counted.left_out.swap(0, Ordering::Relaxed);
                if left_out > 0 {
                    (self.tell)(kind, left_out);
                }
                true
            }
            Some(Written::Another) => true,
            None => {
                if counted.left_out.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.tell_later(kind, counted);
                }
                false
            }
        }
    }

    fn counted(&self, kind: K) -> Arc<Counted> {
        let known = self.kinds.read().unwrap_or_else(PoisonError::into_inner).get(&kind).cloned();
        known.unwrap_or_else(|| {
            self.kinds.write().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default().clone()
        })
    }

    /// Outside of a runtime, the next line that is written tells.
    fn tell_later(&self, kind: K, counted: Arc<Counted>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let tell = self.tell.clone();
        runtime.spawn(async move {
            tokio::time::sleep(SECOND).await;
            let left_out = counted.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                tell(kind, left_out);
            }
        });
    }
}

/// A line that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// It is the first one of its second.
    First,
    /// There was one already.
    Another,
}

impl Counted {
    /// Takes note of a line, unless so many were written in this second already.
    fn write(&self, now: u32, most: u32) -> Option<Written> {
        let is_over = |began: u32| u128::from(now.wrapping_sub(began)) >= SECOND.as_millis();
        let before = self.second.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |second| match parts(second) {
            (began, written) if written == 0 || is_over(began) => Some(packed(now, 1)),
            (began, written) if written < most => Some(packed(began, written + 1)),
            _ => None,
        });
        let (began, written) = parts(before.ok()?);
        Some(if written == 0 || is_over(began) { Written::First } else { Written::Another })
    }
}

fn packed(began: u32, written: u32) -> u64 {
    u64::from(began) << 32 | u64::from(written)
}

fn parts(second: u64) -> (u32, u32) {
    ((second >> 32) as u32, second as u32)
}

impl<K> fmt::Debug for Throttle<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Throttle").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_of_a_kind_is_written_in_a_second_and_then_a_count() {
        let (told, counts) = mpsc::channel();
        let throttle = Throttle::new(1, move |kind, left_out| told.send((kind, left_out)).expect("the test listens"));
        assert!(throttle.admits("crashed") && throttle.admits("looped"));
        for _ in 0..300 {
            assert!(!throttle.admits("crashed"));
        }
        assert!(counts.try_recv().is_err());
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(counts.try_iter().collect::<Vec<_>>(), [("crashed", 300)]);
        assert!(throttle.admits("crashed"));
        tokio::time::sleep(2 * SECOND).await;
        assert!(counts.try_recv().is_err());
    }

    #[test]
    fn without_a_runtime_the_next_line_tells() {
        let (told, counts) = mpsc::channel();
        let throttle = Throttle::new(2, move |(), left_out| told.send(left_out).expect("the test listens"));
        assert!(throttle.admits(()) && throttle.admits(()) && !throttle.admits(()));
        throttle.counted(()).second.store(0, Ordering::Relaxed);
        assert!(throttle.admits(()));
        assert_eq!(counts.try_iter().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn no_line_is_lost_between_threads() {
        let counted = Counted::default();
        let admitted = thread::scope(|scope| {
            let threads =
                [(); 4].map(|()| scope.spawn(|| (0..1000).filter(|_| counted.write(5, 100).is_some()).count()));
            threads.map(|thread| thread.join().expect("it does not panic")).iter().sum::<usize>()
        });
        assert_eq!(admitted, 100);
        assert_eq!((counted.write(1004, 100), counted.write(1005, 100)), (None, Some(Written::First)));
        // The clock begins anew after weeks.
        assert_eq!(counted.write(u32::MAX, 100), Some(Written::First));
        assert_eq!((counted.write(998, 100), counted.write(999, 100)), (Some(Written::Another), Some(Written::First)));
    }
}
