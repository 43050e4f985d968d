use super::*;
use crate::websocket::session::OnDifference;

type Session = super::Session<()>;

/// A session of messages of the client and the server (`c` and `s`) with their times, whose handshake was done at 100.
fn session(messages: &[(char, f64)]) -> Session {
    let message = |(side, at): &(char, f64)| Message { is_text: true, from_client: *side == 'c', content: (), at: *at };
    let messages = messages.iter().map(message).collect();
    Session { websocket: WebSocket { messages, ..WebSocket::default() }, started_at: 100.0 }
}

/// The session with its end.
fn ended(mut session: Session, closed_by_client: Option<bool>, ended_at: Option<f64>) -> Session {
    (session.websocket.closed_by_client, session.websocket.ended_at) = (closed_by_client, ended_at);
    session
}

fn manner(turn: Turn, pace: Pace) -> Manner {
    Manner { turn, pace, on_difference: OnDifference::Ignore }
}

const AS_RECORDED: Pace = Pace::Recorded(1.0);

struct Clock(Instant);

impl Clock {
    fn at(&self, millis: u64) -> Instant {
        self.0 + Duration::from_millis(millis)
    }
}

fn clock() -> Clock {
    Clock(Instant::now())
}

#[test]
fn timed_messages_come_at_their_times_from_the_handshake_on() {
    let (session, clock) = (session(&[('c', 101.0), ('s', 102.0), ('c', 103.0), ('s', 104.5)]), clock());
    let mut schedule = Schedule::new(&session, manner(Turn::Timed, AS_RECORDED), clock.at(0));
    assert_eq!(schedule.next(), Next::Send(1, clock.at(2000)));
    // It is late, and the next one is not.
    schedule.sent(clock.at(2700));
    assert_eq!(schedule.next(), Next::Send(3, clock.at(4500)));
    schedule.sent(clock.at(4500));
    assert_eq!(schedule.next(), Next::Wait);
    assert_eq!(schedule.left(), (0, 2));
}

#[test]
fn timed_messages_wait_for_one_another_at_a_fixed_pace() {
    let (session, clock) = (session(&[('s', 101.0), ('c', 101.5), ('s', 102.0)]), clock());
    let fixed = Pace::Delayed(Duration::from_millis(300));
    let mut schedule = Schedule::new(&session, manner(Turn::Timed, fixed), clock.at(0));
    assert_eq!(schedule.next(), Next::Send(0, clock.at(300)));
    schedule.sent(clock.at(310));
    schedule.came(clock.at(500));
    assert_eq!(schedule.next(), Next::Send(2, clock.at(610)));
}

#[test]
fn requested_messages_wait_for_the_client() {
    let (session, clock) = (session(&[('s', 101.0), ('c', 105.0), ('s', 105.5), ('s', 106.0)]), clock());
    let mut schedule = Schedule::new(&session, manner(Turn::Requested, AS_RECORDED), clock.at(0));
    assert_eq!(schedule.next(), Next::Send(0, clock.at(1000)));
    schedule.sent(clock.at(1000));
    assert_eq!(schedule.next(), Next::Wait);
    assert_eq!(schedule.came(clock.at(1010)), (1, Some(1)));
    assert_eq!(schedule.next(), Next::Send(2, clock.at(1510)));
    schedule.sent(clock.at(1520));
    assert_eq!(schedule.next(), Next::Send(3, clock.at(2020)));
}

#[test]
fn a_client_may_be_ahead() {
    let (session, clock) = (session(&[('s', 101.0), ('c', 102.0), ('c', 103.0), ('s', 104.0)]), clock());
    let mut schedule = Schedule::new(&session, manner(Turn::Requested, AS_RECORDED), clock.at(0));
    assert_eq!(schedule.came(clock.at(0)), (1, Some(1)));
    assert_eq!(schedule.came(clock.at(1)), (2, Some(2)));
    assert_eq!(schedule.came(clock.at(2)), (3, None));
    assert_eq!(schedule.next(), Next::Send(0, clock.at(1000)));
    schedule.sent(clock.at(1000));
    assert_eq!(schedule.next(), Next::Send(3, clock.at(2000)));
    assert_eq!(schedule.left(), (1, 0));
}

#[test]
fn a_pace_stretches_the_gaps_or_leaves_them_out() {
    let (session, clock) = (session(&[('s', 102.0)]), clock());
    for turn in [Turn::Timed, Turn::Requested] {
        let due = |pace| match Schedule::new(&session, manner(turn, pace), clock.at(0)).next() {
            Next::Send(0, due) => due,
            other => panic!("{other:?}"),
        };
        assert_eq!(due(Pace::AtOnce), clock.at(0));
        assert_eq!(due(Pace::Recorded(0.0)), clock.at(0));
        assert_eq!(due(Pace::Recorded(0.5)), clock.at(1000));
        assert_eq!(due(Pace::Recorded(3.0)), clock.at(6000));
        assert_eq!(due(Pace::Delayed(Duration::from_millis(7))), clock.at(7));
        for nonsense in [-1.0, f64::NAN] {
            assert_eq!(due(Pace::Recorded(nonsense)), clock.at(0));
        }
        for endless in [f64::INFINITY, 1e300] {
            assert_eq!(due(Pace::Recorded(endless)), clock.0 + LONGEST);
        }
        assert_eq!(due(Pace::Delayed(Duration::MAX)), clock.0 + LONGEST);
    }
}

#[test]
fn times_that_go_backwards_are_no_gaps() {
    let (session, clock) = (session(&[('s', 90.0), ('s', 80.0), ('s', f64::NAN)]), clock());
    for turn in [Turn::Timed, Turn::Requested] {
        let mut schedule = Schedule::new(&session, manner(turn, AS_RECORDED), clock.at(0));
        for index in 0..3 {
            assert_eq!(schedule.next(), Next::Send(index, clock.at(0)));
            schedule.sent(clock.at(0));
        }
    }
}

#[test]
fn the_server_closes_after_what_was_before() {
    let clock = clock();
    // The client's last message was under way when the server closed: nobody may wait for it.
    let session = ended(session(&[('s', 101.0), ('c', 103.0), ('c', 104.5)]), Some(false), Some(104.0));
    let mut schedule = Schedule::new(&session, manner(Turn::Requested, AS_RECORDED), clock.at(0));
    schedule.sent(clock.at(1000));
    assert_eq!(schedule.next(), Next::Wait);
    schedule.came(clock.at(1500));
    assert_eq!(schedule.next(), Next::Close(clock.at(2500)));
    assert_eq!(schedule.came(clock.at(1600)), (2, Some(2)));
    assert_eq!(schedule.next(), Next::Close(clock.at(2500)));

    let mut schedule = Schedule::new(&session, manner(Turn::Timed, AS_RECORDED), clock.at(0));
    schedule.sent(clock.at(1000));
    // The client, which is late, has some time left.
    assert_eq!(schedule.next(), Next::Close(clock.at(6000)));
    schedule.came(clock.at(3500));
    assert_eq!(schedule.next(), Next::Close(clock.at(4000)));

    let without_time = ended(session.clone(), Some(false), None);
    let mut schedule = Schedule::new(&without_time, manner(Turn::Requested, AS_RECORDED), clock.at(0));
    schedule.sent(clock.at(0));
    schedule.came(clock.at(10));
    schedule.came(clock.at(20));
    assert_eq!(schedule.next(), Next::Close(clock.at(20)));
}

#[test]
fn all_messages_of_the_server_are_sent_whatever_time_it_ended() {
    let clock = clock();
    let session = ended(session(&[('c', 101.0), ('s', 102.0)]), Some(false), Some(0.0));
    let mut schedule = Schedule::new(&session, manner(Turn::Timed, AS_RECORDED), clock.at(0));
    assert_eq!(schedule.next(), Next::Send(1, clock.at(2000)));
    schedule.sent(clock.at(2000));
    assert_eq!(schedule.next(), Next::Close(clock.at(4000)));
    schedule.came(clock.at(2100));
    assert_eq!(schedule.next(), Next::Close(clock.at(0)));
}

#[test]
fn a_session_that_the_client_closed_waits_for_it() {
    let clock = clock();
    for closed_by_client in [Some(true), None] {
        let session = ended(session(&[]), closed_by_client, Some(101.0));
        let schedule = Schedule::new(&session, manner(Turn::Timed, Pace::AtOnce), clock.at(0));
        assert_eq!(schedule.next(), Next::Wait);
    }
}
