//! Who may send requests to a listener: the `Basic` scheme (RFC 7617).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, header};
use ring::hmac;

use super::Entry;
use crate::flow::{Fault, FaultKind};

/// How requests come in at a place, and who may send them.
#[derive(Debug)]
pub struct Gate {
    /// How they come in.
    pub(super) entry: Entry,
    pub(super) host: HostField,
    users: Option<Users>,
}

/// What becomes of the `host` field of requests, where the server that they go to is named elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostField {
    /// It names that server (RFC 9112 §3.2.2).
    #[default]
    Rewritten,
    /// It stays as it came.
    Kept,
}

impl Gate {
    /// A place that everybody may use, or else these users only.
    pub fn new(entry: Entry, users: Option<Users>) -> Self {
        Self { entry, host: HostField::default(), users }
    }

    /// The same place, where the `host` field of requests is treated so.
    pub fn with_host(self, host: HostField) -> Self {
        Self { host, ..self }
    }

    /// Lets a request pass, without the credentials that it has for this place: they concern nobody further on
    /// (RFC 9110 §11.7.2). What is inside a tunnel passed when the tunnel was opened.
    ///
    /// # Errors
    /// When the request has to name a user and does not, or names none that may use this place.
    pub(super) fn pass(&self, fields: &mut HeaderMap) -> Result<(), Fault> {
        let Some(users) = &self.users else {
            fields.remove(header::PROXY_AUTHORIZATION);
            return Ok(());
        };
        let (field, refused) = self.asks();
        let mut lines = fields.get_all(&field).iter();
        let known = match (lines.next(), lines.next()) {
            (Some(line), None) => users.know(line.as_bytes()),
            _ => false,
        };
        if !known {
            return Err(Fault::new(refused, "this proxy serves known users only: a name and its password are needed"));
        }
        fields.remove(field);
        fields.remove(header::PROXY_AUTHORIZATION);
        Ok(())
    }

    /// The field that has the credentials, and what the answer is when they are wrong: to its clients, a reverse proxy is the
    /// server.
    fn asks(&self) -> (HeaderName, FaultKind) {
        match self.entry {
            Entry::Reverse(_) => (header::AUTHORIZATION, FaultKind::Unauthorized),
            Entry::Proxy | Entry::Tunnel(_) => (header::PROXY_AUTHORIZATION, FaultKind::ProxyUnauthorized),
        }
    }
}

/// Users with their passwords, of which only digests are kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Users(Vec<Vec<u8>>);

impl Users {
    /// Adds a `NAME:PASSWORD`. A password may have colons, and may be empty.
    ///
    /// # Errors
    /// When it is none.
    pub fn add(&mut self, text: &str) -> Result<(), UserError> {
        let (name, _) = text.split_once(':').ok_or(UserError::Colon)?;
        if name.is_empty() {
            return Err(UserError::Name);
        }
        // RFC 7617 §2
        if text.contains(char::is_control) {
            return Err(UserError::Control);
        }
        self.0.push(hmac::sign(&key(), text.as_bytes()).as_ref().to_vec());
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a field's value names one of them with its password. How long this takes says nothing about them: digests are
    /// compared in constant time, and all of them.
    fn know(&self, value: &[u8]) -> bool {
        let Some((scheme, token)) = value.split_at_checked(BASIC.len()) else { return false };
        if !scheme.eq_ignore_ascii_case(BASIC) {
            return false;
        }
        let Ok(given) = BASE64_STANDARD.decode(token.trim_ascii()) else { return false };
        let key = key();
        self.0.iter().fold(false, |known, digest| known | hmac::verify(&key, &given, digest).is_ok())
    }
}

/// The scheme, whose name's case does not matter (RFC 9110 §11.1), and what stands behind it.
const BASIC: &[u8] = b"Basic ";

/// Digests only make what is compared equally long, for which any key will do.
fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"proxyhost")
}

impl fmt::Debug for Users {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} users", self.0.len())
    }
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::flow::{Destination, Scheme};

    fn users() -> Users {
        let mut users = Users::default();
        for user in ["ann:s3:cret", "bob:", "zoë:päss"] {
            users.add(user).unwrap();
        }
        users
    }

    fn basic(user: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(user))
    }

    fn passed(entry: Entry, fields: &[(HeaderName, &str)]) -> Result<Vec<String>, FaultKind> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        Gate::new(entry, Some(users())).pass(&mut map).map_err(|fault| fault.kind)?;
        Ok(map.keys().map(ToString::to_string).collect())
    }

    #[test]
    fn known_users_pass_and_others_do_not() {
        for known in ["ann:s3:cret", "bob:", "zoë:päss"] {
            assert!(users().know(basic(known).as_bytes()), "{known}");
        }
        assert!(users().know(basic("bob:").replace("Basic", "bASIC ").as_bytes()));
        for unknown in ["ann:s3:cre", "ann:s3:crett", "ann", "", ":", "bob:s3:cret", "Ann:s3:cret"] {
            assert!(!users().know(basic(unknown).as_bytes()), "{unknown}");
        }
        for wrong in ["", "Basic", "Basic ", "Basic \u{e4}", "Bearer YW5uOnMzOmNyZXQ=", "YW5uOnMzOmNyZXQ="] {
            assert!(!users().know(wrong.as_bytes()), "{wrong}");
        }
        assert!(!Users::default().know(basic(":").as_bytes()));
    }

    #[test]
    fn credentials_for_this_place_do_not_pass_it() {
        let reverse = || Entry::Reverse(Destination::new(Scheme::Http, "a", 1).unwrap());
        let (good, bad) = (basic("bob:"), basic("bob:x"));
        let (proxy, server) = (header::PROXY_AUTHORIZATION, header::AUTHORIZATION);
        let both = [(proxy.clone(), good.as_str()), (server.clone(), "Bearer x")];
        assert_eq!(passed(Entry::Proxy, &both), Ok(vec!["authorization".to_owned()]));
        assert_eq!(passed(reverse(), &[(server.clone(), &good), (proxy.clone(), &bad)]), Ok(vec![]));
        assert_eq!(passed(Entry::Proxy, &[(server.clone(), &good)]), Err(FaultKind::ProxyUnauthorized));
        assert_eq!(passed(reverse(), &[(proxy.clone(), &good)]), Err(FaultKind::Unauthorized));
        assert_eq!(passed(reverse(), &[(server.clone(), &bad)]), Err(FaultKind::Unauthorized));
        let twice = [(proxy.clone(), good.as_str()), (proxy.clone(), good.as_str())];
        assert_eq!(passed(Entry::Proxy, &twice), Err(FaultKind::ProxyUnauthorized));
        let mut fields = HeaderMap::from_iter([(proxy, HeaderValue::from_static("Basic x"))]);
        assert!(Gate::new(Entry::Proxy, None).pass(&mut fields).is_ok() && fields.is_empty());
    }

    #[test]
    fn what_is_no_user_says_why() {
        let mut users = Users::default();
        assert_eq!(users.add("ann"), Err(UserError::Colon));
        assert_eq!(users.add(":x"), Err(UserError::Name));
        assert_eq!(users.add("ann:\u{1b}"), Err(UserError::Control));
        users.add("ann:x").unwrap();
        assert_eq!(format!("{users:?}"), "1 users");
    }
}
