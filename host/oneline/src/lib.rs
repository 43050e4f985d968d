//! Texts for people that stay on one line: chains of errors, and what others wrote.

use std::{error::Error, iter};

/// An error and its causes, joined by `: `.
pub fn chain(error: &dyn Error) -> String {
    levels(error).collect::<Vec<_>>().join(": ")
}

/// What an error and each of its causes say, the error first. No level may say what one below it says again.
pub fn levels(error: &dyn Error) -> impl Iterator<Item = String> {
    iter::successors(Some(error), |&error| error.source()).map(ToString::to_string)
}
