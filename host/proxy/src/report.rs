//! What `proxyhost addons` and `proxyhost check` print, and how lines of the log are written.

use std::fmt::{self, Write};

use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
};

use crate::{
    addon::{Addon, Loaded},
    config::Settings,
};

/// Writes the fields of an event, its message among them, on one line that does nothing to a terminal: whatever a peer, an
/// addon or a file said in it.
pub struct HarmlessFields;

impl<'writer> FormatFields<'writer> for HarmlessFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&oneline::escaped(&text))
    }
}

/// What is loaded, from the outermost addon to the innermost.
pub fn addons(loaded: &[Loaded], settings: &Settings) -> String {
    let mut text = String::new();
    for (addon, spec) in loaded.iter().zip(&settings.addons) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", oneline::escaped(&addon.name), oneline::escaped(&addon.summary));
        let mut line = |label: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "  {label:<8}{}", oneline::escaped(value));
            }
        };
        line("from", &addon.place);
        line("hooks", &addon.hooks.join(", "));
        line("reads", &addon.reads.join(", "));
        line("imports", &addon.imports.join(", "));
        for plug in &addon.plugs {
            let filled: Vec<&str> =
                plug.exports.iter().filter(|export| addon.imports.contains(export)).map(String::as_str).collect();
            line("plug", &format!("{} for {}", plug.name, filled.join(", ")));
        }
        for option in &addon.options {
            let value = spec.options.get(&option.name).cloned().unwrap_or_else(|| option.default_value());
            let value = value.to_string();
            line("option", &format!("{} = {}", option.name, if value.is_empty() { "(none)" } else { &value }));
        }
    }
    text
}

/// That the configuration is good.
pub fn checked(addons: &[Addon], settings: &Settings) -> String {
    let mut text = String::new();
    for listener in &settings.listeners {
        let _ = writeln!(text, "listener {}: ok", listener.address);
    }
    for addon in addons {
        let state = if addon.is_active() { "ok" } else { "ok, with nothing to do" };
        let _ = writeln!(text, "addon {}: {state}", oneline::escaped(addon.name()));
    }
    text.push_str("the configuration is good\n");
    text
}
