//! What keys do to what is shown.

mod command;
mod done;
pub(crate) mod hint;
mod mouse;
mod options;
mod prompt;

use control::Control;

pub(crate) use done::done;

use crate::{
    effect::Effect,
    key::Key,
    keymap::{Action, Place, action},
    model::{About, Detail, Model, Prompt, Screen, Scroll},
};

/// Takes a key. What it asks the proxy for is left to the caller.
pub(crate) fn press(model: &mut Model, control: &dyn Control, key: Key) -> Vec<Effect> {
    model.message = None;
    if std::mem::take(&mut model.is_quitting) {
        return match key {
            Key::Char('y' | 'Y') | Key::Control('c') => vec![Effect::Quit],
            _ => Vec::new(),
        };
    }
    if model.prompt.is_some() {
        return prompt::press(model, control, &key);
    }
    let place = place(model.screen());
    match key {
        Key::Click { column, row } => return mouse::click(model, control, column, row),
        Key::WheelDown => return act(model, control, Action::Down, mouse::WHEEL),
        Key::WheelUp => return act(model, control, Action::Up, mouse::WHEEL),
        _ => {}
    }
    // A key that does something by itself begins no other, and one after the first belongs to a command or to nothing.
    let pending = std::mem::take(&mut model.pending);
    if pending.is_empty()
        && let Some(action) = action(place, &key)
    {
        return act(model, control, action, 1);
    }
    match key {
        Key::Char(character) if matches!(place, Place::Flows | Place::Detail) => {
            command::press(model, &pending, character)
        }
        _ => Vec::new(),
    }
}

fn place(screen: &Screen) -> Place {
    match screen {
        Screen::Flows => Place::Flows,
        Screen::Detail(_) => Place::Detail,
        Screen::Options => Place::Options,
        Screen::List(_) => Place::List,
        Screen::Log(_) => Place::Log,
        Screen::Help(_) | Screen::Answer { .. } => Place::Text,
    }
}

/// Does something; moves by so many rows.
fn act(model: &mut Model, control: &dyn Control, action: Action, rows: isize) -> Vec<Effect> {
    let page = page(model);
    match action {
        Action::Down => move_by(model, rows),
        Action::Up => move_by(model, -rows),
        Action::PageDown => move_by(model, page),
        Action::PageUp => move_by(model, -page),
        Action::HalfDown => move_by(model, page / 2),
        Action::HalfUp => move_by(model, -page / 2),
        Action::Start => move_by(model, isize::MIN / 2),
        Action::End => move_to_end(model),
        Action::Open => return open(model, control),
        // A key that is pressed to be rid of something does not quit.
        Action::Close if matches!(model.screen(), Screen::Flows) => {}
        Action::Back | Action::Close => return back(model),
        Action::Quit => return vec![Effect::Quit],
        Action::Help => model.open(Screen::Help(Scroll::default())),
        Action::Log => model.open(Screen::Log(Scroll::at_end())),
        Action::Options => open_options(model, control),
        Action::Command => ask(model, About::Command, ""),
        Action::Filter => {
            let filter = model.flows.filter().to_owned();
            ask(model, About::Filter, filter);
        }
        Action::Save => save(model, control),
        Action::Mark => model.flows.toggle_mark(),
        Action::UnmarkAll => model.flows.unmark_all(),
        Action::OnlyMarked => model.flows.toggle_only_marked(),
        Action::Order => model.flows.set_order(model.flows.order().next()),
        Action::Reverse => model.flows.reverse(),
        Action::Follow => model.flows.toggle_following(),
        Action::Clear => clear(model, control),
        Action::Default | Action::AllDefaults => return options::reset(model, action == Action::AllDefaults),
        Action::Add | Action::Remove => options::edit_list(model, action),
        Action::Discard => _ = model.close(),
        Action::Search => search(model),
        Action::NextFlow | Action::PreviousFlow => turn(model, control, action == Action::NextFlow),
        Action::NextTab | Action::PreviousTab | Action::Whole | Action::Form => look(model, action),
        Action::FindNext | Action::FindPrevious => find(model, action == Action::FindPrevious),
    }
    Vec::new()
}

/// The rows of a page of what is on the screen.
fn page(model: &mut Model) -> isize {
    let areas = model.areas;
    let height = match model.screen() {
        Screen::Detail(_) => areas.text.height,
        Screen::Options | Screen::List(_) => areas.options.height,
        _ => areas.list.height,
    };
    isize::try_from(height).unwrap_or(1).max(1)
}

fn move_by(model: &mut Model, rows: isize) {
    match model.screen() {
        Screen::Flows => model.flows.move_by(rows),
        Screen::Options => model.options.move_by(rows),
        Screen::List(edit) => edit.move_by(rows),
        Screen::Detail(detail) => detail.scroll.move_by(rows),
        Screen::Log(scroll) | Screen::Help(scroll) | Screen::Answer { scroll, .. } => scroll.move_by(rows),
    }
}

fn move_to_end(model: &mut Model) {
    match model.screen() {
        Screen::Flows => model.flows.focus_on(usize::MAX),
        Screen::Options => model.options.focus_on(usize::MAX),
        Screen::List(edit) => edit.move_by(isize::MAX),
        Screen::Detail(detail) => detail.scroll = Scroll::at_end(),
        Screen::Log(scroll) | Screen::Help(scroll) | Screen::Answer { scroll, .. } => *scroll = Scroll::at_end(),
    }
}

fn open(model: &mut Model, control: &dyn Control) -> Vec<Effect> {
    match model.screen() {
        Screen::Options => return options::change(model),
        Screen::List(_) => options::edit_line(model),
        _ => open_flow(model, control),
    }
    Vec::new()
}

/// Looks at the flow in focus. The list stays where it is meanwhile.
fn open_flow(model: &mut Model, control: &dyn Control) {
    let Some(flow) = model.flows.focused() else { return };
    match Detail::open(control, flow, model.flows.summary(flow)) {
        Some(detail) => {
            model.flows.stay();
            model.open(Screen::Detail(Box::new(detail)));
        }
        None => model.complain(format!("flow {flow} is not kept any more")),
    }
}

fn turn(model: &mut Model, control: &dyn Control, is_forwards: bool) {
    model.flows.move_by(if is_forwards { 1 } else { -1 });
    model.flows.stay();
    let Some(flow) = model.flows.focused() else { return };
    let summary = model.flows.summary(flow).cloned();
    if let Screen::Detail(detail) = model.screen()
        && !detail.turn_to(control, flow, summary.as_ref())
    {
        model.complain(format!("flow {flow} is not kept any more"));
    }
}

/// Goes back, or quits if nothing would be lost.
fn back(model: &mut Model) -> Vec<Effect> {
    if let Screen::List(edit) = model.screen()
        && edit.is_changed()
    {
        return options::take_over(model);
    }
    if matches!(model.screen(), Screen::Options) && !model.options.search().is_empty() {
        model.options.set_search("");
        return Vec::new();
    }
    if model.close() {
        return Vec::new();
    }
    if model.flows.at_stake() == (0, 0) {
        return vec![Effect::Quit];
    }
    model.is_quitting = true;
    Vec::new()
}

fn open_options(model: &mut Model, control: &dyn Control) {
    if !matches!(model.screen(), Screen::Options | Screen::List(_)) {
        model.options.read(control);
        model.open(Screen::Options);
    }
}

fn ask(model: &mut Model, about: About, text: impl Into<String>) {
    model.prompt = Some(Prompt::new(about, text));
}

fn save(model: &mut Model, control: &dyn Control) {
    model.flows.finish(control);
    if model.flows.counts().0 == 0 {
        model.complain("no flow is listed, so there is nothing to save");
    } else {
        ask(model, About::Save, "");
    }
}

fn clear(model: &mut Model, control: &dyn Control) {
    if matches!(model.screen(), Screen::Log(_)) {
        model.log.clear();
        return;
    }
    control.clear_flows();
}

fn search(model: &mut Model) {
    match model.screen() {
        Screen::Options => {
            let search = model.options.search().to_owned();
            ask(model, About::SearchOptions, search);
        }
        _ => ask(model, About::Find, ""),
    }
}

fn look(model: &mut Model, action: Action) {
    let Screen::Detail(detail) = model.screen() else { return };
    match action {
        Action::NextTab => detail.turn_by(1),
        Action::PreviousTab => detail.turn_by(-1),
        Action::Whole => detail.look.is_whole = !detail.look.is_whole,
        Action::Form => detail.look.form = detail.look.form.next(),
        _ => {}
    }
}

fn find(model: &mut Model, is_backwards: bool) {
    let Screen::Detail(detail) = model.screen() else { return };
    if detail.find.is_empty() {
        model.complain("nothing to find: enter a text with `/`");
        return;
    }
    if !detail.find_next(is_backwards) {
        let text = format!("`{}` is not {}", detail.find, if is_backwards { "above" } else { "below" });
        model.complain(text);
    }
}
