//! What clicks do.

use control::Control;

use super::{open, options};
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
    match model.screen() {
        Screen::Flows if areas.list.contains(place) => {
            if model.flows.click(usize::from(row - areas.list.y)) == Some(true) {
                return open(model, control);
            }
        }
        Screen::Options if areas.options.contains(place) => {
            if model.options.click(usize::from(row - areas.options.y)) == Some(true) {
                return options::change(model);
            }
        }
        Screen::Detail(detail) if areas.tabs.contains(place) => {
            if let Some(tab) = tab_at(&detail.tabs(), column) {
                detail.show(tab);
            }
        }
        _ => {}
    }
    Vec::new()
}
