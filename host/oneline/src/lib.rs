//! Texts for people that stay on one line: chains of errors, and what others wrote.

use std::{error::Error, iter};

/// An error and its causes, joined by `: `.
pub fn chain(error: &dyn Error) -> String {
    let levels: Vec<String> = iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    levels.join(": ")
}
