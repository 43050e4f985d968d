//! Commands that addons offer.

use control::Answer;

use super::{ChangeError, Running, setup::Entry};
use crate::{
    addon::{
        CommandFiles,
        options::{Kind, Value},
    },
    config::nearest,
    flow::Session,
};

impl Running {
    /// Runs a command, for a session.
    ///
    /// # Errors
    /// When there is no such command, its arguments do not fit, or the addon says why not.
    pub async fn run(&self, name: &str, arguments: &[String], session: &Session) -> Result<Answer, ChangeError> {
        let setup = self.setup.load_full();
        let Some((entry, command)) = setup.command(name) else {
            let names =
                setup.entries.iter().flat_map(|entry| &entry.loaded.commands).map(|command| command.name.as_str());
            let near = nearest(name, names).map(str::to_owned);
            return Err(ChangeError::Unknown { what: "command", name: name.to_owned(), near });
        };
        let (values, files) = command.arguments(arguments, |path| self.path(path))?;
        let answer = entry.addon.run(command, values, session).await?;
        if !answer.settings.is_empty() {
            check(entry, &answer.settings, &files)?;
            self.set(answer.settings).await?;
        }
        Ok(Answer { text: answer.text, data: answer.data })
    }
}

/// Whether an addon may set these options: its own, and to no files but those it has or that the user has just named.
fn check(entry: &Entry, settings: &[(String, Value)], files: &CommandFiles) -> Result<(), ChangeError> {
    for (name, value) in settings {
        let overreach = |what: String| ChangeError::Overreach { addon: entry.loaded.name.clone(), what };
        let Some(option) = entry.loaded.options.iter().find(|option| option.name == *name) else {
            return Err(overreach(format!("option `{}`, which is not its own", oneline::escaped(name))));
        };
        if option.fixed {
            return Err(ChangeError::Fixed { name: name.clone() });
        }
        let fits = match (&option.kind, value) {
            (Kind::Flag, Value::Flag(_)) | (Kind::Integer, Value::Integer(_)) | (Kind::Text, Value::Text(_)) => true,
            (Kind::Texts, Value::Texts(_)) => true,
            (Kind::Choice(words), Value::Text(word)) => words.contains(word),
            (Kind::Files, Value::Texts(wanted)) => {
                let has = |file: &String| entry.spec.grants.may_read(file) || files.read.contains(file);
                wanted.iter().all(has)
            }
            (Kind::Output, Value::Text(wanted)) => {
                wanted.is_empty() || entry.spec.grants.may_write(wanted) || files.write.contains(wanted)
            }
            _ => false,
        };
        if !fits {
            return Err(overreach(format!("a value of option `{name}` that it may not have")));
        }
    }
    Ok(())
}
