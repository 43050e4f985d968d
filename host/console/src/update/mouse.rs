//! What clicks do.

use control::Control;

use super::open;
use crate::{
    effect::Effect,
    model::{Model, Screen},
    view::tab_at,
};

/// Rows that a wheel's step moves by.
pub(super) const WHEEL: isize = 3;

/// A click takes the focus to where it is; another one opens what is there.
pub(super) fn click(model: &mut Model, control: &dyn Control, column: u16, row: u16) -> Vec<Effect> {
    let areas = model.areas;
    let place = ratatui::layout::Position::new(column, row);
    let was_in_focus = match model.screen() {
        Screen::Flows if areas.list.contains(place) => model.flows.click(usize::from(row - areas.list.y)),
        Screen::Options if areas.options.contains(place) => model.options.click(usize::from(row - areas.options.y)),
        Screen::Detail(detail) if areas.tabs.contains(place) => {
            if let Some(tab) = tab_at(&detail.tabs(), column) {
                detail.show(tab);
            }
            None
        }
        _ => None,
    };
    if was_in_focus == Some(true) { open(model, control) } else { Vec::new() }
}
