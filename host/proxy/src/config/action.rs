//! What the command line asks for.

use std::{fmt, io};

use super::Settings;

/// What to do.
#[derive(Debug)]
pub enum Action {
    /// Run the proxy.
    Run(Box<Settings>),
    /// Show the certificate authority.
    Ca(Box<Settings>),
    /// List the addons.
    Addons(Box<Settings>),
    /// Say whether the configuration is good.
    Check(Box<Settings>),
    /// Print this, and be done.
    Help(HelpText),
}

/// The help or the version.
#[derive(Debug)]
pub struct HelpText(pub(super) clap::Error);

impl HelpText {
    /// Writes it to standard output, in colour where that is a terminal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn print(&self) -> io::Result<()> {
        self.0.print()
    }
}

impl fmt::Display for HelpText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.render().fmt(formatter)
    }
}
