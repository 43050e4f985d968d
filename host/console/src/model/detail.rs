//! One flow, with all that is kept of it.

use std::sync::Arc;

use control::{Content, Control, Flow, FlowSummary, Message, Stage};
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::body::Look;

pub(crate) struct Detail {
    pub(crate) flow: Arc<Flow>,
    /// What the list had of the flow when this was read, to see whether there is more now.
    read_at: Option<Arc<FlowSummary>>,
    tab: Tab,
    pub(crate) scroll: Scroll,
    pub(crate) look: Look,
    /// The text that was last made of it. Long bodies take a while.
    page: Option<Page>,
    /// What was last looked for.
    pub(crate) find: String,
}

/// What is shown of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Miss,
    Request,
    Response,
    Messages,
    Notes,
    Timing,
}

impl Tab {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Miss => "Miss",
            Self::Request => "Request",
            Self::Response => "Response",
            Self::Messages => "Messages",
            Self::Notes => "Notes",
            Self::Timing => "Timing",
        }
    }
}

struct Page {
    tab: Tab,
    look: Look,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl Detail {
    /// Looks a flow up. Of one that was missed, why comes first.
    pub(crate) fn open(control: &dyn Control, id: u64, summary: Option<&Arc<FlowSummary>>) -> Option<Self> {
        let flow = control.flow(id)?;
        let tab = if missed(&flow) {
            Tab::Miss
        } else if flow.response.is_some() {
            Tab::Response
        } else {
            Tab::Request
        };
        Some(Self {
            flow,
            read_at: summary.cloned(),
            tab,
            scroll: Scroll::default(),
            look: Look::default(),
            page: None,
            find: String::new(),
        })
    }

    /// The same of another flow, as far as that has it.
    pub(crate) fn turn_to(&mut self, control: &dyn Control, id: u64, summary: Option<&Arc<FlowSummary>>) -> bool {
        let Some(mut other) = Self::open(control, id, summary) else { return false };
        if self.tab != Tab::Miss && other.tabs().contains(&self.tab) {
            other.tab = self.tab;
        }
        other.look = Look { is_whole: false, ..self.look };
        other.find = std::mem::take(&mut self.find);
        *self = other;
        true
    }

    /// Looks the flow up again if there is more of it now.
    pub(crate) fn refresh(&mut self, control: &dyn Control, summary: Option<&Arc<FlowSummary>>) {
        let is_same = match (&self.read_at, summary) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (_, None) => true,
            (None, Some(_)) => false,
        };
        if is_same && self.flow.summary.stage == Stage::Ended {
            return;
        }
        self.read_at = summary.cloned();
        if let Some(flow) = control.flow(self.flow.summary.id) {
            // The text of a long body is not made again for every frame.
            if !is_same || extent(&flow) != extent(&self.flow) {
                self.page = None;
            }
            self.flow = flow;
        }
    }

    pub(crate) fn tab(&self) -> Tab {
        self.tab
    }

    pub(crate) fn tabs(&self) -> Vec<Tab> {
        let mut tabs = Vec::new();
        if missed(&self.flow) {
            tabs.push(Tab::Miss);
        }
        tabs.extend([Tab::Request, Tab::Response]);
        if self.flow.summary.is_websocket || !self.flow.frames.is_empty() {
            tabs.push(Tab::Messages);
        }
        tabs.extend([Tab::Notes, Tab::Timing]);
        tabs
    }

    pub(crate) fn show(&mut self, tab: Tab) {
        self.tab = tab;
        self.scroll = Scroll::default();
    }

    /// Shows the tab that is so many further.
    pub(crate) fn turn_by(&mut self, tabs: isize) {
        let all = self.tabs();
        let place = all.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        let place = place.saturating_add_signed(tabs + all.len() as isize) % all.len();
        if let Some(tab) = all.get(place) {
            self.show(*tab);
        }
    }

    /// The text, in lines of at most that width.
    pub(crate) fn lines(&mut self, width: u16) -> &[Line<'static>] {
        let is_there = |page: &&Page| page.tab == self.tab && page.look == self.look && page.width == width;
        if self.page.as_ref().filter(is_there).is_none() {
            let lines = crate::view::flow_text(&self.flow, self.tab, self.look, width);
            self.page = Some(Page { tab: self.tab, look: self.look, width, lines });
        }
        self.page.as_ref().map_or(&[], |page| &page.lines)
    }

    /// Scrolls to the next line that has what is looked for, or the one before. Whether there is one.
    pub(crate) fn find_next(&mut self, is_backwards: bool) -> bool {
        let Some(page) = &self.page else { return false };
        let wanted = self.find.to_lowercase();
        let has = |line: &Line<'_>| line.to_string().to_lowercase().contains(&wanted);
        let top = self.scroll.top();
        let found = if is_backwards {
            page.lines.iter().take(top).rposition(has)
        } else {
            page.lines.iter().skip(top + 1).position(has).map(|place| top + 1 + place)
        };
        if let Some(row) = found {
            self.scroll.move_to(row);
        }
        found.is_some()
    }
}

/// How much there is of a flow that has not ended.
fn extent(flow: &Flow) -> [usize; 4] {
    let length = |message: &Message| match &message.content {
        Content::Kept(bytes) | Content::Partial(bytes) => bytes.len(),
        Content::NotKept(size) => size.unwrap_or(0) as usize,
    };
    let response = flow.response.as_ref().map_or(0, |response| 1 + length(response));
    [length(&flow.request), response, flow.frames.len(), flow.summary.notes.len()]
}

fn missed(flow: &Flow) -> bool {
    flow.summary.notes.iter().any(|note| note.name == "missed")
}
