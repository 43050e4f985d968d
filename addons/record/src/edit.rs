//! Requests as servers are to see them, so that their answers are whole.

use proxyhost_sdk::{Request, log, options};

/// Whether anything is to be changed.
pub(crate) fn is_wanted() -> bool {
    options::flag("anticache") || options::flag("anticomp")
}

/// Changes what the options say.
pub(crate) fn edit(request: &Request) {
    if options::flag("anticache") {
        CONDITIONS.iter().filter(|name| request.field(name).is_some()).for_each(|name| {
            report(request.remove_field(name));
        });
    }
    if options::flag("anticomp") {
        report(request.set_field("accept-encoding", b"identity"));
    }
}

/// The conditions of RFC 9110, section 13.1, that have a server answer without content.
const CONDITIONS: [&str; 2] = ["if-none-match", "if-modified-since"];

fn report<E: std::fmt::Debug>(changed: Result<(), E>) {
    if let Err(error) = changed {
        log::write(log::Level::Warn, &format!("cannot change what a request asks for: {error:?}"));
    }
}
