//! Recordings as the commands read them.

use std::{collections::HashMap, path::Path, sync::Arc};

use recording::{Content, Details, Exchange, FlowFile, FlowFrame, FlowProtocol, Message, Recording, RecordingError};

use super::{FlowsError, console::Console, text};

/// Opens a recording, and says what of it is left out.
pub(super) fn open(path: &Path, console: &mut Console<'_>) -> Result<Arc<Recording>, FlowsError> {
    let recording = open_silently(path, console)?;
    for reason in recording.skipped().reasons() {
        console.warn(format_args!("`{}`: left out: {}", text::path(path), text::line(&reason)));
    }
    warn_of_broken_tail(&recording, console);
    Ok(recording)
}

/// Opens a recording for those who look at what is left out themselves.
pub(super) fn open_silently(path: &Path, console: &mut Console<'_>) -> Result<Arc<Recording>, RecordingError> {
    let recording = Recording::open(path, &mut |progress| console.progress(path, progress));
    console.end_progress();
    recording.map(Arc::new)
}

/// Says that a recording has a broken end, if it has one.
pub(super) fn warn_of_broken_tail(recording: &Recording, console: &mut Console<'_>) {
    if let Some(tail) = recording.warning() {
        let tail = text::line(&tail.to_string());
        console.warn(format_args!("`{}`: {tail}; `flows repair` cuts them off", text::path(recording.path())));
    }
}

/// A flow of a recording: what is known of it.
pub(super) struct Flow<'r> {
    /// The position in the file, from 1.
    pub(super) number: usize,
    /// Where it is, if it is in a flow file.
    pub(super) frame: Option<FlowFrame>,
    /// What it says about itself, if it is in a flow file and not damaged.
    pub(super) details: Option<Details>,
    /// The exchange, if this is one. That of the handshake for the messages of a WebSocket.
    pub(super) exchange: Option<&'r Exchange>,
}

impl Flow<'_> {
    /// Whether it only goes on with an exchange that is a flow of its own.
    pub(super) fn is_continuation(&self) -> bool {
        self.details.as_ref().is_some_and(|details| details.protocol == FlowProtocol::WebSocket)
    }
}

/// What was said over a WebSocket, or over TCP or UDP: by the details of a flow in a flow file, where it may lie apart from the
/// handshake, or else by the exchange.
pub(super) fn messages<'r>(exchange: Option<&'r Exchange>, details: Option<&'r Details>) -> &'r [Message<Content>] {
    match details {
        Some(details) => &details.messages,
        None => exchange.and_then(|exchange| exchange.websocket.as_ref()).map_or(&[], |websocket| &websocket.messages),
    }
}

/// Gives `see` the flows of a recording in order. `flow_file` is its file, if it is a flow file: then those of other
/// protocols are among them.
pub(super) fn walk(
    recording: &Recording,
    flow_file: Option<&FlowFile>,
    see: &mut dyn FnMut(Flow<'_>) -> Result<(), FlowsError>,
) -> Result<(), FlowsError> {
    let exchanges = recording.exchanges();
    let Some(flow_file) = flow_file else {
        return exchanges.iter().try_for_each(|exchange| {
            see(Flow { number: exchange.number, frame: None, details: None, exchange: Some(exchange) })
        });
    };
    let mut ids: Option<HashMap<&str, &Exchange>> = None;
    let mut next = exchanges.iter().peekable();
    let mut frames = flow_file.frames();
    while let Some(frame) = frames.advance()? {
        let details = frames.details(&frame)?;
        let mut exchange = next.next_if(|exchange| exchange.number == frame.number);
        if let Some(id) = details.as_ref().and_then(|details| details.handshake.as_deref())
            && exchange.is_none()
        {
            let ids =
                ids.get_or_insert_with(|| exchanges.iter().map(|exchange| (&exchange.id[..], exchange)).collect());
            exchange = ids.get(id).copied();
        }
        see(Flow { number: frame.number, frame: Some(frame), details, exchange })?;
    }
    Ok(())
}
