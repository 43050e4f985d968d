//! `proxyhost ctl`: a running proxy from a script.
//!
//! [`run`] does what the command line says, which [`command`] describes. `target` finds the proxy, `client` talks to it, and
//! `flows` and `lists` make lines of its answers.

mod client;
mod command;
mod error;
mod flows;
mod lists;
mod measure;
mod run;
mod target;

pub use command::command;
pub use error::CtlError;
pub use run::run;
