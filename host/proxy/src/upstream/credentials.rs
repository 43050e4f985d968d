//! The user that this proxy is to others.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;

/// A user and a password as a field has them (RFC 7617). They are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(HeaderValue);

impl Credentials {
    /// Reads a `NAME:PASSWORD`. A password may have colons, and may be empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let (name, _) = text.split_once(':').ok_or(CredentialsError::Colon)?;
        if name.is_empty() {
            return Err(CredentialsError::Name);
        }
        if text.contains(char::is_control) {
            return Err(CredentialsError::Control);
        }
        let value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(text)));
        let mut value = value.map_err(|_| CredentialsError::Control)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The value of the field that carries them.
    pub(super) fn field(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why a text is not a user with a password. The text itself is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// There is no password.
    #[error("there is no colon in it, as in `NAME:PASSWORD`")]
    Colon,
    /// There is no name.
    #[error("there is no name before its colon, as in `NAME:PASSWORD`")]
    Name,
    /// RFC 7617 §2
    #[error("it has control characters")]
    Control,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_becomes_a_field_that_is_not_shown() {
        let credentials = Credentials::parse("ann:s3:cret").unwrap();
        assert_eq!(credentials.field(), "Basic YW5uOnMzOmNyZXQ=");
        assert_eq!(format!("{credentials:?} {:?}", credentials.field()), "Credentials { .. } Sensitive");
        for (text, error) in
            [("ann", CredentialsError::Colon), (":x", CredentialsError::Name), ("a:\u{1b}", CredentialsError::Control)]
        {
            assert_eq!(Credentials::parse(text), Err(error));
        }
    }
}
