//! What is wrong with the configuration, said on one line.

use std::{error::Error, fmt};

/// Why the configuration cannot be used. Whoever sees it ends the process with status 2.
///
/// `Display` is one level, and [`ConfigError::report`] the whole.
#[derive(Debug)]
pub struct ConfigError {
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ConfigError {
    /// An error that says what was attempted, on what, and, where no other error says that, why it failed.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), hint: None, source: None }
    }

    /// Adds the error that caused it.
    pub(super) fn because(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Puts where the fault is in front, such as `proxyhost.toml:3:1`.
    pub(super) fn at(self, origin: impl fmt::Display) -> Self {
        Self { message: format!("{origin}: {}", self.message), ..self }
    }

    /// Adds an instruction that works.
    pub(super) fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    /// Adds the nearest known name, where one is near.
    pub(super) fn did_you_mean(self, nearest: Option<impl fmt::Display>) -> Self {
        match nearest {
            Some(nearest) => self.hint(format_args!("did you mean `{nearest}`?")),
            None => self,
        }
    }

    /// All of it on one line.
    pub fn line(&self) -> String {
        let error = oneline::escaped(&oneline::chain(self));
        match &self.hint {
            Some(hint) => format!("{error}; {}", oneline::escaped(hint)),
            None => error,
        }
    }

    /// The lines for standard error: `error: …` and, where there is something to do, `hint: …`.
    pub fn report(&self) -> String {
        let error = oneline::escaped(&oneline::chain(self));
        match &self.hint {
            Some(hint) => format!("error: {error}\nhint: {}", oneline::escaped(hint)),
            None => format!("error: {error}"),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&oneline::escaped(&self.message))
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let error = ConfigError::new("unknown flag `\u{1b}[31m\n`").hint("a\rb");
        assert_eq!(error.report(), "error: unknown flag `\\u{1b}[31m\\n`\nhint: a\\rb");
    }
}
