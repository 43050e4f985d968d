//! Material for tests: a request, bodies of a peer that says what is to come and when, and observers that write down what they see.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Version, uri::Authority};
use http_body::{Body, Frame, SizeHint};
use tokio::{
    sync::mpsc,
    time::{Sleep, sleep},
};

use super::{BodyObserver, BoxError, Completion, Destination, Fields, FlowId, Request, RequestHead, Scheme, Target};

/// `GET http://a.example/` over HTTP/1.1, with a body.
pub(crate) fn request(body: super::Body) -> Request {
    let head = RequestHead {
        method: Method::GET,
        destination: Destination::new(Scheme::Http, "a.example", 80).unwrap(),
        authority: Some(Authority::from_static("a.example")),
        target: Target::parse("/").unwrap(),
        version: Version::HTTP_11,
        fields: Fields::default(),
        accepts_trailers: false,
        upgrade: None,
    };
    Request::new(FlowId(1), head, body)
}

/// What a peer does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// It sends a piece.
    Piece(&'static str),
    /// It is silent for a time.
    Silence(Duration),
    /// It sends a trailer field.
    Trailers(&'static str, &'static str),
    /// It breaks off.
    Break,
}

/// What a peer sends, in order.
pub(crate) struct Peer {
    next: VecDeque<Next>,
    announced: Option<u64>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Peer {
    /// A peer that does not tell the length.
    pub(crate) fn new(next: impl IntoIterator<Item = Next>) -> Self {
        Self { next: next.into_iter().collect(), announced: None, timer: None }
    }

    /// It announces a length, of what is still to come.
    pub(crate) fn announcing(mut self, len: u64) -> Self {
        self.announced = Some(len);
        self
    }
}

impl Body for Peer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if let Some(timer) = &mut self.timer {
                std::task::ready!(timer.as_mut().poll(context));
                self.timer = None;
            }
            return Poll::Ready(match self.next.pop_front() {
                None => None,
                Some(Next::Silence(time)) => {
                    self.timer = Some(Box::pin(sleep(time)));
                    continue;
                }
                Some(Next::Piece(piece)) => {
                    let announced = self.announced.map(|left| left.saturating_sub(piece.len() as u64));
                    self.announced = announced;
                    Some(Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))
                }
                Some(Next::Trailers(name, value)) => {
                    let mut trailers = HeaderMap::new();
                    trailers.insert(name, HeaderValue::from_static(value));
                    Some(Ok(Frame::trailers(trailers)))
                }
                Some(Next::Break) => Some(Err("connection reset".into())),
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Writes down what it sees, and completes when it is let.
#[derive(Debug)]
pub(crate) struct Witness {
    seen: Mutex<Vec<String>>,
    completion: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Witness {
    /// One that holds nothing up.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), completion: Mutex::new(None) })
    }

    /// One that holds the end up until it is told, or its teller is gone.
    pub(crate) fn holding() -> (Arc<Self>, mpsc::Sender<()>) {
        let (tell, told) = mpsc::channel(1);
        (Arc::new(Self { seen: Mutex::default(), completion: Mutex::new(Some(told)) }), tell)
    }

    /// What it saw so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn note(&self, text: String) {
        self.seen.lock().unwrap().push(text);
    }
}

impl BodyObserver for Witness {
    fn piece(&self, piece: &Bytes) {
        self.note(String::from_utf8_lossy(piece).into_owned());
    }

    fn trailers(&self, trailers: &HeaderMap) {
        for (name, value) in trailers {
            self.note(format!("{name}: {}", value.to_str().unwrap()));
        }
    }

    fn poll_room(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn end(&self, whole: bool) -> Option<Completion> {
        self.note(if whole { "whole" } else { "broken" }.to_owned());
        let mut told = self.completion.lock().unwrap().take()?;
        Some(Box::pin(async move {
            told.recv().await;
        }))
    }
}
