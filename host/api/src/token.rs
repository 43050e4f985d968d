//! The secret that clients prove themselves with.

use std::{
    fmt,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

/// The secret that clients prove themselves with. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The system has no random numbers.
    #[error("cannot make a token: the system gives no random numbers")]
    Random,
    /// The file cannot be read.
    #[error("cannot read the token in `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others know what is in the file.
    #[error("cannot use the token in `{}`: others can read it; `chmod 600` keeps it from them", path.display())]
    Shared {
        /// The file.
        path: PathBuf,
    },
    /// What is in the file is no token.
    #[error(
        "cannot use the token in `{}`: it is one line of {LEAST} to {MOST} visible ASCII characters",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// A token that nobody knows yet.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, TokenError> {
        let mut bytes = [0; RANDOM_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| TokenError::Random)?;
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token in a file that only its owner can read: one line.
    ///
    /// # Errors
    /// When the file cannot be read, others can read it, or there is no token in it.
    pub fn load(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Read { path: path.to_owned(), source };
        let file = regular_file::open(path, LONGEST_FILE).map_err(failed)?;
        if file.metadata().map_err(failed)?.mode() & OTHERS != 0 {
            return Err(TokenError::Shared { path: path.to_owned() });
        }
        let mut text = String::new();
        file.take(LONGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        Self::parse(text.trim()).ok_or_else(|| TokenError::Unusable { path: path.to_owned() })
    }

    /// A token that somebody chose: long enough not to be guessed, and of what a field of HTTP can have.
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = (LEAST..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether it is this one. How long that takes says nothing about it: digests are compared, in constant time.
    pub fn is(&self, given: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"proxyhost");
        hmac::verify(&key, given, hmac::sign(&key, self.0.as_bytes()).as_ref()).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// As many as nobody guesses.
const RANDOM_BYTES: usize = 32;
/// Characters of a token that somebody chose.
const LEAST: usize = 16;
const MOST: usize = 1024;
/// Bytes that are read of a file: a token, and blanks around it.
const LONGEST_FILE: u64 = 4096;
/// All permissions of those who do not own a file.
const OTHERS: u32 = 0o077;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_token_is_read_from_a_file_of_its_owner_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("token");
        let load = |text: &str, mode: u32| {
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
            Token::load(&path).map_err(|error| oneline::chain(&error).replace(path.to_str().expect("UTF-8"), "FILE"))
        };
        assert_eq!(load("0123456789abcdef\n", 0o600), Ok(Token("0123456789abcdef".to_owned())));
        let shared = "cannot use the token in `FILE`: others can read it; `chmod 600` keeps it from them";
        assert_eq!(load("0123456789abcdef\n", 0o640), Err(shared.to_owned()));
        let unusable = "cannot use the token in `FILE`: it is one line of 16 to 1024 visible ASCII characters";
        for text in ["", "short", "0123456789 abcdef", "0123456789abcdef\n0123456789abcdef", "0123456789abcdéf"] {
            assert_eq!(load(text, 0o600), Err(unusable.to_owned()), "{text:?}");
        }
        let folder_itself = Token::load(folder.path()).map_err(|error| oneline::chain(&error));
        assert!(folder_itself.is_err_and(|error| error.ends_with("`: it is a directory, and not a regular file")));
    }

    #[test]
    fn only_the_token_itself_is_it() {
        let token = Token::random().expect("random numbers");
        assert_eq!(token.secret().len(), 43);
        assert_ne!(token, Token::random().expect("random numbers"));
        assert!(token.is(token.secret().as_bytes()));
        assert!(!token.is(b""));
        assert!(!token.is(&token.secret().as_bytes()[1..]));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
