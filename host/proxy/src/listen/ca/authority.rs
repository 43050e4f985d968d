//! Loading the authority from its directory, and making one where there is none.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::files::{self, MITMPROXY, Names, OWN};
use super::key::{AuthorityKey, Pair};
use super::leaf::{self, Leaves};
use super::{CaError, server};

/// A certificate authority that makes server certificates on demand.
///
/// Shared by all connections behind an [`Arc`]; every method may be called from many threads.
pub struct CertificateAuthority {
    pub(super) issuer: Issuer<'static, AuthorityKey>,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) expiry: OffsetDateTime,
    pub(super) leaves: Leaves,
    pub(super) server_template: ServerConfig,
    pub(super) key_path: PathBuf,
    certificate_path: PathBuf,
    certificate_pem: String,
}

impl CertificateAuthority {
    /// Loads the authority kept in `dir`; makes and stores one if there is none.
    ///
    /// An authority of mitmproxy in that directory is used as it is. Processes that start at the
    /// same time on the same directory end up with the same authority.
    pub fn load_or_create(dir: &Path) -> Result<Self, CaError> {
        let now = OffsetDateTime::now_utc();
        for names in [&OWN, &MITMPROXY] {
            if let Some(content) = files::read_key(&dir.join(names.key))? {
                return Self::load(dir, names, &content, now);
            }
        }
        files::write_key(dir, &create(now)?)?;
        let path = dir.join(OWN.key);
        match files::read_key(&path)? {
            Some(content) => Self::load(dir, &OWN, &content, now),
            None => Err(CaError::Read { path, source: std::io::ErrorKind::NotFound.into() }),
        }
    }

    /// Whether the authority kept in `dir` can be used, or one can be made there if there is none. Nothing is written.
    pub fn check(dir: &Path) -> Result<(), CaError> {
        for names in [&OWN, &MITMPROXY] {
            if let Some(content) = files::read_key(&dir.join(names.key))? {
                return Self::read(dir, names, &content, OffsetDateTime::now_utc()).map(drop);
            }
        }
        files::check_directory(dir)
    }

    fn load(dir: &Path, names: &Names, content: &[u8], now: OffsetDateTime) -> Result<Self, CaError> {
        let authority = Self::read(dir, names, content, now)?;
        files::offer_certificate(dir, names.certificate, &authority.certificate, &authority.certificate_pem);
        Ok(authority)
    }

    fn read(dir: &Path, names: &Names, content: &[u8], now: OffsetDateTime) -> Result<Self, CaError> {
        let path = dir.join(names.key);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pair = Pair::parse(&path, content, &provider)?;
        let (_, parsed) = X509Certificate::from_der(&pair.certificate)
            .map_err(|error| CaError::Certificate { path: path.clone(), source: error.into() })?;
        let expiry = parsed.validity().not_after.to_datetime();
        check(&path, &parsed, expiry, now)?;
        let issuer = issuer(&path, &pair, &parsed)?;
        let certificate_path = dir.join(names.certificate);
        Ok(Self {
            issuer,
            expiry,
            leaves: Leaves::new(&provider)?,
            server_template: server::template(provider)?,
            key_path: path,
            certificate_path,
            certificate_pem: pair.pem,
            certificate: pair.certificate,
        })
    }

    /// Where the certificate is that clients must trust, without the private key.
    pub fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// The certificate that clients must trust, as DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// When that certificate expires.
    pub fn expiry(&self) -> OffsetDateTime {
        self.expiry
    }

    /// The certificate that clients must trust, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }
}

impl fmt::Debug for CertificateAuthority {
    /// Leaves out everything that holds a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").field("certificate_path", &self.certificate_path).finish_non_exhaustive()
    }
}

fn check(
    path: &Path,
    certificate: &X509Certificate<'_>,
    expiry: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), CaError> {
    // Absent, key usage allows everything; present twice or unreadable, nothing.
    let signs = certificate.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    if !certificate.is_ca() || !signs {
        return Err(CaError::NotAuthority { path: path.to_owned() });
    }
    if expiry <= now {
        return Err(CaError::Expired { path: path.to_owned(), expiry: expiry.date().to_string() });
    }
    Ok(())
}

fn issuer(
    path: &Path,
    pair: &Pair,
    certificate: &X509Certificate<'_>,
) -> Result<Issuer<'static, AuthorityKey>, CaError> {
    let public_key = &certificate.public_key().subject_public_key.data;
    let key = AuthorityKey::new(&*pair.key, public_key)
        .ok_or_else(|| CaError::Key { path: path.to_owned(), source: None })?;
    let unusual = || CaError::Subject { path: path.to_owned() };
    let issuer = Issuer::from_ca_cert_der(&pair.certificate, key).map_err(|_| unusual())?;
    // The library writes the issuer's name anew, and loses a repeated attribute on the way: a
    // certificate signed once shows whether the name came out the same.
    let sample = CertificateParams::default().signed_by(issuer.key(), &issuer).map_err(leaf::cannot_sign("a test"))?;
    let (_, sample) = X509Certificate::from_der(sample.der()).map_err(|_| unusual())?;
    if sample.issuer().as_raw() != certificate.subject().as_raw() {
        return Err(unusual());
    }
    Ok(issuer)
}

/// Makes an authority, and returns what its key file shall hold.
fn create(now: OffsetDateTime) -> Result<String, CaError> {
    let failed = || leaf::cannot_sign("a new CA");
    let provider = rustls::crypto::ring::default_provider();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "proxyhost");

    let mut params = CertificateParams::default();
    params.not_before = now.saturating_sub(CLOCK_SKEW);
    params.not_after = now.saturating_add(LIFETIME);
    params.serial_number = Some(serial(&provider).map_err(failed())?);
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];

    let key = KeyPair::generate().map_err(failed())?;
    let certificate = params.self_signed(&key).map_err(failed())?;
    Ok(format!("{}{}", key.serialize_pem(), certificate.pem()))
}

const LIFETIME: Duration = Duration::days(3652);

/// How far behind a client's clock may be.
pub(super) const CLOCK_SKEW: Duration = Duration::days(2);

/// A random serial number: clients refuse two certificates of one issuer with the same one.
pub(super) fn serial(provider: &CryptoProvider) -> Result<SerialNumber, rcgen::Error> {
    let mut bytes = [0; 16];
    provider.secure_random.fill(&mut bytes).map_err(|_| rcgen::Error::RingUnspecified)?;
    // Positive, and of one length.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

#[cfg(test)]
mod tests;
