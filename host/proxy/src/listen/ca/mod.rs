//! The certificate authority of TLS interception.
//!
//! A client that trusts it accepts a certificate made here for any host it asks for.

mod authority;
mod error;
mod files;
#[cfg(test)]
mod handshake;
mod key;
mod leaf;
mod server;

pub use authority::CertificateAuthority;
pub use error::CaError;
pub use server::Protocols;
