//! What helps while something is entered.

use control::{CommandInfo, OptionKind, Parameter, ParameterKind};
use flowfilter::Filter;

use super::command::OWN;
use crate::{
    model::{About, Model, Offer, Prompt},
    words,
};

/// What is shown instead of how things stand.
pub(crate) struct Hint {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// The hint for what is entered, or for the key that is to follow.
pub(crate) fn of(model: &Model) -> Option<Hint> {
    let Some(prompt) = &model.prompt else {
        return (!model.pending.is_empty()).then(|| plain(following(&model.commands, &model.pending)));
    };
    if let Some(offer) = &prompt.offer {
        return Some(plain(offered(offer)));
    }
    let text = prompt.editor.text();
    Some(match &prompt.about {
        About::Filter => match Filter::parse(text.trim()) {
            Err(error) if !text.trim().is_empty() => {
                Hint { text: format!(" at character {}: {}", error.character, error.what), is_error: true }
            }
            _ => plain("~m method  ~u url  ~d host  ~c code  ~b body  ~h header  ~e error  ! & | ( )"),
        },
        About::Save => {
            plain(format!("{} flows: `.har` makes a HAR, anything else a flow file", model.flows.counts().0))
        }
        About::Command => plain(command(&model.commands, text)),
        About::Argument { command, .. } => plain(usage(command)),
        About::Option { name } => match model.options.find(name) {
            Some(option) if option.kind == OptionKind::Integer && text.trim().parse::<i64>().is_err() => {
                Hint { text: " a whole number is needed".to_owned(), is_error: true }
            }
            Some(option) => plain(&option.help),
            None => plain(""),
        },
        About::Item { is_file, .. } => plain(if *is_file { "tab completes files" } else { "" }),
        About::SearchOptions => plain("a part of a name, of an addon, or of a help"),
        About::Find => plain("n finds it again below, N above"),
    })
}

/// What stands before what is entered.
pub(crate) fn label(prompt: &Prompt) -> String {
    match &prompt.about {
        About::Filter => "filter: ".to_owned(),
        About::Save => "save to: ".to_owned(),
        About::Command => ":".to_owned(),
        About::Argument { command, arguments } => match command.parameters.get(arguments.len()) {
            Some(parameter) => format!("{} {}: ", command.name, shown(parameter)),
            None => format!("{}: ", command.name),
        },
        About::Option { name } => format!("{name} = "),
        About::Item { place, .. } => format!("line {}: ", place + 1),
        About::SearchOptions | About::Find => "/".to_owned(),
    }
}

fn plain(text: impl AsRef<str>) -> Hint {
    Hint { text: format!(" {}", text.as_ref()), is_error: false }
}

/// The keys that can follow.
fn following(commands: &[CommandInfo], pending: &str) -> String {
    let next = commands.iter().filter_map(|command| Some((command.keys.strip_prefix(pending)?, &command.name)));
    let next: Vec<String> = next.map(|(keys, name)| format!("{keys} {name}")).collect();
    format!("{pending} …  {}", next.join("  "))
}

/// What Tab offers; what is chosen comes first.
fn offered(offer: &Offer) -> String {
    let name = |word: &String| {
        let folder_end = word.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
        word.get(folder_end..).unwrap_or_default().to_owned()
    };
    let first = offer.chosen.unwrap_or(0);
    let mut names: Vec<String> = offer.words.iter().map(name).collect();
    names.rotate_left(first.min(offer.words.len()));
    names.join("  ")
}

fn command(commands: &[CommandInfo], line: &str) -> String {
    let words = words::split(line);
    let Some(first) = words.first() else { return String::new() };
    if let Some(command) = commands.iter().find(|command| command.name == first.text) {
        return usage(command);
    }
    if let Some((name, takes, help)) = OWN.iter().find(|(name, ..)| *name == first.text) {
        return format!("{name} {takes}: {help}");
    }
    let names = commands.iter().map(|command| command.name.as_str()).chain(OWN.map(|(name, ..)| name));
    let found: Vec<&str> = names.filter(|name| name.starts_with(&first.text)).collect();
    if found.is_empty() { format!("there is no command `{}`", first.text) } else { found.join("  ") }
}

fn usage(command: &CommandInfo) -> String {
    let mut words = vec![command.name.clone()];
    words.extend(command.parameters.iter().map(shown));
    format!("{}: {}", words.join(" "), command.help)
}

fn shown(parameter: &Parameter) -> String {
    let name = match &parameter.kind {
        ParameterKind::Choice(words) => words.join("|"),
        _ => parameter.name.to_uppercase(),
    };
    let name = if parameter.is_repeated { format!("{name}…") } else { name };
    if parameter.is_optional { format!("[{name}]") } else { name }
}
