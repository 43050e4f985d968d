//! Commands: their keys, their arguments, and those of the console itself.

use control::{Change, CommandInfo, Setting};

use crate::{
    complete,
    effect::Effect,
    model::{About, Model, Prompt},
    words,
};

/// Commands that the console has itself: their names, and what they take and do.
pub(super) const OWN: [(&str, &str, &str); 3] = [
    ("set", "OPTION=VALUE", "set an option, as `--set` does"),
    ("reload", "", "read again what has changed on disk: configuration, addons, recordings"),
    ("quit", "", "quit at once"),
];

/// Takes the next one of keys that may be those of a command.
pub(super) fn press(model: &mut Model, pending: &str, character: char) -> Vec<Effect> {
    let keys = format!("{pending}{character}");
    if let Some(command) = model.commands.iter().find(|command| command.keys == keys).cloned() {
        return go_on(model, command, Vec::new(), Asking::All);
    }
    if model.commands.iter().any(|command| command.keys.starts_with(&keys)) {
        model.pending = keys;
    } else if pending.is_empty() {
        model.complain(format!("`{character}` does nothing here: ? shows all keys"));
    } else {
        model.complain(format!("no command has the keys `{keys}`"));
    }
    Vec::new()
}

/// Which arguments the user is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// All: a key says nothing of them.
    All,
    /// Those without which it cannot run: the line said the others, or left them out.
    Required,
}

/// Asks for the next argument, or runs the command with those that there are.
pub(super) fn go_on(model: &mut Model, command: CommandInfo, arguments: Vec<String>, asking: Asking) -> Vec<Effect> {
    let next = command.parameters.get(arguments.len());
    let is_asked = next.is_some_and(|parameter| asking == Asking::All || !parameter.is_optional);
    // Of one that takes all that are left, none may do; one was asked for before.
    if is_asked {
        model.prompt = Some(Prompt::new(About::Argument { command, arguments }, ""));
        return Vec::new();
    }
    vec![Effect::Run { name: command.name, arguments }]
}

/// Takes an argument that was asked for. An empty one that is optional, and those behind it, are left out.
pub(super) fn argument(model: &mut Model, command: CommandInfo, mut arguments: Vec<String>, text: &str) -> Vec<Effect> {
    let parameter = command.parameters.get(arguments.len());
    let (is_optional, is_repeated) =
        parameter.map_or((true, false), |parameter| (parameter.is_optional, parameter.is_repeated));
    if text.trim().is_empty() {
        if is_optional {
            return vec![Effect::Run { name: command.name, arguments }];
        }
        let name = parameter.map(|parameter| parameter.name.as_str()).unwrap_or_default();
        model.complain(format!("`{}` needs {name}, so it was not run", command.name));
        return Vec::new();
    }
    if is_repeated {
        let words = words::split(text.trim_end()).into_iter().map(|word| complete::file(&word.text));
        arguments.extend(words);
        return vec![Effect::Run { name: command.name, arguments }];
    }
    // The whole line is one argument; a file is often pasted with quotes.
    let text = match words::split(text.trim()).as_slice() {
        [word] => word.text.clone(),
        _ => text.trim().to_owned(),
    };
    arguments.push(expanded(&command, arguments.len(), text));
    go_on(model, command, arguments, Asking::All)
}

/// Runs a line of the prompt.
pub(super) fn line(model: &mut Model, line: &str) -> Vec<Effect> {
    let words: Vec<String> = words::split(line.trim()).into_iter().map(|word| word.text).collect();
    let Some((name, arguments)) = words.split_first() else { return Vec::new() };
    if name.is_empty() {
        return Vec::new();
    }
    if let Some(command) = model.commands.iter().find(|command| &command.name == name).cloned() {
        return of_addon(model, command, arguments);
    }
    match name.as_str() {
        "quit" => vec![Effect::Quit],
        "reload" => vec![Effect::Change(Change::Reload)],
        "set" => set(model, &arguments.join(" ")),
        _ => {
            model.complain(format!("there is no command `{name}`: tab shows those that there are"));
            Vec::new()
        }
    }
}

fn of_addon(model: &mut Model, command: CommandInfo, arguments: &[String]) -> Vec<Effect> {
    let takes_all = command.parameters.last().is_some_and(|parameter| parameter.is_repeated);
    let most = command.parameters.len();
    if arguments.len() > most && !takes_all {
        let name = &command.name;
        model.complain(format!("`{name}` takes {most} arguments, and there are {}", arguments.len()));
        return Vec::new();
    }
    let arguments =
        arguments.iter().cloned().enumerate().map(|(place, text)| expanded(&command, place, text)).collect();
    go_on(model, command, arguments, Asking::Required)
}

/// An argument; where that is a file, with the user's home in it.
fn expanded(command: &CommandInfo, place: usize, text: String) -> String {
    use control::ParameterKind::{File, Output};
    let parameter = command.parameters.get(place).or(command.parameters.last());
    match parameter.map(|parameter| &parameter.kind) {
        Some(File | Output) => complete::file(&text),
        _ => text,
    }
}

fn set(model: &mut Model, text: &str) -> Vec<Effect> {
    let (name, setting) = match text.split_once('=') {
        Some((name, value)) => (name.trim(), Setting::Text(value.to_owned())),
        // As with `--set`: a flag alone is on.
        None => (text.trim(), Setting::Text("true".to_owned())),
    };
    if name.is_empty() {
        model.complain("`set` needs an option and a value, such as `set server_replay_refresh=false`");
        return Vec::new();
    }
    vec![Effect::Change(Change::Options(vec![(name.to_owned(), setting)]))]
}
