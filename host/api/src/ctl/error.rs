//! Why a command could not do its work.

use std::{io, path::PathBuf};

use crate::{RuntimeFileError, TokenError};

/// Why a command could not do its work. `Display` is one level; the cause is the `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CtlError {
    /// The command does the same for all sessions.
    #[error("`{command}` is not about one session: leave out `--session`")]
    Session {
        /// The command.
        command: String,
    },
    /// There is nothing to talk to.
    #[error(
        "no proxy with a control API is running: start one with `proxyhost --control 0`, or say where it is by \
         `--control [HOST:]PORT`"
    )]
    NoneRunning,
    /// It is not clear which one is meant.
    #[error("several proxies are running: choose one by `--control` of {}", found.join(", "))]
    Several {
        /// Their addresses, and processes.
        found: Vec<String>,
    },
    /// Where running proxies are noted cannot be looked at.
    #[error(transparent)]
    Runtime(#[from] RuntimeFileError),
    /// The text is no address.
    #[error("`--control` is [HOST:]PORT, such as 9090 or [::1]:9090, and not `{given}`")]
    Address {
        /// The text.
        given: String,
    },
    /// Nobody said what the token is.
    #[error("nothing says what the token of the proxy at {address} is: name its file by `--token-file FILE`")]
    NoToken {
        /// Where the proxy is.
        address: String,
    },
    /// There is no token in the file.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nothing answers.
    #[error(
        "cannot connect to the control API at {address}: start the proxy with `--control`, or name another address"
    )]
    Connect {
        /// Where the proxy is to be.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The proxy did not serve in time.
    #[error("the proxy does not serve after {seconds} seconds")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// What was wrong at last.
        source: Option<Box<CtlError>>,
    },
    /// The connection failed.
    #[error("the connection to the control API at {address} failed")]
    Connection {
        /// Where the proxy is.
        address: String,
        /// What failed.
        source: hyper::Error,
    },
    /// It is not what a proxy answers.
    #[error("what answers at {address} is not the control API of a proxy: it says {found}")]
    NotTheApi {
        /// Where the proxy is to be.
        address: String,
        /// What was said instead.
        found: String,
    },
    /// The proxy did not do it.
    #[error("cannot {attempt}")]
    Refused {
        /// What was attempted, on what.
        attempt: String,
        /// What the proxy says.
        source: Refusal,
    },
    /// An assignment has no value.
    #[error("`{given}` sets nothing: write NAME=VALUE")]
    Assignment {
        /// What was given.
        given: String,
    },
    /// The name of a file is not UTF-8.
    #[error("cannot use `{}`: the name is not UTF-8", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// There are no threads, or no sockets.
    #[error("cannot start")]
    Start(#[source] io::Error),
    /// Standard output does not take any more.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
    /// The command line has no command.
    #[error("nothing says what to do: `proxyhost ctl --help` lists the commands")]
    NoCommand,
}

/// Why the proxy did not do what it was asked for, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The status of its answer.
    pub status: u16,
    reason: String,
}

impl Refusal {
    pub(super) fn new(status: u16, reason: String) -> Self {
        Self { status, reason }
    }
}

impl CtlError {
    /// Whether it may be over as soon as a proxy has started.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::NoneRunning | Self::NoToken { .. } | Self::Connect { .. } | Self::Connection { .. })
    }

    /// The exit code of the process: 1 if something failed, 2 if what was asked for is wrong.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Session { .. }
            | Self::Several { .. }
            | Self::Address { .. }
            | Self::NoToken { .. }
            | Self::Token(_)
            | Self::Assignment { .. }
            | Self::Name { .. }
            | Self::NoCommand => 2,
            // There is no such thing, or the value is none of it.
            Self::Refused { source: Refusal { status: 400 | 404, .. }, .. } => 2,
            _ => 1,
        }
    }
}
