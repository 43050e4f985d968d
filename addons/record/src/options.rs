//! The options of recording, under mitmproxy's names.

use flowfilter::Filter;
use proxyhost_sdk::{
    declare::{self, Declared},
    options,
};

/// The file to record to, if there is one.
pub(crate) fn file() -> Option<String> {
    Some(options::text("save_stream_file")).filter(|file| !file.is_empty())
}

/// What is replaced before anything is written.
pub(crate) fn redact() -> Vec<String> {
    options::texts("record_redact")
}

/// Which exchanges are recorded, if not all.
///
/// # Errors
/// When the filter cannot be read, or asks for what passes after it was decided.
pub(crate) fn filter() -> Result<Option<Filter>, String> {
    let text = options::text("save_stream_filter");
    if text.trim().is_empty() {
        return Ok(None);
    }
    let filter = Filter::parse(&text).map_err(|error| format!("option `save_stream_filter`: {error}"))?;
    if filter.asks_for_bodies() {
        return Err(format!(
            "option `save_stream_filter`: `{text}` asks for bodies, which are not there yet when it is decided whether \
             to record; record without it, and use `proxyhost flows filter` on the recording"
        ));
    }
    Ok(Some(filter))
}

/// The declaration.
pub(crate) fn declared() -> Declared {
    declare::component(
        "records what passes",
        vec![
            declare::output(
                "save_stream_file",
                "Record to this file: + before it appends, %Y-%m-%d and the like start another file in time, and .har \
                 makes it a HAR file",
            )
            .taking_short('w', "save")
            .taking("save-stream-file"),
            declare::text(
                "save_stream_filter",
                "",
                "Record only what this filter matches, such as `~d api.example & !~c 404`",
            )
            .taking("save-stream-filter"),
            declare::flag(
                "anticache",
                false,
                "Have servers answer whole: leave out of requests what asks whether something has changed",
            )
            .setting("anticache", "true"),
            declare::flag("anticomp", false, "Have servers answer without content coding: accept no other")
                .setting("anticomp", "true"),
            declare::texts(
                "record_redact",
                "Replace this before it is recorded, and let requests match whatever they have in its place: \
                 field:NAME, query:NAME, form:NAME, json:POINTER or cookie:NAME",
            )
            .taking("record-redact")
            // What was recorded before would not be redacted in the same way.
            .fixed(),
        ],
    )
}
