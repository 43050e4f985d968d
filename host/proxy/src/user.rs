//! Texts that say a user and a password: those whom this proxy serves, and who it is to others.

/// Checks a `NAME:PASSWORD`. A password may have colons, and may be empty (RFC 7617 §2).
///
/// # Errors
/// When it is none.
pub fn check(text: &str) -> Result<(), UserError> {
    let (name, _) = text.split_once(':').ok_or(UserError::Colon)?;
    if name.is_empty() {
        return Err(UserError::Name);
    }
    if text.contains(char::is_control) { Err(UserError::Control) } else { Ok(()) }
}

/// Why a text is not a user with a password. The text itself is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// There is no password.
    #[error("there is no colon in it, as in `NAME:PASSWORD`")]
    Colon,
    /// There is no name.
    #[error("there is no name before its colon, as in `NAME:PASSWORD`")]
    Name,
    /// No field could carry it.
    #[error("it has control characters")]
    Control,
}
