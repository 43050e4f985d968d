//! A small HTTP(S) proxy whose behaviour lives in WebAssembly addons.
//!
//! One flow's road through the modules, in order: [`listen`] takes it in, [`proxy`] leads it through the hooks of the
//! [`addon`]s, [`upstream`] gets an answer if no addon gave one. [`flow`] is what travels, [`recording`] is where
//! recorded flows come from, [`config`] is what the user wants. [`flows`] is the tools for recordings, apart from the proxy.

pub mod addon;
pub mod config;
pub mod error;
pub mod flow;
pub mod flows;
pub mod listen;
pub mod proxy;
pub mod recording;
pub mod report;
pub mod run;
pub mod upstream;
