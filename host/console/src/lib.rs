//! A running proxy on a terminal.
//!
//! [`run`] takes the terminal and gives it back. Everything else is a state that keys and events change and that is drawn:
//!
//! * `model` is the state, and what of the proxy it holds: the list of flows, one flow, options, log, prompt;
//! * `update` says what a key or a click does to it; what takes time, such as running a command, it leaves to `run` as an
//!   `effect`, and hears of later;
//! * `view` draws it, and `body` makes bodies readable for that.
//!
//! None of these touches the terminal or the clock, so tests drive them with keys and compare screens. Whatever others wrote is
//! escaped where it becomes a line, so that it never commands the terminal.

#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "messages of anybody reach all of it")]

mod body;
mod complete;
mod effect;
mod key;
mod keymap;
mod model;
mod run;
mod terminal;
mod update;
mod view;
mod words;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use run::{ConsoleError, Ended, run};
