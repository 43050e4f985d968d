//! Recordings that are replayed, and sessions.

use serde::Serialize;

/// A recording that an addon has loaded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordingInfo {
    /// The addon.
    pub addon: String,
    /// The file.
    pub file: String,
    /// Its exchanges that answer requests.
    pub exchanges: Vec<ExchangeInfo>,
    /// How many of its exchanges answer nothing: without a response, or left out by the addon.
    pub unusable: usize,
}

/// What an addon replays.
pub type Inventory = Vec<RecordingInfo>;

/// A recorded exchange that answers requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExchangeInfo {
    /// Its place among the flows of its file, from 1.
    pub number: u32,
    /// The method.
    pub method: String,
    /// The URL without the query's values, which may be secret.
    pub url: String,
    /// The status of the response.
    pub status: u16,
    /// How often it was served, in the session asked for or in all.
    pub hits: u64,
}

/// A session: the requests of one client or test, for which recorded answers are used up apart from those of others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionInfo {
    /// The name; empty for the one that all clients have that name none.
    pub name: String,
    /// Flows so far.
    pub flows: u64,
    /// Of those, how many an addon could not answer that should.
    pub misses: u64,
    /// Of those, how many failed.
    pub failures: u64,
    /// Recorded exchanges that were served.
    pub used: u64,
}
