//! Lines of the log as events, for those who listen to them.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use control::{Event, LogLine};
use tracing::{Level, Subscriber};
use tracing_subscriber::{
    Layer,
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
    layer::Context,
};

use crate::journal::{ACCESS, Journal};

/// Makes events of the lines of the log, while somebody listens.
pub struct Heard(Arc<Journal>);

impl Heard {
    /// Tells those who listen to this journal.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self(journal)
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        // Flows have events of their own.
        if metadata.target() == ACCESS {
            return;
        }
        self.0.tell(|| {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            Event::Logged(LogLine { at, level: name(*metadata.level()), text: text(event) })
        });
    }
}

/// The message and the fields, as the log has them.
fn text(event: impl RecordFields) -> String {
    let mut text = String::new();
    // Of a line that cannot be written, what was written of it is still worth something.
    let _ = DefaultFields::new().format_fields(Writer::new(&mut text), event);
    oneline::escaped(&text)
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}
