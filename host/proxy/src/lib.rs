//! A small HTTP(S) proxy whose behaviour lives in WebAssembly addons.
//!
//! One flow's road through the modules, in order: [`listen`] takes it in, [`proxy`] leads it through the hooks of the
//! [`addon`]s, [`upstream`] gets an answer if no addon gave one. [`flow`] is what travels, [`journal`] is what
//! can be seen of it, [`config`] is what the user wants, [`onboarding`] is what clients learn of the proxy itself,
//! and `recordings` is what addons can do with recorded flows: a capability that can be left out.

#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what peers and addons send reaches all of it"
)]

pub mod addon;
pub mod config;
pub mod connections;
pub mod faces;
pub mod flow;
pub mod generation;
mod handshake;
pub mod journal;
pub mod listen;
pub mod log;
pub mod onboarding;
pub mod proxy;
pub mod ready;
#[cfg(feature = "recordings")]
pub mod recordings;
pub mod report;
pub mod run;
pub mod running;
pub mod spelling;
mod throttle;
pub mod upstream;
pub mod user;
pub mod verdict;
