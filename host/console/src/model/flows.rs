//! The list of flows.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use control::{Control, FlowPage, FlowSummary, Note, Stage};
use flowfilter::{Filter, ParseError};

use super::{order::Order, seen::Seen};

/// Flows that are listed at most; the oldest ones go first.
pub(crate) const MOST_FLOWS: usize = 10_000;

/// Flows that are sorted for every frame.
const FEW_FLOWS: usize = 1_000;

/// Frames for which a list of more is left as it is.
const MOST_LEFT: u32 = 5;

/// Flows as they pass. What an event brings is only kept; [`refresh`](Self::refresh) brings the list up to date with it before
/// it is drawn.
#[derive(Default)]
pub(crate) struct Flows {
    entries: VecDeque<Entry>,
    /// How many entries were there before the first of these. That and its place among them are an entry's number.
    gone: u64,
    /// The numbers of the entries, by their flows.
    numbers: HashMap<u64, u64>,
    /// The numbers of the entries that are listed, in the order in which they are.
    listed: Vec<u64>,
    filter: Option<(String, Filter)>,
    is_only_marked: bool,
    order: Order,
    is_reversed: bool,
    focus: Option<u64>,
    top: usize,
    is_paused: bool,
    /// Whether something has changed since the list was made.
    is_stale: bool,
    /// Whether the user has changed what is listed, and so waits for it.
    is_awaited: bool,
    /// Refreshes that have left a stale list as it was.
    left: u32,
}

/// A flow of the list.
pub(crate) struct Entry {
    pub(crate) flow: Arc<FlowSummary>,
    pub(crate) is_marked: bool,
    is_saved: bool,
    passes: bool,
    is_unsure: bool,
}

impl Flows {
    /// Takes over what is known of a flow now.
    pub(crate) fn push(&mut self, flow: Arc<FlowSummary>) {
        self.is_stale = true;
        if let Some(entry) = self.numbers.get(&flow.id).and_then(|number| at(&mut self.entries, self.gone, *number)) {
            entry.flow = flow;
            entry.is_unsure = true;
            return;
        }
        if self.entries.len() == MOST_FLOWS
            && let Some(entry) = self.entries.pop_front()
        {
            self.numbers.remove(&entry.flow.id);
            self.gone += 1;
        }
        self.numbers.insert(flow.id, self.gone + self.entries.len() as u64);
        self.entries.push_back(Entry { flow, is_marked: false, is_saved: false, passes: false, is_unsure: true });
    }

    /// Adds a note to a flow, unless that has it.
    pub(crate) fn note(&mut self, flow: u64, note: Note) {
        let Some(entry) = self.numbers.get(&flow).and_then(|number| at(&mut self.entries, self.gone, *number)) else {
            return;
        };
        if !entry.flow.notes.contains(&note) {
            Arc::make_mut(&mut entry.flow).notes.push(note);
            entry.is_unsure = true;
            self.is_stale = true;
        }
    }

    /// Takes over all flows that the proxy keeps, as events were lost.
    pub(crate) fn take_over(&mut self, page: FlowPage) {
        let oldest = self.entries.front().filter(|_| self.entries.len() == MOST_FLOWS).map(|entry| entry.flow.id);
        // What was left out as too old does not come back as the newest.
        for flow in page.flows.into_iter().filter(|flow| oldest.is_none_or(|oldest| flow.id >= oldest)) {
            self.push(flow);
        }
    }

    /// Leaves out the flows that have ended.
    pub(crate) fn clear(&mut self) {
        let focused = self.focused().map(|entry| entry.flow.id);
        self.entries.retain(|entry| entry.flow.stage != Stage::Ended);
        // Numbers begin behind all that there were, so that none means another flow now.
        self.gone += self.numbers.len() as u64;
        let gone = self.gone;
        self.numbers = (gone..).zip(&self.entries).map(|(number, entry)| (entry.flow.id, number)).collect();
        self.focus = focused.and_then(|id| self.numbers.get(&id).copied());
        (self.is_stale, self.is_awaited) = (true, true);
    }

    /// Lists only flows that a filter describes; all with an empty one.
    pub(crate) fn set_filter(&mut self, text: &str) -> Result<(), ParseError> {
        self.filter =
            if text.trim().is_empty() { None } else { Some((text.trim().to_owned(), Filter::parse(text.trim())?)) };
        self.doubt_all();
        Ok(())
    }

    pub(crate) fn filter(&self) -> &str {
        self.filter.as_ref().map_or("", |(text, _)| text)
    }

    /// Lists only marked flows, or all again.
    pub(crate) fn toggle_only_marked(&mut self) {
        self.is_only_marked = !self.is_only_marked;
        self.doubt_all();
    }

    pub(crate) fn is_only_marked(&self) -> bool {
        self.is_only_marked
    }

    fn doubt_all(&mut self) {
        (self.is_stale, self.is_awaited) = (true, true);
        self.entries.iter_mut().for_each(|entry| entry.is_unsure = true);
    }

    pub(crate) fn order(&self) -> Order {
        self.order
    }

    pub(crate) fn set_order(&mut self, order: Order) {
        self.order = order;
        (self.is_stale, self.is_awaited) = (true, true);
    }

    pub(crate) fn is_reversed(&self) -> bool {
        self.is_reversed
    }

    pub(crate) fn reverse(&mut self) {
        self.is_reversed = !self.is_reversed;
        (self.is_stale, self.is_awaited) = (true, true);
    }

    /// Brings the list up to date, with so many rows on the screen.
    pub(crate) fn refresh(&mut self, control: &dyn Control, rows: usize) {
        if self.is_due() {
            let place = self.place();
            self.relist(control);
            // What is in focus stays where it is on the screen while others come and go.
            if let (Some(before), Some(now)) = (place, self.place()) {
                self.top = (self.top + now).saturating_sub(before);
            }
            (self.is_stale, self.is_awaited, self.left) = (false, false, 0);
        }
        if !self.is_paused || self.place().is_none() {
            self.focus = if self.is_paused { self.listed.first() } else { self.newest() }.copied();
        }
        let (place, rows) = (self.place().unwrap_or(0), rows.max(1));
        let last_top = self.listed.len().saturating_sub(rows);
        self.top = self.top.min(last_top).clamp((place + 1).saturating_sub(rows), place);
    }

    /// Whether the list has to be made again. Sorting a long one for every frame would cost too much while flows pass.
    fn is_due(&mut self) -> bool {
        let is_costly = self.order != Order::Time && self.entries.len() > FEW_FLOWS;
        if !self.is_stale || (is_costly && !self.is_awaited && self.left < MOST_LEFT) {
            self.left = self.left.saturating_add(1);
            return false;
        }
        true
    }

    fn relist(&mut self, control: &dyn Control) {
        self.listed.clear();
        for (number, entry) in (self.gone..).zip(&mut self.entries) {
            if std::mem::take(&mut entry.is_unsure) {
                entry.passes = (entry.is_marked || !self.is_only_marked)
                    && self
                        .filter
                        .as_ref()
                        .is_none_or(|(_, filter)| filter.matches(&Seen::new(&entry.flow, entry.is_marked, control)));
            }
            if entry.passes {
                self.listed.push(number);
            }
        }
        let (entries, gone) = (&self.entries, self.gone);
        self.order.sort(&mut self.listed, |number| entries.get((number - gone) as usize).map(|entry| &*entry.flow));
        if self.is_reversed {
            self.listed.reverse();
        }
    }

    /// The entry that came last, if the list is in the order in which they come; else the last one.
    fn newest(&self) -> Option<&u64> {
        if self.is_reversed { self.listed.first() } else { self.listed.last() }
    }

    /// The entries on so many rows, and whether each is in focus.
    pub(crate) fn rows(&self, rows: usize) -> impl Iterator<Item = (&Entry, bool)> {
        let numbers = self.listed.iter().skip(self.top).take(rows);
        numbers.filter_map(|number| {
            let entry = self.entries.get(usize::try_from(number.checked_sub(self.gone)?).ok()?)?;
            Some((entry, self.focus == Some(*number)))
        })
    }

    /// How many are listed, of how many.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.listed.len(), self.entries.len())
    }

    /// The flows that are listed, in their order.
    pub(crate) fn listed(&self) -> Vec<u64> {
        let places = self.listed.iter().filter_map(|number| number.checked_sub(self.gone));
        places.filter_map(|place| self.entries.get(place as usize)).map(|entry| entry.flow.id).collect()
    }

    /// What the list holds of a flow.
    pub(crate) fn summary(&self, flow: u64) -> Option<&Arc<FlowSummary>> {
        let number = self.numbers.get(&flow)?;
        self.entries.get((number - self.gone) as usize).map(|entry| &entry.flow)
    }

    /// The entry in focus.
    pub(crate) fn focused(&self) -> Option<&Entry> {
        let number = self.focus?.checked_sub(self.gone)?;
        self.entries.get(number as usize)
    }

    /// Whether the newest is in focus as they come.
    pub(crate) fn is_following(&self) -> bool {
        !self.is_paused
    }

    /// Leaves the focus where it is from now on.
    pub(crate) fn stay(&mut self) {
        self.is_paused = true;
    }

    pub(crate) fn toggle_following(&mut self) {
        self.is_paused = !self.is_paused;
    }

    /// Moves the focus by so many rows. Whoever reaches the newest follows again.
    pub(crate) fn move_by(&mut self, rows: isize) {
        let place = self.place().unwrap_or(0).saturating_add_signed(rows);
        self.focus_on(place);
    }

    /// Moves the focus to the row of that number, or the last one.
    pub(crate) fn focus_on(&mut self, place: usize) {
        let place = place.min(self.listed.len().saturating_sub(1));
        self.focus = self.listed.get(place).copied();
        self.is_paused = self.focus.is_some() && self.focus.as_ref() != self.newest();
    }

    /// Moves the focus to a row of the screen. Whether there is one, and it was in focus already.
    pub(crate) fn click(&mut self, row: usize) -> Option<bool> {
        let number = *self.listed.get(self.top + row)?;
        let was_in_focus = self.focus == Some(number);
        self.focus_on(self.top + row);
        Some(was_in_focus)
    }

    /// Marks what is in focus, or unmarks it.
    pub(crate) fn toggle_mark(&mut self) {
        let Some(entry) = self.focus.and_then(|number| at(&mut self.entries, self.gone, number)) else { return };
        entry.is_marked = !entry.is_marked;
        entry.is_saved = false;
        entry.is_unsure = true;
        (self.is_stale, self.is_awaited) = (true, true);
    }

    /// Takes all marks away.
    pub(crate) fn unmark_all(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.is_marked = false);
        self.doubt_all();
    }

    /// Notes that flows were written to a file.
    pub(crate) fn saved(&mut self, flows: &[u64]) {
        for number in flows.iter().filter_map(|id| self.numbers.get(id)) {
            if let Some(entry) = at(&mut self.entries, self.gone, *number) {
                entry.is_saved = true;
            }
        }
    }

    /// How many flows are marked and not saved, and how many have not ended.
    pub(crate) fn at_stake(&self) -> (usize, usize) {
        let unsaved = self.entries.iter().filter(|entry| entry.is_marked && !entry.is_saved).count();
        let open = self.entries.iter().filter(|entry| entry.flow.stage != Stage::Ended).count();
        (unsaved, open)
    }

    /// The row of the focus.
    fn place(&self) -> Option<usize> {
        let focus = self.focus?;
        self.listed.iter().position(|number| *number == focus)
    }
}

fn at(entries: &mut VecDeque<Entry>, gone: u64, number: u64) -> Option<&mut Entry> {
    entries.get_mut(usize::try_from(number.checked_sub(gone)?).ok()?)
}
