//! What went wrong.

use serde::Serialize;

/// Why something was not done. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{reason}")]
pub struct ControlError {
    /// Whose mistake it is.
    pub kind: ErrorKind,
    /// What was attempted, on what, why it failed and what to do: one line.
    pub reason: String,
}

/// Whose mistake an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// There is nothing of that name or number.
    Unknown,
    /// What was asked for is not allowed, or not understood.
    Invalid,
    /// It was refused by the addon that it concerns, or cannot be done while the proxy runs.
    Refused,
    /// It was tried, and failed.
    Failed,
}

impl ControlError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}
