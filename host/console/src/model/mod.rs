//! What the console shows.

mod detail;
mod editor;
mod flows;
mod log;
mod options;
mod order;
mod prompt;
mod scroll;
mod seen;

use control::{CommandInfo, Control, Event};

pub(crate) use detail::{Detail, Tab};
#[cfg(test)]
pub(crate) use flows::MOST_FLOWS;
pub(crate) use flows::{Flows, Row};
pub(crate) use log::Log;
pub(crate) use options::{ListEdit, Options};
pub(crate) use order::Order;
pub(crate) use prompt::{About, History, Offer, Prompt};
pub(crate) use scroll::Scroll;

use crate::view::areas::Areas;

/// All of it.
pub(crate) struct Model {
    /// What is on the screen, and below it what was there before; never empty.
    screens: Vec<Screen>,
    pub(crate) flows: Flows,
    pub(crate) options: Options,
    pub(crate) log: Log,
    pub(crate) commands: Vec<CommandInfo>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) history: History,
    /// What is said on the last line, until the next key.
    pub(crate) message: Option<Message>,
    /// Keys that begin those of a command.
    pub(crate) pending: String,
    /// Whether the user is asked whether to quit.
    pub(crate) is_quitting: bool,
    /// Where the proxy listens.
    pub(crate) places: Vec<String>,
    pub(crate) areas: Areas,
}

/// What is on the screen.
pub(crate) enum Screen {
    Flows,
    Detail(Box<Detail>),
    Options,
    List(ListEdit),
    Log(Scroll),
    Help(Scroll),
    /// What a command answered.
    Answer {
        title: String,
        text: String,
        scroll: Scroll,
    },
}

/// A line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

impl Model {
    /// The list of the flows that the proxy keeps.
    pub(crate) fn new(control: &dyn Control, width: u16, height: u16) -> Self {
        let mut model = Self {
            screens: vec![Screen::Flows],
            flows: Flows::default(),
            options: Options::default(),
            log: Log::default(),
            commands: Vec::new(),
            prompt: None,
            history: History::default(),
            message: None,
            pending: String::new(),
            is_quitting: false,
            places: control.health().listeners.into_iter().map(|listener| listener.address).collect(),
            areas: Areas::new(width, height),
        };
        model.read_configuration(control);
        model
    }

    /// Takes over options and commands.
    pub(crate) fn read_configuration(&mut self, control: &dyn Control) {
        self.options.read(control);
        self.commands = control.commands();
    }

    /// Takes over what happened. What becomes of flows is no matter: they are read before they are shown.
    pub(crate) fn happened(&mut self, control: &dyn Control, event: Event) {
        match event {
            Event::FlowStarted { .. }
            | Event::FlowAnswered { .. }
            | Event::FlowKilled { .. }
            | Event::FlowFailed { .. }
            | Event::FlowEnded { .. }
            | Event::Noted { .. } => {}
            Event::Changed { what, .. } => {
                self.read_configuration(control);
                if !what.is_empty() {
                    self.say(what);
                }
            }
            Event::Logged(line) => self.log.push(line),
            // A change may be among what was lost.
            Event::Lost { .. } => self.read_configuration(control),
        }
    }

    /// Brings what is on the screen up to date.
    pub(crate) fn refresh(&mut self, control: &dyn Control) {
        self.flows.refresh(control, self.areas.list.height.into());
        if let Some(Screen::Detail(detail)) = self.screens.last_mut() {
            let summary = self.flows.summary(detail.flow.summary.id);
            detail.refresh(control, summary);
        }
    }

    /// What is on the screen.
    pub(crate) fn screen(&mut self) -> &mut Screen {
        if self.screens.is_empty() {
            self.screens.push(Screen::Flows);
        }
        let last = self.screens.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "there is one, from the lines above")]
        &mut self.screens[last]
    }

    /// Shows something, above what is there.
    pub(crate) fn open(&mut self, screen: Screen) {
        self.screens.push(screen);
    }

    /// Shows again what was there before. Whether there was anything.
    pub(crate) fn close(&mut self) -> bool {
        let is_above = self.screens.len() > 1;
        if is_above {
            self.screens.pop();
        }
        is_above
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_error: false });
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_error: true });
    }
}
