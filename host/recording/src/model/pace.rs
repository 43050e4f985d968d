//! How fast what was recorded is sent.

use std::time::Duration;

use super::Piece;

/// When a piece of stored content is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// How many bytes the piece has.
    pub len: u64,
    /// The time from the message's head to the piece.
    pub after: Duration,
}

/// How fast what was recorded is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// At once.
    AtOnce,
    /// As it was recorded, times a factor.
    Recorded(f64),
    /// After this time, and then at once.
    Delayed(Duration),
}

impl Pace {
    /// The time to wait for what came after so many seconds.
    pub fn delay(self, recorded: f64) -> Duration {
        match self {
            Self::AtOnce => Duration::ZERO,
            // A clock that was set back gives a negative time.
            Self::Recorded(factor) => Duration::try_from_secs_f64(recorded * factor).unwrap_or_default(),
            Self::Delayed(delay) => delay,
        }
    }

    /// When the pieces of a body are sent; nothing for all at once.
    pub fn beats(self, pieces: &[Piece]) -> Vec<Beat> {
        let Self::Recorded(factor) = self else { return Vec::new() };
        let scaled = |micros: u64| Duration::try_from_secs_f64(micros as f64 / 1e6 * factor).unwrap_or_default();
        pieces.iter().map(|piece| Beat { len: piece.len, after: scaled(piece.after_micros) }).collect()
    }

    /// When a body of so many bytes is sent of which only is known how many seconds it took: in equal pieces over that time.
    pub fn spread(self, size: u64, seconds: f64) -> Vec<Beat> {
        let Self::Recorded(factor) = self else { return Vec::new() };
        let took = Duration::try_from_secs_f64(seconds * factor).unwrap_or_default();
        let pieces = u32::try_from(size).unwrap_or(u32::MAX).min(SPREAD);
        if took < WORTH_SPREADING || pieces < 2 {
            return Vec::new();
        }
        let len = size.div_ceil(pieces.into());
        (0..pieces).map(|piece| Beat { len, after: took / (pieces - 1) * piece }).collect()
    }
}

/// The pieces of a body that is spread over its time.
const SPREAD: u32 = 64;

/// A shorter time is not worth the pieces.
const WORTH_SPREADING: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_times_are_multiplied() {
        let pieces = [Piece { len: 3, after_micros: 0 }, Piece { len: 4, after_micros: 1_500_000 }];
        let beats = Pace::Recorded(0.5).beats(&pieces);
        assert_eq!(beats, [Beat { len: 3, after: Duration::ZERO }, Beat { len: 4, after: Duration::from_millis(750) }]);
        assert_eq!(Pace::Recorded(2.0).delay(0.25), Duration::from_millis(500));
    }

    #[test]
    fn without_recorded_times_only_the_head_waits() {
        let pieces = [Piece { len: 3, after_micros: 9 }];
        assert_eq!(Pace::AtOnce.beats(&pieces), []);
        assert_eq!(Pace::AtOnce.delay(5.0), Duration::ZERO);
        let delayed = Pace::Delayed(Duration::from_millis(20));
        assert_eq!((delayed.beats(&pieces), delayed.delay(5.0)), (vec![], Duration::from_millis(20)));
    }

    #[test]
    fn times_that_make_no_sense_are_no_time() {
        for (factor, seconds) in [(1.0, -3.0), (f64::NAN, 1.0), (1e300, 1e300)] {
            assert_eq!(Pace::Recorded(factor).delay(seconds), Duration::ZERO);
        }
    }
}
