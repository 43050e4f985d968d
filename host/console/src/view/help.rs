//! All keys.

use control::CommandInfo;
use ratatui::text::{Line, Span};

use super::{theme, width::clean};
use crate::{
    key::Key,
    keymap::{BINDINGS, Place, action},
};

/// What every key does, by where it does that, and then the keys of addons' commands.
pub(crate) fn lines(commands: &[CommandInfo]) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let sections = [
        ("Everywhere", Place::ALL),
        ("Flows", &[Place::Flows][..]),
        ("One flow", &[Place::Detail][..]),
        ("Options", &[Place::Options][..]),
        ("A list of an option", &[Place::List][..]),
        ("Log", &[Place::Log][..]),
    ];
    for (title, places) in sections {
        lines.push(Line::styled(title, theme::BOLD));
        for binding in BINDINGS.iter().filter(|binding| binding.places == places) {
            lines.push(row(binding.shown, binding.help));
        }
        lines.push(Line::default());
    }
    let mut with_keys = commands.iter().filter(|command| !command.keys.is_empty()).peekable();
    if with_keys.peek().is_some() {
        lines.push(Line::styled("Commands of addons", theme::BOLD));
        lines.extend(with_keys.map(|command| {
            let keys: Vec<String> = command.keys.chars().map(|key| clean(&key.to_string())).collect();
            let is_taken = command.keys.starts_with(|key| action(Place::Flows, &Key::Char(key)).is_some());
            let taken = if is_taken { " (the console has a key that begins so)" } else { "" };
            row(&keys.join(" "), &clean(&format!("{}: {}{taken}", command.name, command.help)))
        }));
        lines.push(Line::default());
    }
    lines.push(Line::styled("Signs", theme::BOLD));
    lines.extend(SIGNS.map(|(sign, meaning)| row(sign, meaning)));
    lines
}

/// What the list shows before a flow.
const SIGNS: [(&str, &str); 11] = [
    ("●", "marked"),
    ("R", "replayed from a recording"),
    ("?", "missed: no recording has it"),
    ("A", "answered by another addon"),
    ("→", "forwarded, and answered by the server"),
    ("x", "killed by an addon"),
    ("!", "failed"),
    (".", "waits for its response"),
    ("~", "streaming: its response is on its way"),
    ("w", "WebSocket"),
    ("*", "of an option: not as by default"),
];

fn row(keys: &str, help: &str) -> Line<'static> {
    Line::from(vec![Span::styled(format!("  {keys:<16} "), theme::NAME), Span::raw(help.to_owned())])
}
