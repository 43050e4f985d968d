//! Sessions: the flows of one client or test, apart from those of others.

use std::{fmt, sync::Arc};

/// Whose flow it is: of a client that named a session, or of all those that name none. Copies share the name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session(Option<Arc<str>>);

impl Session {
    /// The session of this name.
    ///
    /// # Errors
    /// When no session can have that name.
    pub fn named(name: &str) -> Result<Self, InvalidSession> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(allowed) {
            return Err(InvalidSession);
        }
        Ok(Self(Some(name.into())))
    }

    /// The name; empty for the session of all clients that name none.
    pub fn name(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether it has a name.
    pub fn is_named(&self) -> bool {
        self.0.is_some()
    }
}

/// Most bytes of a name.
const LONGEST: usize = 64;

impl fmt::Display for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A text that no session can have for its name. It may have been meant for a secret, so it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a session is 1 to 64 letters, digits, `-`, `_`, `.` or `:`")]
pub struct InvalidSession;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_harmless() {
        for name in ["a", "test-17", "tests/x.py::test_a".replace('/', ".").as_str(), &"x".repeat(64)] {
            assert_eq!(Session::named(name).unwrap().name(), name);
        }
        for name in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(Session::named(name), Err(InvalidSession), "{name}");
        }
        assert_eq!((Session::default().name(), Session::default().is_named()), ("", false));
    }
}
