//! A flow with what is only known of one that was read.

use std::ops::Deref;

use super::{Comparison, Content, Flow, has_no_body};

/// A recorded request and what came of it. Everything in it was checked: no field can break a head.
///
/// It is its [`Flow`], and everything of that is asked of it directly.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The position of the flow in its file, from 1. Flows of other protocols count, so numbers may be missing.
    pub number: usize,
    /// Whether the exchange became a WebSocket: its messages were recorded, even if they cannot be read, or it switched
    /// protocols to `websocket`.
    pub is_websocket: bool,
    /// How the request's content is compared, if the recording says more of that than fields and bytes do.
    pub comparison: Option<Box<Comparison>>,
    /// Whether its query is only what a request has at least, in any order.
    pub query_is_least: bool,
    /// What was recorded.
    pub flow: Flow<Content>,
}

impl Exchange {
    /// Whether it has a final response that was recorded whole.
    pub fn is_answered(&self) -> bool {
        let Some(response) = &self.response else { return false };
        let is_whole = has_no_body(&self.request.method, response.status) || response.content != Content::NotRecorded;
        is_whole && self.error.is_none() && !self.is_websocket && response.status >= 200
    }

    /// When the response's head had arrived, or the request's where there is none, in seconds since the epoch; 0 if it was not
    /// recorded.
    pub fn recorded_at(&self) -> f64 {
        let asked_at = self.request.started_at;
        match &self.response {
            Some(response) if asked_at > 0.0 => response.started_at,
            _ => asked_at,
        }
    }

    /// Whether it has a final response that broke off, of which what came was recorded.
    pub fn is_broken(&self) -> bool {
        let Some(response) = &self.response else { return false };
        let came = !has_no_body(&self.request.method, response.status) && response.content != Content::NotRecorded;
        came && self.error.is_some() && !self.is_websocket && response.status >= 200
    }

    /// What it does not have that an answer needs; nothing if it can be replayed.
    pub fn lacks(&self) -> Option<&'static str> {
        if self.is_answered() || self.is_playable() {
            return None;
        }
        Some(match &self.response {
            None => "no response",
            Some(_) if self.is_websocket => "no WebSocket messages",
            Some(response) if self.error.is_some() || response.status < 200 => "no complete response",
            Some(_) => "no content of its response",
        })
    }

    /// Whether it is a WebSocket whose messages were recorded.
    pub fn is_playable(&self) -> bool {
        let is_upgraded = self.response.as_ref().is_some_and(|response| response.status == 101);
        is_upgraded && self.websocket.is_some()
    }
}

impl Deref for Exchange {
    type Target = Flow<Content>;

    fn deref(&self) -> &Self::Target {
        &self.flow
    }
}
