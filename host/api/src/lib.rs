//! A running proxy over HTTP: the control API, and the client that scripts use.
//!
//! [`Bound`] is the API of a proxy from its address to its end. [`serve`] answers requests of clients with what a
//! [`control::Control`] says and does. `server` takes connections, `guard`
//! decides who may ask for anything, `routes` is the table of what can be asked for, `input` reads what was sent, and `handlers`
//! has a module for each subject. `failure` is how errors look. What the answers look like stands in `openapi.json`.
//!
//! [`ctl`] is the client. Both sides meet by a [`RuntimeFile`], which says where a running proxy is and what its [`Token`] is.

// What clients send comes from outside, and so do the answers that the client reads. Tests may panic.
#![cfg_attr(not(test), warn(clippy::expect_used, clippy::panic, clippy::unreachable))]

mod access;
mod bound;
pub mod ctl;
mod failure;
mod guard;
mod handlers;
mod input;
mod routes;
mod runtime_file;
mod server;
mod token;

#[cfg(test)]
mod tests;

pub use access::Access;
pub use bound::{BindError, Bound};
pub use routes::router;
pub use runtime_file::{Running, RuntimeFile, RuntimeFileError};
pub use server::serve;
pub use token::{Token, TokenError};
