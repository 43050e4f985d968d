use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::*;
use crate::flow::{
    Body, Sender,
    samples::{Next, Peer, Witness},
};

const TERMS: Collecting = Collecting { limit: 10, within: Duration::from_secs(5) };

fn live(next: impl IntoIterator<Item = Next>) -> Live {
    Live::new(Peer::new(next))
}

#[tokio::test(start_paused = true)]
async fn a_body_is_collected_once_and_kept_for_whom_it_is_for() {
    let live = live([Next::Piece("hel"), Next::Silence(Duration::from_secs(1)), Next::Piece("lo")]);
    assert_eq!(live.collect(TERMS).await.unwrap(), "hello");
    assert_eq!(live.collect(TERMS).await.unwrap(), "hello");
    assert_eq!(live.take().arrived, ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_still_passes_whole() {
    let live = live([Next::Piece("hello, "), Next::Piece("world"), Next::Piece("!")]);
    assert_eq!(live.collect(TERMS).await, Err(BodyFailure::TooLarge));
    let arrival = live.take();
    assert_eq!(arrival.arrived, ["hello, ", "world"]);
    assert!(arrival.rest.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_for_too_long_fails_the_body_for_good() {
    let began = Instant::now();
    let live = live([Next::Piece("a"), Next::Silence(Duration::from_secs(6)), Next::Piece("b")]);
    assert_eq!(live.collect(TERMS).await, Err(BodyFailure::TimedOut));
    assert_eq!(began.elapsed(), TERMS.within);
    assert_eq!(live.collect(TERMS).await, Err(BodyFailure::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_off_is_said_to() {
    let live = live([Next::Piece("a"), Next::Break]);
    let broken = BodyFailure::Incomplete("connection reset".to_owned());
    assert_eq!(live.collect(TERMS).await, Err(broken));
}

#[tokio::test(start_paused = true)]
async fn pieces_come_as_they_arrived() {
    let live = live([Next::Piece("hello"), Next::Silence(Duration::from_secs(1)), Next::Piece("you")]);
    assert_eq!(live.piece(0, 3, TERMS).await, Ok(Some("hel".into())));
    assert_eq!(live.piece(3, 100, TERMS).await, Ok(Some("lo".into())));
    assert_eq!(live.piece(5, 100, TERMS).await, Ok(Some("you".into())));
    assert_eq!(live.piece(8, 100, TERMS).await, Ok(None));
    assert_eq!(live.piece(u64::MAX, 1, TERMS).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_loses_nothing_of_the_body() {
    let live = live([Next::Silence(Duration::from_secs(2)), Next::Piece("late")]);
    let waited = tokio::time::timeout(Duration::from_secs(1), live.collect(TERMS)).await;
    assert!(waited.is_err());
    assert_eq!(live.collect(TERMS).await.unwrap(), "late");
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_all_whenever_it_comes() {
    let live = live([Next::Piece("a"), Next::Piece("b"), Next::Trailers("x-sum", "1")]);
    let first = Witness::new();
    live.observe(first.clone());
    assert_eq!(live.piece(0, 1, TERMS).await, Ok(Some("a".into())));
    let second = Witness::new();
    live.observe(second.clone());
    assert_eq!(live.collect(TERMS).await.unwrap(), "ab");
    let third = Witness::new();
    live.observe(third.clone());
    for witness in [first, second] {
        assert_eq!(witness.seen(), ["a", "b", "x-sum: 1", "whole"]);
    }
    // Who collected the body joined its pieces.
    assert_eq!(third.seen(), ["ab", "x-sum: 1", "whole"]);
}

#[tokio::test(start_paused = true)]
async fn an_observer_learns_that_a_body_broke_off() {
    let live = live([Next::Piece("a"), Next::Break]);
    let witness: Arc<Witness> = Witness::new();
    live.observe(witness.clone());
    assert!(live.collect(TERMS).await.is_err());
    assert_eq!(witness.seen(), ["a", "broken"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_here_already_is_taken_in_without_waiting() {
    let live = live([Next::Piece("a"), Next::Piece("b"), Next::Silence(Duration::from_secs(1)), Next::Piece("c")]);
    live.look_ahead().unwrap();
    assert_eq!(live.lock().arrived, ["a", "b"]);
    assert_eq!(live.collect(TERMS).await.unwrap(), "abc");

    let broken = BodyFailure::Incomplete("connection reset".to_owned());
    let live = self::live([Next::Piece("a"), Next::Break]);
    assert_eq!(live.look_ahead(), Err(broken.clone()));
    assert_eq!(live.collect(TERMS).await, Err(broken));
}

#[tokio::test]
async fn a_body_that_was_looked_at_passes_as_any_other() {
    let table: [(&[Next], Option<u64>, &[&str]); 5] = [
        (&[Next::Piece("a"), Next::Piece("b")], None, &["a", "b", "whole"]),
        (&[Next::Piece("a"), Next::Piece("b")], Some(2), &["a", "b", "whole"]),
        (&[Next::Piece("a"), Next::Trailers("x-sum", "1")], None, &["a", "x-sum: 1", "whole"]),
        (&[Next::Piece("a"), Next::Trailers("x-sum", "1")], Some(1), &["a", "x-sum: 1", "whole"]),
        (&[Next::Trailers("x-sum", "1")], None, &["x-sum: 1", "whole"]),
    ];
    for (next, announced, expected) in table {
        for is_looked_at in [false, true] {
            let peer = Peer::new(next.iter().copied());
            let body = Body::live(match announced {
                Some(len) => peer.announcing(len),
                None => peer,
            });
            if is_looked_at {
                body.look_ahead().unwrap();
            }
            let witness = Witness::new();
            body.observe(witness.clone());
            assert_eq!(body.size(), announced);
            let mut outgoing = body.into_outgoing(Sender::Server, TERMS.within).unwrap();
            assert_eq!(outgoing.size_hint().exact(), announced, "{expected:?} {is_looked_at}");
            // As HTTP libraries do, who ask for no end that they know of.
            while !outgoing.is_end_stream()
                && (announced.is_none() || outgoing.size_hint().exact() != Some(0))
                && let Some(frame) = outgoing.frame().await
            {
                frame.unwrap();
            }
            assert_eq!(witness.seen(), expected, "{announced:?} {is_looked_at}");
        }
    }
}
