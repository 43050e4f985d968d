//! Why a change was not made.

use control::{ControlError, ErrorKind};

use crate::{
    addon::{CommandError, LoadError},
    config::ConfigError,
};

/// Why a change was not made, or a command not run. Everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An addon cannot be loaded, or refuses its options.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A command was not run.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// There is nothing of that name.
    #[error("there is no {what} `{name}`{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
        /// A name that is near.
        near: Option<String>,
    },
    /// There is an addon of that name.
    #[error("there is an addon `{name}` already: replace it, or remove it first")]
    Taken {
        /// The name.
        name: String,
    },
    /// Only a start can set an option.
    #[error("only a start can set option `{name}`: give it on the command line or in the configuration file")]
    Fixed {
        /// The option.
        name: String,
    },
    /// A value is not one of the option's.
    #[error("option `{name}` is {expected}, not `{given}`")]
    Value {
        /// The option.
        name: String,
        /// What it takes.
        expected: String,
        /// What was given.
        given: String,
    },
    /// An addon wants to change what is not its to change.
    #[error("addon `{addon}` asks for {what}")]
    Overreach {
        /// The addon.
        addon: String,
        /// What it asks for.
        what: String,
    },
    /// It is not clear which addon is meant.
    #[error("cannot tell which addon is to replay `{file}`: {why}")]
    Ambiguous {
        /// The recording.
        file: String,
        /// Why.
        why: String,
    },
}

impl From<ChangeError> for ControlError {
    fn from(error: ChangeError) -> Self {
        let kind = match &error {
            ChangeError::Unknown { .. } => ErrorKind::Unknown,
            ChangeError::Fixed { .. }
            | ChangeError::Taken { .. }
            | ChangeError::Load(LoadError::Refused { .. })
            | ChangeError::Command(CommandError::Refused { .. }) => ErrorKind::Refused,
            ChangeError::Overreach { .. } | ChangeError::Command(CommandError::Failed { .. }) => ErrorKind::Failed,
            ChangeError::Load(_)
            | ChangeError::Config(_)
            | ChangeError::Value { .. }
            | ChangeError::Ambiguous { .. }
            | ChangeError::Command(CommandError::Arguments { .. }) => ErrorKind::Invalid,
        };
        let reason = match &error {
            ChangeError::Config(error) => error.line(),
            error => oneline::escaped(&oneline::chain(error)),
        };
        Self::new(kind, reason)
    }
}
