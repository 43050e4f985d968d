//! What `proxyhost addons` and `proxyhost check` print.

use std::{fmt::Write, sync::Arc};

use crate::{
    addon::{Addon, Duty, Loaded},
    config::Settings,
};

/// What is loaded, from the outermost addon to the innermost.
pub fn addons(loaded: &[Arc<Loaded>], settings: &Settings) -> String {
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
        for command in &addon.commands {
            line("command", format!("{} {}", command.name, command.usage()).trim_end());
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
        let state = match addon.duty() {
            Duty::Active => "ok",
            Duty::Offline => "ok, and nothing is sent to any server",
            Duty::Idle => "ok, with nothing to do",
        };
        let _ = writeln!(text, "addon {}: {state}", oneline::escaped(addon.name()));
    }
    text.push_str("the configuration is good\n");
    text
}
