//! Why a command could not do its work.

use std::{io, path::PathBuf};

use recording::{Format, RecordingError};

/// Why a command could not do its work. `Display` is one level; the cause is the `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowsError {
    /// A recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The expression is no filter.
    #[error(transparent)]
    Filter(#[from] flowfilter::ParseError),
    /// There is no exchange with the number.
    #[error("recording `{path}` has no exchange {number}: `proxyhost flows list` shows the numbers")]
    NoExchange {
        /// The recording.
        path: PathBuf,
        /// The number that was asked for.
        number: usize,
    },
    /// There is no such body.
    #[error("flow {number} of recording `{path}` has no {side} body to write: {why}")]
    NoBody {
        /// The recording.
        path: PathBuf,
        /// The number of the exchange.
        number: usize,
        /// Of the request or of the response.
        side: &'static str,
        /// Why there is none.
        why: &'static str,
    },
    /// It would command the terminal.
    #[error("the body is no text, and standard output is a terminal: write it `--out FILE`, or into a pipe")]
    Terminal,
    /// Only a flow file can be repaired.
    #[error(
        "recording `{path}` is {format}, and only flow files can be repaired: `flows convert` writes what can be read"
    )]
    NotAFlowFile {
        /// The recording.
        path: PathBuf,
        /// What it is.
        format: Format,
    },
    /// Nobody said where to write what was repaired.
    #[error("nothing says where to write: give OUT, or `--in-place`")]
    NoOutput,
    /// The output exists.
    #[error("`{path}` exists already: give another name, or `--force` to replace it")]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The output is something that may not be replaced.
    #[error("cannot write `{path}`: it is no regular file")]
    NotAFile {
        /// The output.
        path: PathBuf,
    },
    /// The output is an input.
    #[error("`{path}` would be read and written at once: give another name for the output")]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The output.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output does not take any more.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The command line has no command.
    #[error("nothing says what to do: `proxyhost flows --help` lists the commands")]
    NoCommand,
}

impl FlowsError {
    /// The exit code of the process: 1 if the system failed, 2 if something asked for is wrong.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Write { .. } | Self::Output(_) => 1,
            _ => 2,
        }
    }
}
