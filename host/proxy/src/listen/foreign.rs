//! Clients that speak something else than what a listener is for.

use std::{net::SocketAddr, sync::LazyLock};

use tracing::{debug, warn};

use crate::throttle::Throttle;

/// Most bytes that are shown of what a client sent.
const SHOWN: usize = 32;

/// Takes note of a client whose connection does not begin as `expected` does: one a second is written, and the others are
/// counted.
pub(super) fn tell(client: Option<SocketAddr>, expected: &'static str, first: &[u8]) {
    let client = client.map_or_else(|| "a client".to_owned(), |address| format!("the client {address}"));
    let shown = first.get(..SHOWN).unwrap_or(first).escape_ascii();
    if is_new() {
        warn!("{client} does not speak {expected}, and its connection is closed: it sent `{shown}`");
    } else {
        debug!("{client} does not speak {expected}, and its connection is closed: it sent `{shown}`");
    }
}

fn is_new() -> bool {
    static FOREIGN: LazyLock<Throttle<()>> = LazyLock::new(|| {
        Throttle::new(1, |(), times| {
            warn!(times, "{times} more clients do not speak what is spoken where they connected")
        })
    });
    FOREIGN.admits(())
}
