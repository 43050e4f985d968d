//! Command lines and configuration files, from their text to settings or to an error.

mod any;
mod command_line;
mod declared;
mod file;
mod golden;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use proxyhost::config::{Action, ConfigError, Environment, Preliminary, Settings};

/// Surroundings that are the same everywhere.
fn environment(folder: &Path) -> Environment {
    Environment {
        folder: folder.to_owned(),
        home: Some(PathBuf::from("/home/x")),
        log: None,
        shipped: vec!["record".to_owned(), "serverreplay".to_owned()],
    }
}

/// The first pass over a command line of words without blanks.
fn preliminary(line: &str, folder: &Path) -> Result<Preliminary, ConfigError> {
    Preliminary::scan(line.split_whitespace().map(OsString::from), environment(folder))
}

/// Both passes; what is called `serverreplay` declares its flags.
fn parse(line: &str, folder: &Path) -> Result<Action, ConfigError> {
    let found = preliminary(line, folder)?;
    let declared = declared::declared(found.addons());
    found.finish(&declared)
}

/// The settings of a command line that runs the proxy.
fn run(line: &str, folder: &Path) -> Settings {
    match parse(line, folder) {
        Ok(Action::Run(settings)) => *settings,
        other => panic!("{line}: {other:?}"),
    }
}
