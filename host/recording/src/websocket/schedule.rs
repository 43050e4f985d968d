//! What comes next in a session that is played, and when.

use std::time::Duration;

use tokio::time::Instant;

use super::session::{Manner, Session, Turn};
use crate::model::{Message, Pace, WebSocket};

/// Where a session that is played has got to.
pub(super) struct Schedule<'s, C> {
    session: &'s Session<C>,
    turn: Turn,
    pace: Pace,
    started: Instant,
    /// When the message before the next one had passed.
    since: Instant,
    /// The next message, and how many before it are the client's.
    position: usize,
    passed: usize,
    /// After how many messages the session is closed.
    end: usize,
    /// Where the client's next message may be found, and how many have come.
    expected: usize,
    come: usize,
    /// How many messages the client sends before the session is closed.
    said: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The server's message at this index, at this time.
    Send(usize, Instant),
    /// The server's end of the session, at this time.
    Close(Instant),
    /// Something that the client does.
    Wait,
}

/// A wait that nobody sees the end of.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How much longer a session is kept open whose client has not said everything yet.
const GRACE: Duration = Duration::from_secs(2);

impl<'s, C> Schedule<'s, C> {
    /// Starts a session whose handshake was done `now`.
    pub(super) fn new(session: &'s Session<C>, manner: Manner, now: Instant) -> Self {
        let (turn, pace) = (manner.turn, manner.pace);
        let end = end(&session.websocket);
        let said = session.websocket.messages.iter().take(end).filter(|message| message.from_client).count();
        let (started, since) = (now, now);
        let (position, passed, expected, come) = (0, 0, 0, 0);
        let mut schedule = Self { session, turn, pace, started, since, position, passed, end, expected, come, said };
        schedule.pass_client(now);
        schedule
    }

    /// What comes next.
    pub(super) fn next(&self) -> Next {
        match self.upcoming() {
            Some(message) if message.from_client => Next::Wait,
            Some(message) => Next::Send(self.position, self.due(message.at)),
            None if self.session.websocket.closed_by_client == Some(false) => {
                let due = self.due(self.session.websocket.ended_at.unwrap_or_else(|| self.before()));
                // A client that is a little slower than the recorded one is not to lose its last words.
                Next::Close(if self.come < self.said { later(due.max(self.since), GRACE) } else { due })
            }
            None => Next::Wait,
        }
    }

    /// The message that comes next was sent `now`.
    pub(super) fn sent(&mut self, now: Instant) {
        self.position += 1;
        self.since = now;
        self.pass_client(now);
    }

    /// The client has sent a message `now`. Returns its number, and the index of the recorded one if there is one.
    pub(super) fn came(&mut self, now: Instant) -> (usize, Option<usize>) {
        self.come += 1;
        let left = self.session.websocket.messages.get(self.expected..).unwrap_or_default();
        let index = left.iter().position(|message| message.from_client).map(|ahead| self.expected + ahead);
        self.expected = index.map_or(self.session.websocket.messages.len(), |index| index + 1);
        self.pass_client(now);
        (self.come, index)
    }

    /// How many messages of the server were not sent, and how many of the client did not come.
    pub(super) fn left(&self) -> (usize, usize) {
        let left = self.session.websocket.messages.get(self.position..).unwrap_or_default();
        let unsent = left.iter().filter(|message| !message.from_client).count();
        let all = self.session.websocket.messages.iter().filter(|message| message.from_client).count();
        (unsent, all.saturating_sub(self.come))
    }

    /// Goes on over the client's messages that nobody waits for.
    fn pass_client(&mut self, now: Instant) {
        while self.upcoming().is_some_and(|message| message.from_client) {
            if self.turn == Turn::Requested {
                if self.come <= self.passed {
                    return;
                }
                self.since = now;
            }
            self.passed += 1;
            self.position += 1;
        }
    }

    fn upcoming(&self) -> Option<&'s Message<C>> {
        self.session.websocket.messages.get(..self.end)?.get(self.position)
    }

    /// When something is played that was recorded at `at`.
    fn due(&self, at: f64) -> Instant {
        match (self.pace, self.turn) {
            (Pace::AtOnce, _) => self.since,
            (Pace::Delayed(gap), _) => later(self.since, gap),
            (Pace::Recorded(factor), Turn::Timed) => later(self.started, scaled(at - self.session.started_at, factor)),
            (Pace::Recorded(factor), Turn::Requested) => later(self.since, scaled(at - self.before(), factor)),
        }
    }

    /// When the message before the next one was recorded.
    fn before(&self) -> f64 {
        let before = self.position.checked_sub(1).and_then(|index| self.session.websocket.messages.get(index));
        before.map_or(self.session.started_at, |message| message.at)
    }
}

/// After how many messages the session is closed. A side that is told to close may have sent something until then, which
/// nobody waits for.
fn end<C>(websocket: &WebSocket<C>) -> usize {
    let ended_at = websocket.ended_at.unwrap_or(f64::INFINITY);
    let is_before = |message: &Message<C>| !message.from_client || message.at <= ended_at;
    websocket.messages.iter().rposition(is_before).map_or(0, |index| index + 1)
}

/// A recorded gap in seconds, times `factor`. Recordings may have any numbers.
fn scaled(gap: f64, factor: f64) -> Duration {
    let seconds = gap * factor;
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST) } else { Duration::ZERO }
}

fn later(instant: Instant, gap: Duration) -> Instant {
    instant + gap.min(LONGEST)
}

#[cfg(test)]
mod tests;
