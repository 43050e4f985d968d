//! The list of flows.

use std::sync::Arc;

use control::{Control, FlowSummary, Stage};
use flowfilter::{Filter, ParseError};

use super::{order::Order, seen::Seen};

/// Flows that are listed at most; the oldest ones go first.
pub(crate) const MOST_FLOWS: usize = 10_000;

/// Flows that are sorted for every frame.
const FEW_FLOWS: usize = 1_000;

/// Frames for which a list of more is left as it is.
const MOST_LEFT: u32 = 5;

/// How much a frame may cost that looks at flows for a filter or an order, where one costs 1 that is only looked at in a line.
const MOST_COST: usize = 1_000;

/// The recent flows of the proxy. It is asked which there are, and what those are that the screen, a filter or an order needs:
/// thousands may pass in a second, of which a few are seen.
#[derive(Default)]
pub(crate) struct Flows {
    /// In the order of their numbers.
    entries: Vec<Entry>,
    /// The version of the proxy's flows that these are.
    seen: Option<u64>,
    /// The numbers of the flows that are listed, in the order in which they are.
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
    /// Whether flows are left to look at, as a frame may only cost so much.
    is_behind: bool,
    /// Refreshes that have left a stale list as it was.
    left: u32,
}

/// A flow of the list.
pub(crate) struct Entry {
    pub(crate) id: u64,
    stage: Stage,
    /// As it was when it was last looked at, if it was.
    flow: Option<Arc<FlowSummary>>,
    is_marked: bool,
    is_saved: bool,
    passes: bool,
    is_unsure: bool,
}

impl Entry {
    fn new(id: u64, stage: Stage) -> Self {
        Self { id, stage, flow: None, is_marked: false, is_saved: false, passes: false, is_unsure: true }
    }

    /// Whether there may be more of it than is known here.
    fn is_outdated(&self) -> bool {
        self.flow.as_ref().is_none_or(|flow| flow.stage != Stage::Ended)
    }
}

/// A flow on the screen.
pub(crate) struct Row<'a> {
    pub(crate) flow: &'a FlowSummary,
    pub(crate) is_marked: bool,
    pub(crate) is_focus: bool,
}

impl Flows {
    /// Takes over which flows the proxy keeps. Whether anything has become of them since the last time.
    pub(crate) fn read(&mut self, control: &dyn Control) -> bool {
        let Some(recent) = control.recent(self.seen) else { return false };
        self.seen = Some(recent.version);
        let too_many = recent.flows.len().saturating_sub(MOST_FLOWS);
        let mut before = std::mem::take(&mut self.entries).into_iter().peekable();
        let entry = |(id, stage)| {
            while before.next_if(|entry| entry.id < id).is_some() {}
            match before.next_if(|entry| entry.id == id) {
                Some(entry) if entry.stage == stage => entry,
                Some(entry) => Entry { stage, flow: None, is_unsure: true, ..entry },
                None => Entry::new(id, stage),
            }
        };
        self.entries = recent.flows.into_iter().skip(too_many).map(entry).collect();
        self.is_stale = true;
        true
    }

    /// Whether another frame has to look at more of them, though nothing has become of any.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind
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
        self.entries.iter_mut().for_each(|entry| (entry.passes, entry.is_unsure) = (false, true));
    }

    pub(crate) fn order(&self) -> Order {
        self.order
    }

    pub(crate) fn set_order(&mut self, order: Order) {
        self.order = order;
        self.doubt_all();
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
        self.read(control);
        if self.is_due() {
            self.relist(control, MOST_COST * (1 + self.left.min(MOST_LEFT) as usize));
        }
        // What is in focus may still have to be looked at.
        if !self.is_paused || (self.place().is_none() && !self.is_behind) {
            self.focus = if self.is_paused { self.listed.first() } else { self.newest() }.copied();
        }
        let (place, rows) = (self.place().unwrap_or(0), rows.max(1));
        let last_top = self.listed.len().saturating_sub(rows);
        self.top = self.top.min(last_top).clamp((place + 1).saturating_sub(rows), place);
        let shown = self.listed.iter().skip(self.top).take(rows).chain(&self.focus);
        let outdated = |id: &u64| self.entry(*id).is_some_and(Entry::is_outdated);
        let wanted = shown.copied().filter(outdated).collect();
        self.look_at(control, wanted);
    }

    /// Makes the list complete, whatever that costs.
    pub(crate) fn finish(&mut self, control: &dyn Control) {
        if self.is_behind {
            self.relist(control, usize::MAX);
        }
    }

    /// Asks the proxy what these flows are.
    fn look_at(&mut self, control: &dyn Control, mut flows: Vec<u64>) {
        if flows.is_empty() {
            return;
        }
        // That in focus is mostly on the screen as well.
        flows.sort_unstable();
        flows.dedup();
        for flow in control.summaries(&flows) {
            // The same stays the same, by which whoever shows it knows.
            if let Some(entry) = self.entry_mut(flow.id).filter(|entry| entry.flow.as_ref() != Some(&flow)) {
                entry.flow = Some(flow);
            }
        }
    }

    /// Whether the list has to be made again. Sorting a long one for every frame would cost too much while flows pass.
    fn is_due(&mut self) -> bool {
        let is_costly = self.order != Order::Time && self.entries.len() > FEW_FLOWS;
        let is_stale = self.is_stale || self.is_behind;
        if !is_stale || (is_costly && !self.is_awaited && self.left < MOST_LEFT) {
            self.left = self.left.saturating_add(1);
            return false;
        }
        true
    }

    /// Makes the list of all that is known, and of what may be looked at for that cost, the latest first.
    fn relist(&mut self, control: &dyn Control, most_cost: usize) {
        let place = self.place();
        let needs_flow = self.filter.is_some() || self.order != Order::Time;
        if needs_flow {
            self.look_for_list(control, most_cost);
        }
        let (is_only_marked, filter) = (self.is_only_marked, &self.filter);
        let mut cost = 0;
        self.is_behind = false;
        for entry in self.entries.iter_mut().rev().filter(|entry| entry.is_unsure) {
            if is_only_marked && !entry.is_marked {
                (entry.passes, entry.is_unsure) = (false, false);
                continue;
            }
            if !needs_flow {
                (entry.passes, entry.is_unsure) = (true, false);
                continue;
            }
            // If it is not kept any more, it will be gone when they are read again.
            let Some(flow) = entry.flow.as_ref().filter(|_| cost < most_cost) else {
                self.is_behind = true;
                continue;
            };
            let seen = Seen::new(flow, entry.is_marked, control);
            entry.passes = filter.as_ref().is_none_or(|(_, filter)| filter.matches(&seen));
            entry.is_unsure = false;
            cost += seen.cost();
        }
        self.listed.clear();
        self.listed.extend(self.entries.iter().filter(|entry| entry.passes).map(|entry| entry.id));
        let entries = &self.entries;
        self.order.sort(&mut self.listed, |id| find(entries, id).and_then(|entry| entry.flow.as_deref()));
        if self.is_reversed {
            self.listed.reverse();
        }
        // What is in focus stays where it is on the screen while others come and go.
        if let (Some(before), Some(now)) = (place, self.place()) {
            self.top = (self.top + now).saturating_sub(before);
        }
        (self.is_stale, self.is_awaited, self.left) = (false, false, 0);
    }

    /// Asks the proxy what the latest of those are that are in doubt.
    fn look_for_list(&mut self, control: &dyn Control, most: usize) {
        let is_asked_for = |entry: &&Entry| entry.is_unsure && (entry.is_marked || !self.is_only_marked);
        let latest = self.entries.iter().rev().filter(is_asked_for).take(most);
        let wanted = latest.filter(|entry| entry.is_outdated()).map(|entry| entry.id).collect();
        self.look_at(control, wanted);
    }

    /// The entry that came last, if the list is in the order in which they come; else the last one.
    fn newest(&self) -> Option<&u64> {
        if self.is_reversed { self.listed.first() } else { self.listed.last() }
    }

    /// The flows on so many rows.
    pub(crate) fn rows(&self, rows: usize) -> impl Iterator<Item = Row<'_>> {
        let entries = self.listed.iter().skip(self.top).take(rows).filter_map(|id| self.entry(*id));
        entries.filter_map(|entry| {
            let flow = entry.flow.as_deref()?;
            Some(Row { flow, is_marked: entry.is_marked, is_focus: self.focus == Some(entry.id) })
        })
    }

    /// How many are listed, of how many.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.listed.len(), self.entries.len())
    }

    /// The flows that are listed, in their order.
    pub(crate) fn listed(&self) -> &[u64] {
        &self.listed
    }

    /// A flow, as far as it was looked at.
    pub(crate) fn summary(&self, flow: u64) -> Option<&Arc<FlowSummary>> {
        self.entry(flow)?.flow.as_ref()
    }

    /// The number of the flow in focus.
    pub(crate) fn focused(&self) -> Option<u64> {
        self.focus.filter(|focus| self.entry(*focus).is_some())
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
        let flow = *self.listed.get(self.top + row)?;
        let was_in_focus = self.focus == Some(flow);
        self.focus_on(self.top + row);
        Some(was_in_focus)
    }

    /// Marks what is in focus, or unmarks it.
    pub(crate) fn toggle_mark(&mut self) {
        let Some(entry) = self.focus.and_then(|focus| self.entry_mut(focus)) else { return };
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
        for flow in flows {
            if let Some(entry) = self.entry_mut(*flow) {
                entry.is_saved = true;
            }
        }
    }

    /// How many flows are marked and not saved, and how many have not ended.
    pub(crate) fn at_stake(&self) -> (usize, usize) {
        let unsaved = self.entries.iter().filter(|entry| entry.is_marked && !entry.is_saved).count();
        let open = self.entries.iter().filter(|entry| entry.stage != Stage::Ended).count();
        (unsaved, open)
    }

    /// The row of the focus.
    fn place(&self) -> Option<usize> {
        let focus = self.focus?;
        self.listed.iter().position(|id| *id == focus)
    }

    fn entry(&self, id: u64) -> Option<&Entry> {
        find(&self.entries, id)
    }

    fn entry_mut(&mut self, id: u64) -> Option<&mut Entry> {
        let place = self.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.entries.get_mut(place)
    }
}

fn find(entries: &[Entry], id: u64) -> Option<&Entry> {
    let place = entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
    entries.get(place)
}
