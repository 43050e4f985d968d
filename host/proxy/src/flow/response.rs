//! Responses.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{StatusCode, Version};

use super::{Body, Fields, Lease, Upgrade};

/// Everything of a response but its body.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase, where HTTP/1 carried one that is not the usual one.
    pub reason: Option<Bytes>,
    /// The version it was received in.
    pub version: Version,
    /// The fields.
    pub fields: Fields,
}

/// How a client is told where a response's content ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By its length, where that is known.
    #[default]
    Length,
    /// By its end, as if its length were not known: in chunks, where the client knows them.
    End,
}

/// A response. Copies share head and body.
#[derive(Clone, Debug)]
pub struct Response {
    /// When the head was received.
    pub received_at: SystemTime,
    /// Everything but the body. Use [`Arc::make_mut`] to change it.
    pub head: Arc<ResponseHead>,
    /// The content.
    pub body: Body,
    /// How the client is told its end.
    pub framing: Framing,
    /// How long it is held back after the hooks, before the client gets it: latency that whoever made it asks for.
    pub latency: Duration,
    /// What it needs until it has been passed on.
    pub lease: Lease,
    /// What follows if it upgrades the connection.
    pub upgrade: Upgrade,
}

impl Response {
    /// A response that was received.
    pub fn received(received_at: SystemTime, head: Arc<ResponseHead>, body: Body) -> Self {
        let (framing, latency) = (Framing::default(), Duration::ZERO);
        Self { received_at, head, body, framing, latency, lease: Lease::default(), upgrade: Upgrade::default() }
    }

    /// A response made here and now.
    pub fn new(status: StatusCode, fields: Fields, body: Body) -> Self {
        let head = ResponseHead { status, reason: None, version: Version::HTTP_11, fields };
        Self::received(SystemTime::now(), Arc::new(head), body)
    }
}
