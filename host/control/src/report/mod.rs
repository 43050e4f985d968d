//! What came of a run of tests.

mod junit;
mod text;

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::Serialize;

/// What came of the flows so far, in one session or in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The session; nothing for all.
    pub session: Option<String>,
    /// Flows.
    pub flows: u64,
    /// Recorded exchanges that answer requests, with how often each was served.
    pub exchanges: Vec<ServedExchange>,
    /// Flows that an addon could not answer that should. The latest, if there are very many.
    pub misses: Vec<Miss>,
    /// How many misses there were.
    pub missed: u64,
    /// Flows that failed. The latest, if there are very many.
    pub failures: Vec<Failure>,
    /// How many failures there were.
    pub failed: u64,
}

/// A recorded exchange, and how often it was served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServedExchange {
    /// The recording.
    pub file: String,
    /// Its place among the flows of that file, from 1.
    pub number: u32,
    /// Method and URL, without the values of the query.
    pub request: String,
    /// The status of its response.
    pub status: u16,
    /// How often it was served.
    pub hits: u64,
}

/// A flow that an addon could not answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Miss {
    /// The flow.
    pub flow: u64,
    /// Its session.
    pub session: String,
    /// Method and URL, without the values of the query.
    pub request: String,
    /// Why, on one line.
    pub reason: String,
    /// The same for programs: key parts, nearest recorded requests, differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// A flow that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The flow.
    pub flow: u64,
    /// Its session.
    pub session: String,
    /// Method and URL, without the values of the query.
    pub request: String,
    /// One of the proxy error types of RFC 9209.
    pub error: String,
    /// What failed, for people.
    pub detail: String,
}

/// What a run of tests is to fail on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailOn {
    /// A request that an addon could not answer that should.
    pub miss: bool,
    /// A recorded exchange that was never served.
    pub unused: bool,
    /// A flow that failed.
    pub error: bool,
}

impl FailOn {
    /// What either of them names.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { miss: self.miss | other.miss, unused: self.unused | other.unused, error: self.error | other.error }
    }
}

impl Report {
    /// Recorded exchanges that were never served.
    pub fn unused(&self) -> impl Iterator<Item = &ServedExchange> {
        self.exchanges.iter().filter(|exchange| exchange.hits == 0)
    }

    /// How often a recorded exchange was served.
    pub fn replayed(&self) -> u64 {
        self.exchanges.iter().fold(0, |sum, exchange| sum.saturating_add(exchange.hits))
    }

    /// For a terminal: what came of the flows in a line, then a line for each miss, each exchange that was never served and
    /// each failure, as far as there are not very many.
    pub fn text(&self) -> String {
        text::write(self)
    }

    /// As JSON, with a line for each value.
    pub fn json(&self) -> String {
        // Fails for types with keys that are no texts only.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// As JUnit XML, as CI systems read it: a test for each recorded exchange, which was served or not, one for each miss
    /// and one for each failure. What the run is not to fail on is skipped.
    pub fn junit(&self, on: FailOn) -> String {
        junit::write(self, on)
    }

    /// Whether the run failed.
    pub fn fails(&self, on: FailOn) -> bool {
        on.miss && self.missed > 0 || on.unused && self.unused().next().is_some() || on.error && self.failed > 0
    }
}

/// A word that names nothing to fail on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing to fail on: name some of miss, unused, error")]
pub struct UnknownVerdict(String);

impl FromStr for FailOn {
    type Err = UnknownVerdict;

    fn from_str(text: &str) -> Result<Self, UnknownVerdict> {
        let mut on = Self::default();
        for word in text.split(',').map(str::trim) {
            match word {
                "miss" => on.miss = true,
                "unused" => on.unused = true,
                "error" => on.error = true,
                _ => return Err(UnknownVerdict(word.to_owned())),
            }
        }
        Ok(on)
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.miss, "miss"), (self.unused, "unused"), (self.error, "error")];
        let words: Vec<&str> = words.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word).collect();
        formatter.write_str(&words.join(","))
    }
}
