//! What keys do to a line that is asked for.

use std::path::PathBuf;

use control::{Change, Control, Existing, OptionKind, ParameterKind, Setting};

use super::{
    command::{self, OWN},
    options,
};
use crate::{
    complete,
    effect::Effect,
    key::Key,
    model::{About, Model, Offer, Prompt, Screen},
    words,
};

/// Takes a key while something is entered.
pub(super) fn press(model: &mut Model, control: &dyn Control, key: &Key) -> Vec<Effect> {
    match key {
        Key::Escape | Key::Control('c' | 'g') => cancel(model),
        Key::Enter => return enter(model, control),
        Key::Tab => complete_word(model, 1),
        Key::BackTab => complete_word(model, -1),
        Key::Up | Key::Control('p') => recall(model, 1),
        Key::Down | Key::Control('n') => recall(model, -1),
        key => {
            if let Some(prompt) = &mut model.prompt {
                prompt.offer = None;
                prompt.editor.press(key);
            }
            as_typed(model);
        }
    }
    Vec::new()
}

/// What is searched for is found while it is typed.
fn as_typed(model: &mut Model) {
    if let Some(Prompt { about: About::SearchOptions, editor, .. }) = &model.prompt {
        model.options.set_search(editor.text());
    }
}

fn cancel(model: &mut Model) {
    if let Some(Prompt { about: About::SearchOptions, .. }) = model.prompt.take() {
        model.options.set_search("");
    }
}

fn enter(model: &mut Model, control: &dyn Control) -> Vec<Effect> {
    let Some(prompt) = model.prompt.take() else { return Vec::new() };
    let text = prompt.editor.text().to_owned();
    match prompt.about {
        About::Filter => {
            // With the mistake still to be seen, the line stays.
            if model.flows.set_filter(&text).is_err() {
                model.prompt = Some(Prompt { about: About::Filter, ..prompt });
            } else {
                model.flows.refresh(control, model.areas.list.height.into());
            }
        }
        About::Save => return save(model, control, &text),
        About::Command => {
            model.history.push(text.trim());
            return command::line(model, &text);
        }
        About::Argument { command, arguments } => return command::argument(model, command, arguments, &text),
        About::Option { name } => {
            let kind = model.options.find(&name).map(|option| &option.kind);
            let text = if kind == Some(&OptionKind::Output) { complete::file(&text) } else { text };
            return vec![Effect::Change(Change::Options(vec![(name, Setting::Text(text))]))];
        }
        About::Item { place, .. } => options::set_line(model, place, text),
        About::SearchOptions => {}
        About::Find => find(model, text),
    }
    Vec::new()
}

fn save(model: &mut Model, control: &dyn Control, text: &str) -> Vec<Effect> {
    let (text, existing) = match text.trim().strip_suffix(REPLACING) {
        Some(text) => (text.trim_end(), Existing::Replace),
        None => (text.trim(), Existing::Refuse),
    };
    let file = complete::file(text);
    if file.is_empty() {
        return Vec::new();
    }
    model.flows.finish(control);
    vec![Effect::Save { flows: model.flows.listed().to_vec(), file: PathBuf::from(file), existing }]
}

/// Behind the name of a file that is to be replaced.
pub(super) const REPLACING: char = '!';

fn find(model: &mut Model, text: String) {
    let Screen::Detail(detail) = model.screen() else { return };
    if !text.is_empty() {
        detail.find = text;
    }
    super::find(model, false);
}

fn recall(model: &mut Model, further: isize) {
    let Some(prompt) = model.prompt.as_mut().filter(|prompt| matches!(prompt.about, About::Command)) else { return };
    let back = match (prompt.recalled, further) {
        (None, 1) => 0,
        (Some(back), _) => match back.checked_add_signed(further) {
            Some(back) => back,
            None => {
                *prompt = Prompt::new(About::Command, "");
                return;
            }
        },
        (None, _) => return,
    };
    if let Some(line) = model.history.recall(back) {
        *prompt = Prompt { recalled: Some(back), ..Prompt::new(About::Command, line) };
    }
}

/// Completes the word before the cursor: as far as that is certain, and then by each word that it can become.
fn complete_word(model: &mut Model, further: isize) {
    let Some(mut prompt) = model.prompt.take() else { return };
    match &mut prompt.offer {
        Some(offer) if !offer.words.is_empty() => {
            let count = offer.words.len() as isize;
            let place = match offer.chosen {
                Some(chosen) => (chosen as isize + further).rem_euclid(count),
                None if further > 0 => 0,
                None => count - 1,
            };
            offer.chosen = usize::try_from(place).ok();
            let word = offer.chosen.and_then(|place| offer.words.get(place)).cloned().unwrap_or_default();
            let start = offer.start;
            put(&mut prompt, start, &word);
        }
        _ => {
            let (start, found) = candidates(model, &prompt);
            match found.as_slice() {
                [] => {}
                [word] => {
                    let is_open = word.ends_with(['/', '=']);
                    put(&mut prompt, start, word);
                    if matches!(prompt.about, About::Command) && !is_open {
                        prompt.editor.press(&Key::Char(' '));
                    }
                }
                _ => {
                    put(&mut prompt, start, &complete::common(&found));
                    prompt.offer = Some(Offer { start, words: found, chosen: None });
                }
            }
        }
    }
    model.prompt = Some(prompt);
}

/// Puts a word in the place of the one before the cursor; in a command line, with quotes if it needs any.
fn put(prompt: &mut Prompt, start: usize, word: &str) {
    let is_line = matches!(prompt.about, About::Command);
    let word = if is_line && !word.is_empty() { words::quoted(word) } else { word.to_owned() };
    prompt.editor.replace_from(start, &word);
}

/// Where the word before the cursor begins, and what it can become.
fn candidates(model: &Model, prompt: &Prompt) -> (usize, Vec<String>) {
    let before = prompt.editor.before();
    match &prompt.about {
        About::Save => (0, complete::files(before)),
        About::Argument { command, arguments } => {
            let parameter = command.parameters.get(arguments.len()).or(command.parameters.last());
            (0, parameter.map(|parameter| complete::parameter(&parameter.kind, before)).unwrap_or_default())
        }
        About::Option { name } => {
            let kind = model.options.find(name).map(|option| &option.kind);
            (
                0,
                if kind == Some(&OptionKind::Output) {
                    complete::parameter(&ParameterKind::Output, before)
                } else {
                    Vec::new()
                },
            )
        }
        About::Item { is_file: true, .. } => (0, complete::files(before)),
        About::Command => in_line(model, before),
        About::Item { is_file: false, .. } | About::Filter | About::SearchOptions | About::Find => (0, Vec::new()),
    }
}

fn in_line(model: &Model, before: &str) -> (usize, Vec<String>) {
    let words = words::split(before);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return (0, Vec::new()) };
    if words.len() == 1 {
        let names = model.commands.iter().map(|command| command.name.as_str());
        return (last.start, complete::among(names.chain(OWN.map(|(name, ..)| name)), &last.text));
    }
    if first.text == "set" && words.len() == 2 {
        let names: Vec<String> = model.options.all().iter().map(|option| format!("{}=", option.name)).collect();
        return (last.start, complete::among(names.iter().map(String::as_str), &last.text));
    }
    let command = model.commands.iter().find(|command| command.name == first.text);
    let parameter = command.and_then(|command| {
        let repeated = command.parameters.last().filter(|parameter| parameter.is_repeated);
        command.parameters.get(words.len() - 2).or(repeated)
    });
    (last.start, parameter.map(|parameter| complete::parameter(&parameter.kind, &last.text)).unwrap_or_default())
}
