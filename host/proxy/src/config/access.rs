//! Who may use a listener.

use std::{
    fs::{self, File},
    io::{self, Read},
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{ConfigError, listeners::Typed};
use crate::{listen::Users, user::UserError};

/// Who may use a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    /// These only; `None` for everybody who can reach it.
    pub(super) users: Option<Users>,
    /// Whether everybody may be more than this machine.
    pub(super) allow_open: bool,
}

/// What says who the users are. Nothing where none of them is given.
#[derive(Debug, Default)]
pub(super) struct UserSources {
    /// Each a `NAME:PASSWORD`.
    pub(super) users: Option<Vec<Typed>>,
    /// A file of such lines, with what its path starts from.
    pub(super) file: Option<Typed>,
}

impl UserSources {
    /// Whether anything is said of users, be it that there are none.
    pub(super) fn is_given(&self) -> bool {
        self.users.is_some() || self.file.is_some()
    }

    /// The users; `None` where there are none. `path` is where a text's file is.
    pub(super) fn read(&self, path: impl Fn(&str) -> PathBuf) -> Result<Option<Users>, ConfigError> {
        let mut users = Users::default();
        for typed in self.users.iter().flatten() {
            users.add(&typed.text).map_err(|error| named(no_user(error), &typed.text).at(&typed.origin))?;
        }
        if let Some(typed) = &self.file {
            add_file(&mut users, &typed.text, &path(&typed.text)).map_err(|error| error.at(&typed.origin))?;
        }
        Ok((!users.is_empty()).then_some(users))
    }
}

/// The text is not shown: it may have a password.
fn no_user(error: UserError) -> ConfigError {
    ConfigError::new("this is no user with a password").because(error)
}

/// The same, with what stands here for what mitmproxy has beside users.
fn named(error: ConfigError, text: &str) -> ConfigError {
    match text {
        "any" => error.hint("leave it out: where there are no users, any name is taken, and is that of a session"),
        text if text.starts_with('@') => {
            error.hint("`--proxy-auth-file FILE` reads users, a line `NAME:PASSWORD` each")
        }
        _ => error,
    }
}

fn add_file(users: &mut Users, name: &str, path: &Path) -> Result<(), ConfigError> {
    let failed =
        |error: io::Error| ConfigError::new(format_args!("cannot use the passwords in `{name}`")).because(error);
    let found = fs::metadata(path).map_err(failed)?;
    // Opening a pipe would wait for somebody to write.
    if !found.is_file() {
        return Err(failed(io::Error::other("it is not a file")));
    }
    if found.mode() & OTHERS != 0 {
        return Err(ConfigError::new(format_args!("cannot use the passwords in `{name}`: others can read them"))
            .hint(format_args!("chmod 600 {name}")));
    }
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(failed(io::Error::other(format!("it is longer than {MOST_BYTES} bytes"))));
    }
    let before = users.clone();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        users.add(line).map_err(|error| no_user(error).at(format_args!("{name}:{}", number + 1)))?;
    }
    if *users == before {
        return Err(failed(io::Error::other("there are none; each is a line `NAME:PASSWORD`")));
    }
    Ok(())
}

/// All permissions of those who do not own a file.
const OTHERS: u32 = 0o077;

/// Enough for ten thousand users.
const MOST_BYTES: u64 = 1 << 20;

/// Refuses a listener that strangers can reach and use: they would send what they like in its operator's name. When that is
/// what the operator wants, it is a warning, which is given here.
pub(super) fn check(access: &Access, address: SocketAddr) -> Result<Option<String>, ConfigError> {
    if access.users.is_some() || address.ip().to_canonical().is_loopback() {
        return Ok(None);
    }
    if access.allow_open {
        return Ok(Some(format!("everyone who can reach {address} can use the proxy, without a password")));
    }
    Err(ConfigError::new(format_args!(
        "cannot listen on {address}: everyone who can reach it could use the proxy, without a password"
    ))
    .hint("name users with `--proxy-auth-file FILE`, or say `--allow-open` if that is meant"))
}
