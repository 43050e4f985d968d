//! What came of effects.

use control::{Control, ErrorKind};

use super::prompt::REPLACING;
use crate::{
    effect::Done,
    model::{Model, Screen, Scroll},
};

/// Takes over what came of something.
pub(crate) fn done(model: &mut Model, control: &dyn Control, done: Done) {
    match done {
        Done::Ran { name, result: Ok(answer) } => {
            // A command may change what there is, such as the options of its addon.
            model.read_configuration(control);
            match answer.text.trim_end() {
                "" => model.say(format!("`{name}` is done")),
                text if text.contains('\n') => {
                    let text = text.to_owned();
                    model.open(Screen::Answer { title: name, text, scroll: Scroll::default() });
                }
                text => model.say(text),
            }
        }
        Done::Ran { name, result: Err(error) } => model.complain(format!("cannot run `{name}`: {error}")),
        Done::Changed(Ok(changed)) => {
            model.read_configuration(control);
            if matches!(model.screen(), Screen::List(_)) {
                model.close();
            }
            model.say(if changed.what.is_empty() { "nothing had to be changed".to_owned() } else { changed.what });
        }
        Done::Changed(Err(error)) => {
            let is_list = matches!(model.screen(), Screen::List(_));
            let hint = if is_list { " (ctrl-c leaves without the change)" } else { "" };
            model.complain(format!("{error}{hint}"));
        }
        Done::Saved { flows, file, result: Ok(count) } => {
            model.flows.saved(&flows);
            let missing = flows.len().saturating_sub(count);
            let rest = if missing == 0 { String::new() } else { format!("; {missing} are not kept any more") };
            let flows = if count == 1 { "1 flow".to_owned() } else { format!("{count} flows") };
            model.say(format!("saved {flows} to `{}`{rest}", file.display()));
        }
        Done::Saved { file, result: Err(error), .. } => {
            let file = file.display();
            model.complain(match error.kind {
                ErrorKind::Refused => format!("`{file}` is there already: `{file}{REPLACING}` replaces it"),
                _ => format!("cannot save to `{file}`: {error}"),
            });
        }
    }
}
