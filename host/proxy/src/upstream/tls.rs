//! TLS towards upstream servers: which certificates are believed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;

use self::{given::Given, system::System};

mod given;
mod system;

/// Which upstream certificates to believe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Believe every certificate. Anyone on the way can then read and change the traffic.
    pub insecure: bool,
    /// PEM files of authorities, and of servers' own certificates, to believe besides those of the system.
    pub extra_roots: Vec<PathBuf>,
}

/// Configures TLS 1.2 and 1.3 towards upstream servers; the caller adds ALPN.
///
/// Reads files: call it once at start-up.
pub fn client_config(settings: &UpstreamTls) -> Result<ClientConfig, UpstreamTlsError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let (mut roots, mut certificates) = (RootCertStore::empty(), Vec::new());
    for path in &settings.extra_roots {
        certificates.extend(add_bundle(&mut roots, path)?);
    }
    if settings.insecure {
        tracing::warn!("upstream certificates are not verified");
        let verifier = AcceptAny::new(&provider);
        return Ok(builder(provider)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth());
    }
    add_system(&mut roots, System::load())?;
    if certificates.is_empty() {
        return Ok(builder(provider)?.with_root_certificates(roots).with_no_client_auth());
    }
    let others = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let others = others.map_err(|error| UpstreamTlsError::Tls(rustls::Error::General(error.to_string())))?;
    let verifier = Given { certificates, others };
    Ok(builder(provider)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Why there is no TLS towards upstream servers.
#[derive(Debug, Error)]
pub enum UpstreamTlsError {
    /// A file of authorities could not be read.
    #[error("cannot read the upstream CA file `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of authorities is a directory, a pipe or a device, or far too large.
    #[error(
        "cannot load the upstream CA file `{}`: it is not a regular file of at most {limit} bytes",
        .path.display()
    )]
    Irregular {
        /// The file.
        path: PathBuf,
        /// The largest size read.
        limit: u64,
    },
    /// A file of authorities is not PEM.
    #[error("cannot parse the upstream CA file `{}`: expected PEM certificates", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What the PEM reader said.
        source: pem::Error,
    },
    /// A file of authorities holds something else.
    #[error(
        "no certificate in the upstream CA file `{}`: expected PEM certificates (`BEGIN CERTIFICATE`)",
        .path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in a file of authorities is damaged.
    #[error("cannot use certificate {position} in the upstream CA file `{}`", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Which one, counted from 1.
        position: usize,
        /// What the TLS library said.
        source: rustls::Error,
    },
    /// Every upstream server would be refused.
    #[error(
        "no upstream certificate can be verified: the system has no CA certificates; install its `ca-certificates` package, or pass `--upstream-ca FILE`"
    )]
    NoRoots,
    /// The same, where the environment says which authorities to trust.
    #[error(
        "no upstream certificate can be verified: the environment names no CA certificates ({}); correct or unset that, or pass `--upstream-ca FILE`",
        .variables.join(" and ")
    )]
    NoNamedRoots {
        /// The variables of the environment that say so.
        variables: Vec<&'static str>,
    },
    /// The TLS library refused its set-up.
    #[error("cannot set up TLS towards upstream servers")]
    Tls(#[source] rustls::Error),
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, UpstreamTlsError> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(UpstreamTlsError::Tls)
}

/// Adds what the system trusts. A store that fails is survived as long as something is trusted.
fn add_system(roots: &mut RootCertStore, system: System) -> Result<(), UpstreamTlsError> {
    for unusable in &system.unusable {
        tracing::warn!("{unusable}");
    }
    for error in &system.found.errors {
        tracing::warn!(%error, "cannot load all of the system's CA certificates");
    }
    let (added, ignored) = roots.add_parsable_certificates(system.found.certs);
    tracing::debug!(added, ignored, "loaded the system's CA certificates");
    if roots.is_empty() {
        let variables = system.named_by;
        return Err(if variables.is_empty() {
            UpstreamTlsError::NoRoots
        } else {
            UpstreamTlsError::NoNamedRoots { variables }
        });
    }
    if added == 0 && system.named_by.is_empty() {
        tracing::warn!("the system has no CA certificates; only `--upstream-ca` is trusted");
    }
    Ok(())
}

/// Adds the certificates of a file, and gives them.
fn add_bundle(roots: &mut RootCertStore, path: &Path) -> Result<Vec<CertificateDer<'static>>, UpstreamTlsError> {
    let content = read_bundle(path)?;
    let mut added = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let certificate = certificate.map_err(|source| UpstreamTlsError::Pem { path: path.to_owned(), source })?;
        added.push(certificate.clone());
        roots.add(certificate).map_err(|source| UpstreamTlsError::Certificate {
            path: path.to_owned(),
            position: added.len(),
            source,
        })?;
    }
    if added.is_empty() {
        return Err(UpstreamTlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(added)
}

fn read_bundle(path: &Path) -> Result<Vec<u8>, UpstreamTlsError> {
    regular_file::read(path, BUNDLE_LIMIT).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidInput => UpstreamTlsError::Irregular { path: path.to_owned(), limit: BUNDLE_LIMIT },
        _ => UpstreamTlsError::Read { path: path.to_owned(), source },
    })
}

/// All public authorities together take less than one megabyte.
const BUNDLE_LIMIT: u64 = 16 * 1024 * 1024;

/// Believes every certificate, but still wants proof that the server holds its key.
#[derive(Debug)]
struct AcceptAny {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AcceptAny {
    fn new(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
