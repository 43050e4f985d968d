//! The log: what of it is written, and to where.
//!
//! `standard_error` takes lines from whoever has one and writes them from a thread of its own. Nothing else writes to standard
//! error while the proxy runs: whoever did would wait for its reader. `fields` makes what a line says harmless to a terminal. `heard`
//! tells those who listen to the proxy of each line, and
//! `access` leaves lines of flows out that nobody would see.

mod access;
mod fields;
mod heard;
mod standard_error;

use std::{
    io::{self, IsTerminal},
    panic,
    sync::Arc,
    thread,
};

use compiled::Unusable;
use tracing::{Level, debug, warn};
use tracing_subscriber::{EnvFilter, filter::Directive, fmt::layer, layer::SubscriberExt, util::SubscriberInitExt};

pub use standard_error::{GivenWay, StandardError};

use crate::{addon::AddonEngine, config::Settings, journal::Journal};
use access::SeenFlows;
use fields::HarmlessFields;
use heard::Heard;

/// What an operator asked to be told is said whatever else is logged.
pub const ASKED: &str = "proxyhost::asked";

/// Begins to log what the settings say, and tells what the engine could not tell before. Those who listen to the journal hear
/// each line.
pub fn start(to: &StandardError, settings: &Settings, engine: &AddonEngine, journal: Option<Arc<Journal>>) {
    let filter = EnvFilter::try_new(&settings.log);
    let wrong = filter.as_ref().err().map(ToString::to_string);
    let mut filter = filter.unwrap_or_else(|_| EnvFilter::new("proxyhost=info"));
    if let Ok(asked) = format!("{ASKED}=info").parse::<Directive>() {
        filter = filter.add_directive(asked);
    }
    let lines = layer()
        .with_writer(to.clone())
        .fmt_fields(HarmlessFields)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry()
        .with(filter)
        .with(SeenFlows::new(to.clone()))
        .with(lines)
        .with(journal.map(Heard::new))
        .init();
    for warning in settings.warnings.iter().chain(&wrong).chain(&engine.warning) {
        warn!("{warning}");
    }
    match &engine.cache {
        Some(Err(error @ Unusable::Foreign { .. })) => warn!("{}", oneline::escaped(&oneline::chain(error))),
        Some(Err(error @ Unusable::Failed { .. })) => debug!("{}", oneline::escaped(&oneline::chain(error))),
        None => debug!("compiled addons are not kept: neither `XDG_CACHE_HOME` nor `HOME` is set"),
        Some(Ok(_)) => {}
    }
}

/// Makes panics a line of the log, whether it has begun or not: by default they are written to standard error at once.
pub fn panics(to: &StandardError) {
    let to = to.clone();
    panic::set_hook(Box::new(move |panic| {
        let thread = thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let panic: String = oneline::spaced(&panic.to_string()).collect();
        to.line(Level::ERROR, &format!("thread `{name}` {panic}"));
        // The process ends with its first thread.
        if name == "main" {
            to.finish();
        }
    }));
}
