//! Changes of options.

use control::{Change, OptionKind, OptionValue, Setting};

use crate::{
    complete,
    effect::Effect,
    keymap::Action,
    model::{About, ListEdit, Model, Prompt, Screen},
};

/// Changes the option in focus: turns a flag, takes the next choice, asks for anything else.
pub(super) fn change(model: &mut Model) -> Vec<Effect> {
    let Some(option) = model.options.focused() else { return Vec::new() };
    if option.is_fixed {
        refuse_fixed(model);
        return Vec::new();
    }
    let setting = match (&option.kind, &option.value) {
        (OptionKind::Flag, OptionValue::Flag(is_set)) => OptionValue::Flag(!is_set),
        (OptionKind::Choice(words), value) => {
            let now = words.iter().position(|word| *word == value.to_string());
            let next = now.map_or(0, |place| (place + 1) % words.len());
            let Some(word) = words.get(next) else { return Vec::new() };
            OptionValue::Text(word.clone())
        }
        (OptionKind::Texts | OptionKind::Files, _) => {
            let edit = ListEdit::new(option);
            model.open(Screen::List(edit));
            return Vec::new();
        }
        (_, value) => {
            let (name, text) = (option.name.clone(), value.to_string());
            model.prompt = Some(Prompt::new(About::Option { name }, text));
            return Vec::new();
        }
    };
    vec![set(option.name.clone(), Setting::Value(setting))]
}

/// Has the option in focus, or all, be as by default.
pub(super) fn reset(model: &mut Model, is_all: bool) -> Vec<Effect> {
    if !is_all && model.options.focused().is_some_and(|option| option.is_fixed) {
        refuse_fixed(model);
        return Vec::new();
    }
    let is_changed = |option: &&control::OptionInfo| option.value != option.default;
    let names: Vec<String> = if is_all {
        let changeable = model.options.all().iter().filter(is_changed).filter(|option| !option.is_fixed);
        changeable.map(|option| option.name.clone()).collect()
    } else {
        model.options.focused().filter(is_changed).map(|option| option.name.clone()).into_iter().collect()
    };
    if names.is_empty() {
        model.say("nothing to change: that is as by default");
        return Vec::new();
    }
    vec![Effect::Change(Change::Options(names.into_iter().map(|name| (name, Setting::Default)).collect()))]
}

fn refuse_fixed(model: &mut Model) {
    let Some(option) = model.options.focused() else { return };
    let text = format!("`{0}` can only be set by a start: with `--set {0}=…`, or in the file", option.name);
    model.complain(text);
}

/// Asks for the line in focus.
pub(super) fn edit_line(model: &mut Model) {
    let Screen::List(edit) = model.screen() else { return };
    let text = edit.lines.get(edit.focus).cloned().unwrap_or_default();
    let about = About::Item { place: edit.focus, is_file: edit.is_files };
    model.prompt = Some(Prompt::new(about, text));
}

/// Adds a line, or leaves one out.
pub(super) fn edit_list(model: &mut Model, action: Action) {
    let Screen::List(edit) = model.screen() else { return };
    if action == Action::Remove {
        edit.remove();
        return;
    }
    let about = About::Item { place: edit.lines.len(), is_file: edit.is_files };
    model.prompt = Some(Prompt::new(about, ""));
}

/// Takes a line that was asked for.
pub(super) fn set_line(model: &mut Model, place: usize, text: String) {
    if let Screen::List(edit) = model.screen() {
        edit.set(place, if edit.is_files { complete::file(&text) } else { text });
    }
}

/// Sets the list that was edited. It stays on the screen until that is done, so that nothing is lost if it is refused.
pub(super) fn take_over(model: &mut Model) -> Vec<Effect> {
    let Screen::List(edit) = model.screen() else { return Vec::new() };
    let (name, lines) = (edit.option.clone(), edit.lines.clone());
    vec![set(name, Setting::Value(OptionValue::Texts(lines)))]
}

fn set(name: String, setting: Setting) -> Effect {
    Effect::Change(Change::Options(vec![(name, setting)]))
}
