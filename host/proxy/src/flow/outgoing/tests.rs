use std::io;

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::*;
use crate::flow::{
    Body,
    samples::{Next, Peer, Witness},
};

const IDLE: Duration = Duration::from_secs(5);

fn passing(peer: Peer) -> Outgoing {
    Body::live(peer).into_outgoing(Sender::Server, IDLE).unwrap()
}

/// What is sent, up to its end or a failure.
async fn frames(mut outgoing: Outgoing) -> Vec<Result<String, FaultKind>> {
    let mut frames = Vec::new();
    while let Some(frame) = outgoing.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            // Nobody asks for more after a failure.
            Err(fault) => {
                frames.push(Err(fault.kind));
                break;
            }
        };
        frames.push(Ok(match frame.into_data() {
            Ok(data) => String::from_utf8_lossy(&data).into_owned(),
            Err(frame) => format!("{:?}", frame.into_trailers().unwrap()),
        }));
    }
    frames
}

fn data(text: &str) -> Result<String, FaultKind> {
    Ok(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_live_body_passes_piece_by_piece_with_its_trailers() {
    let next = [Next::Piece("a"), Next::Silence(IDLE / 2), Next::Piece("b"), Next::Trailers("x-sum", "1")];
    let outgoing = passing(Peer::new(next));
    assert_eq!(outgoing.size_hint().exact(), None);
    assert_eq!(frames(outgoing).await, [data("a"), data("b"), data("{\"x-sum\": \"1\"}")]);
}

#[tokio::test(start_paused = true)]
async fn a_live_body_that_stops_is_given_up() {
    let began = Instant::now();
    let outgoing = passing(Peer::new([Next::Piece("a"), Next::Silence(IDLE * 2), Next::Piece("b")]));
    let found = frames(outgoing).await;
    assert_eq!(found, [data("a"), Err(FaultKind::ResponseTimeout)]);
    assert!(began.elapsed() >= IDLE);
    let body = Body::live(Peer::new([Next::Break]));
    let found = frames(body.into_outgoing(Sender::Client, IDLE).unwrap()).await;
    assert_eq!(found, [Err(FaultKind::BadRequest)]);
}

#[tokio::test(start_paused = true)]
async fn trailers_after_an_announced_length_are_sent_too() {
    let peer = Peer::new([Next::Piece("ab"), Next::Trailers("x-sum", "1")]).announcing(2);
    let outgoing = passing(peer);
    assert_eq!(outgoing.size_hint().exact(), Some(2));
    assert_eq!(frames(outgoing).await, [data("ab"), data("{\"x-sum\": \"1\"}")]);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_those_who_see_the_body() {
    let body = Body::live(Peer::new([Next::Piece("a"), Next::Piece("b")]).announcing(2));
    let (witness, tell) = Witness::holding();
    body.observe(witness.clone());
    let mut outgoing = body.into_outgoing(Sender::Server, IDLE).unwrap();
    assert_eq!(outgoing.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
    let last = tokio::time::timeout(Duration::from_secs(1), outgoing.frame()).await;
    assert!(last.is_err(), "the last piece came before the observer was done");
    assert_eq!(witness.seen(), ["a", "b", "whole"]);
    assert!(!outgoing.is_end_stream());
    drop(tell);
    assert_eq!(outgoing.frame().await.unwrap().unwrap().into_data().unwrap(), "b");
    assert!(outgoing.is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_takes_to_its_end_is_broken_for_its_observers() {
    let body = Body::live(Peer::new([Next::Piece("a"), Next::Piece("b")]));
    let witness = Witness::new();
    body.observe(witness.clone());
    let mut outgoing = body.into_outgoing(Sender::Server, IDLE).unwrap();
    assert!(outgoing.frame().await.is_some());
    drop(outgoing);
    assert_eq!(witness.seen(), ["a", "broken"]);
}

/// Content in a place that is cut after some bytes.
#[derive(Debug)]
struct Shelf {
    content: Bytes,
    cut: u64,
    trailers: Option<HeaderMap>,
}

impl Stored for Shelf {
    fn size(&self) -> u64 {
        self.content.len() as u64
    }

    fn read_at(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        if offset >= self.cut {
            return Err(io::Error::other("the file is shorter now"));
        }
        let end = self.content.len().min(offset as usize + limit);
        Ok(self.content.slice(offset as usize..end))
    }

    fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.clone()
    }
}

fn shelf(len: usize, cut: u64, trailers: Option<HeaderMap>) -> Result<Outgoing, BodyFailure> {
    let stored = Shelf { content: vec![b'x'; len].into(), cut, trailers };
    Body::Stored(Arc::new(stored)).into_outgoing(Sender::Server, IDLE)
}

#[tokio::test]
async fn stored_content_has_its_length_unless_trailers_follow() {
    let large = 3 * AT_ONCE as usize;
    let outgoing = shelf(large, u64::MAX, None).unwrap();
    assert_eq!(outgoing.size_hint().exact(), Some(large as u64));
    assert_eq!(outgoing.collect().await.unwrap().to_bytes().len(), large);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    let outgoing = shelf(3, u64::MAX, Some(trailers)).unwrap();
    assert_eq!(outgoing.size_hint().exact(), None);
    assert_eq!(frames(outgoing).await, [data("xxx"), data("{\"x-sum\": \"1\"}")]);
}

#[tokio::test]
async fn stored_content_that_is_lost_fails_before_the_head_or_breaks_off() {
    assert!(matches!(shelf(3, 0, None), Err(BodyFailure::Incomplete(_))));
    assert!(matches!(shelf(1 << 20, 0, None), Err(BodyFailure::Incomplete(_))));
    let found = frames(shelf(2 * AT_ONCE as usize, AT_ONCE, None).unwrap()).await;
    assert_eq!(found.last(), Some(&Err(FaultKind::ResponseIncomplete)));
    assert_eq!(Body::Gone.into_outgoing(Sender::Server, IDLE).unwrap_err(), BodyFailure::Gone);
}

#[tokio::test]
async fn a_failure_leaves_time_for_sending_what_came_before_it() {
    let mut outgoing = passing(Peer::new([Next::Piece("a"), Next::Break]));
    let mut next = || outgoing.frame().now_or_never();
    assert!(matches!(next(), Some(Some(Ok(_)))));
    assert!(next().is_none());
    assert!(matches!(next(), Some(Some(Err(Fault { kind: FaultKind::ResponseIncomplete, .. })))));
}
