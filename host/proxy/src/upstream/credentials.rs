//! The user that this proxy is to others.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;

use crate::user::{self, UserError};

/// A user and a password as a field has them (RFC 7617). They are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(HeaderValue);

impl Credentials {
    /// Reads a `NAME:PASSWORD`. A password may have colons, and may be empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, UserError> {
        user::check(text)?;
        let value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(text)));
        let mut value = value.map_err(|_| UserError::Control)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_becomes_a_field_that_is_not_shown() {
        let credentials = Credentials::parse("ann:s3:cret").unwrap();
        assert_eq!(credentials.field(), "Basic YW5uOnMzOmNyZXQ=");
        assert_eq!(format!("{credentials:?} {:?}", credentials.field()), "Credentials { .. } Sensitive");
        for (text, error) in [("ann", UserError::Colon), (":x", UserError::Name), ("a:\u{1b}", UserError::Control)] {
            assert_eq!(Credentials::parse(text), Err(error));
        }
    }
}
