//! What can go wrong with the authority, said so that an operator can act on it.

use std::io;
use std::path::PathBuf;

use rustls_pki_types::pem;
use thiserror::Error;

/// Why the authority could not be loaded or made, or why a host got no certificate.
#[derive(Debug, Error)]
pub enum CaError {
    /// The directory does not exist and could not be made.
    #[error("cannot create the CA directory `{}`", .dir.display())]
    Directory {
        /// The directory asked for.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key file exists and could not be read.
    #[error("cannot read the CA key file `{}`", .path.display())]
    Read {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A new authority could not be stored.
    #[error("cannot write the CA file `{}`", .path.display())]
    Write {
        /// The file that was to appear.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key file is a directory, a pipe or a device, or far too large.
    #[error(
        "cannot load the CA key file `{}`: it is not a regular file of at most {limit} bytes; move it away to have a new CA made",
        .path.display()
    )]
    Irregular {
        /// The key file.
        path: PathBuf,
        /// The largest size read.
        limit: u64,
    },
    /// Users other than the owner can read or write the key file.
    #[error(
        "refusing the CA key file `{path}`: its mode {mode:04o} gives other users access to the key; run `chmod 600 {path}`",
        path = .path.display()
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file lacks a part, or is cut off within it.
    #[error(
        "cannot load the CA key file `{}`: no complete {part} in it; restore it, or move it away to have a new CA made",
        .path.display()
    )]
    Incomplete {
        /// The key file.
        path: PathBuf,
        /// What was looked for.
        part: &'static str,
        /// What the PEM reader said.
        source: pem::Error,
    },
    /// The private key is damaged, or of a kind that cannot sign here.
    #[error(
        "cannot use the private key in the CA key file `{}`: expected RSA (2048 bits or more), ECDSA P-256 or P-384, or Ed25519",
        .path.display()
    )]
    Key {
        /// The key file.
        path: PathBuf,
        /// What the TLS library said, where it said anything.
        source: Option<rustls::Error>,
    },
    /// The certificate is damaged.
    #[error(
        "cannot parse the certificate in the CA key file `{}`; restore it, or move it away to have a new CA made",
        .path.display()
    )]
    Certificate {
        /// The key file.
        path: PathBuf,
        /// What the parser said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Key and certificate are whole, but not of one pair.
    #[error(
        "cannot load the CA key file `{}`: its private key does not belong to its certificate; restore it, or move it away to have a new CA made",
        .path.display()
    )]
    Mismatch {
        /// The key file.
        path: PathBuf,
    },
    /// The certificate is not one of an authority.
    #[error(
        "cannot use the certificate in the CA key file `{}`: it may not sign other certificates (it needs CA:TRUE and keyCertSign)",
        .path.display()
    )]
    NotAuthority {
        /// The key file.
        path: PathBuf,
    },
    /// No client would accept what the authority signs.
    #[error(
        "the CA certificate in `{}` expired on {expiry}; move the file away to have a new CA made, then trust that one",
        .path.display()
    )]
    Expired {
        /// The key file.
        path: PathBuf,
        /// When it expired.
        expiry: String,
    },
    /// The subject would not come out the same as a leaf's issuer, and no client could link the two.
    #[error(
        "cannot use the certificate in the CA key file `{}`: its subject name is too unusual to be copied exactly; use a CA with a plain one, such as CN=proxyhost",
        .path.display()
    )]
    Subject {
        /// The key file.
        path: PathBuf,
    },
    /// The host is neither a DNS name nor an IP address.
    #[error(
        "cannot make a certificate for `{}`: expected a DNS name of at most 253 ASCII characters, or an IP address",
        .host.escape_debug()
    )]
    Host {
        /// The start of what was asked for.
        host: String,
    },
    /// Making a key or signing a certificate failed.
    #[error("cannot make a certificate for `{subject}`")]
    Sign {
        /// Whom the certificate was for.
        subject: String,
        /// What the certificate library said.
        source: rcgen::Error,
    },
    /// The TLS library refused its set-up.
    #[error("cannot set up TLS towards clients")]
    Tls(#[source] rustls::Error),
}
