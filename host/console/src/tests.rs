//! Keys in, screens out.

mod asked;
mod keys;
mod picture;
mod screens;

use control::{Control, Event, Flow, FlowSummary};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use crate::{
    effect::Effect,
    key::Key,
    model::Model,
    samples::{self, Sample},
    update, view,
};

/// A console on a screen of some size.
pub(crate) struct Console {
    pub(crate) control: Sample,
    pub(crate) model: Model,
    /// What it asked the proxy for.
    pub(crate) effects: Vec<Effect>,
    terminal: Terminal<TestBackend>,
}

impl Console {
    pub(crate) fn new(control: Sample, width: u16, height: u16) -> Self {
        let model = Model::new(&control, width, height);
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap_or_else(|error| match error {});
        let mut console = Self { control, model, effects: Vec::new(), terminal };
        console.screen();
        console
    }

    /// Presses keys: characters, or names such as `<enter>`.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            let key = match named {
                Some((name, after)) => {
                    rest = after;
                    key(name)
                }
                None => {
                    rest = rest.get(first.len_utf8()..).unwrap_or_default();
                    Key::Char(first)
                }
            };
            self.take(key);
        }
        self
    }

    pub(crate) fn take(&mut self, key: Key) -> &mut Self {
        let effects = update::press(&mut self.model, &self.control, key);
        self.effects.extend(effects);
        self.model.refresh(&self.control);
        self
    }

    pub(crate) fn buffer(&mut self) -> Buffer {
        self.model.refresh(&self.control);
        let model = &mut self.model;
        let Ok(_) = self.terminal.draw(|frame| view::draw(model, frame));
        self.terminal.backend().buffer().clone()
    }

    /// The screen as text.
    pub(crate) fn screen(&mut self) -> String {
        let buffer = self.buffer();
        let rows = buffer.content().chunks(usize::from(buffer.area.width).max(1)).map(|cells| {
            let mut row = String::new();
            let mut covered = 0;
            for cell in cells {
                if covered == 0 {
                    row.push_str(cell.symbol());
                    covered = view::width::columns(cell.symbol()).max(1);
                }
                covered -= 1;
            }
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n") + "\n"
    }

    /// The flows that are listed.
    pub(crate) fn listed(&self) -> Vec<u64> {
        self.model.flows.listed().to_vec()
    }

    pub(crate) fn focused(&self) -> Option<u64> {
        self.model.flows.focused()
    }

    /// What is said.
    pub(crate) fn message(&self) -> &str {
        self.model.message.as_ref().map_or("", |message| &message.text)
    }

    pub(crate) fn hears(&mut self, event: Event) -> &mut Self {
        becomes(&self.control, &event);
        self.model.happened(&self.control as &dyn Control, event);
        self.model.refresh(&self.control);
        self
    }
}

/// Has what an event tells of a flow be so.
fn becomes(control: &Sample, event: &Event) {
    if let Event::FlowStarted { flow } | Event::FlowEnded { flow } = event {
        let of_server = samples::flow(flow.id, &flow.method, &flow.authority, &flow.path, 200, "");
        control.pass(Flow { summary: FlowSummary::clone(flow), ..of_server });
    }
}

fn key(name: &str) -> Key {
    match name {
        "enter" => Key::Enter,
        "esc" => Key::Escape,
        "tab" => Key::Tab,
        "up" => Key::Up,
        "down" => Key::Down,
        "page-down" => Key::PageDown,
        "ctrl-u" => Key::Control('u'),
        "ctrl-c" => Key::Control('c'),
        "end" => Key::End,
        other => unreachable!("no key `{other}`"),
    }
}
