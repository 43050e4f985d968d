//! The URL of an entry, and other texts in it.

use std::{borrow::Cow, fmt::Write};

use crate::model::Request;

/// The URL that a request was sent to. What no URL can have is escaped in it.
pub(crate) fn url<C>(request: &Request<C>) -> String {
    let (scheme, host) = (text(&request.scheme), text(&request.host));
    let mut url = if host.contains(':') { format!("{scheme}://[{host}]") } else { format!("{scheme}://{host}") };
    if request.port != if request.scheme.as_ref() == b"https" { 443 } else { 80 } {
        url.push_str(&format!(":{}", request.port));
    }
    // The server as a whole, which has no path.
    if request.path.as_ref() == b"*" {
        return url;
    }
    // What is no path must not become a part of the host.
    if !request.path.starts_with(b"/") {
        url.push('/');
    }
    for chunk in request.path.utf8_chunks() {
        url.push_str(&chunk.valid().replace('#', "%23"));
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// Text as it is, and other bytes as Latin-1, which the fields of old had.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
