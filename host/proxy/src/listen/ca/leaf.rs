//! Certificates for single hosts, made when a client asks and kept while they are asked for.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{PrivatePkcs8KeyDer, ServerName};
use time::{Duration, OffsetDateTime};

use super::CaError;
use super::authority::{self, CLOCK_SKEW, CertificateAuthority};

impl CertificateAuthority {
    /// Makes, or finds, the certificate that stands for `host`: a DNS name or an IP address, an
    /// IPv6 one with or without brackets.
    ///
    /// The last 1,000 are kept, and each is made anew after half its life.
    pub fn leaf(&self, host: &str) -> Result<Arc<CertifiedKey>, CaError> {
        self.leaf_at(host, OffsetDateTime::now_utc())
    }

    fn leaf_at(&self, host: &str, now: OffsetDateTime) -> Result<Arc<CertifiedKey>, CaError> {
        let host = parse_host(host)?;
        if let Some(key) = self.leaves.find(&host, now) {
            return Ok(key);
        }
        let leaf = self.issue(&host, now)?;
        Ok(self.leaves.keep(host, leaf, now))
    }

    fn issue(&self, host: &ServerName<'static>, now: OffsetDateTime) -> Result<Leaf, CaError> {
        if self.expiry <= now {
            return Err(CaError::Expired { path: self.key_path.clone(), expiry: self.expiry.date().to_string() });
        }
        let subject = host.to_str();
        let failed = || cannot_sign(&subject);
        let mut name = DistinguishedName::new();
        if subject.len() <= COMMON_NAME_LIMIT {
            name.push(DnType::CommonName, &*subject);
        }

        let mut params = CertificateParams::default();
        params.not_before = now.saturating_sub(CLOCK_SKEW);
        params.not_after = now.saturating_add(LIFETIME).min(self.expiry);
        params.serial_number = Some(authority::serial(self.server_template.crypto_provider()).map_err(failed())?);
        params.distinguished_name = name;
        params.subject_alt_names = vec![match host {
            ServerName::IpAddress(address) => SanType::IpAddress(IpAddr::from(*address)),
            _ => SanType::DnsName((&*subject).try_into().map_err(failed())?),
        }];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;

        let certificate = params.signed_by(&self.leaves.key, &self.issuer).map_err(failed())?;
        let chain = vec![certificate.into(), self.certificate.clone()];
        Ok(Leaf {
            fresh: params.not_before..now.saturating_add((params.not_after - now) / 2),
            key: Arc::new(CertifiedKey::new(chain, self.leaves.signer.clone())),
        })
    }
}

/// With [`CLOCK_SKEW`] before it, less than the 200 days that a public authority may grant.
const LIFETIME: Duration = Duration::days(197);

/// RFC 5280's `ub-common-name`. Clients compare the subject alternative name, never this.
const COMMON_NAME_LIMIT: usize = 64;

/// Tells whose certificate the library could not make.
pub(super) fn cannot_sign(subject: &str) -> impl FnOnce(rcgen::Error) -> CaError {
    move |source| CaError::Sign { subject: subject.to_owned(), source }
}

/// Reads a host as a client names it; a name comes out in lower case and without a final dot.
fn parse_host(host: &str) -> Result<ServerName<'static>, CaError> {
    let bare = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inner) if inner.contains(':') => inner,
        _ => host.strip_suffix('.').unwrap_or(host),
    };
    ServerName::try_from(bare.to_ascii_lowercase())
        .map_err(|_| CaError::Host { host: host.chars().take(HOST_SHOWN).collect() })
}

/// How much of a bad host goes into a message: a peer sent it, and may have sent a lot.
const HOST_SHOWN: usize = 80;

/// The certificates made so far, and the one key that they all share.
pub(super) struct Leaves {
    key: KeyPair,
    signer: Arc<dyn SigningKey>,
    recent: Mutex<LruCache<ServerName<'static>, Leaf>>,
}

struct Leaf {
    key: Arc<CertifiedKey>,
    /// When it may be served. It ends well before the certificate does, and a clock that was set
    /// back leaves it too.
    fresh: Range<OffsetDateTime>,
}

impl Leaves {
    pub(super) fn new(provider: &CryptoProvider) -> Result<Self, CaError> {
        let key = KeyPair::generate().map_err(cannot_sign("any host"))?;
        let der = PrivatePkcs8KeyDer::from(key.serialize_der());
        let signer = provider.key_provider.load_private_key(der.into()).map_err(CaError::Tls)?;
        Ok(Self { key, signer, recent: Mutex::new(LruCache::new(KEPT)) })
    }

    fn find(&self, host: &ServerName<'static>, now: OffsetDateTime) -> Option<Arc<CertifiedKey>> {
        let mut recent = self.lock();
        let leaf = recent.get(host)?;
        leaf.fresh.contains(&now).then(|| leaf.key.clone())
    }

    /// Keeps `leaf`, unless another thread made one for the same host meanwhile.
    fn keep(&self, host: ServerName<'static>, leaf: Leaf, now: OffsetDateTime) -> Arc<CertifiedKey> {
        let mut recent = self.lock();
        if let Some(other) = recent.get(&host).filter(|l| l.fresh.contains(&now)) {
            return other.key.clone();
        }
        let key = leaf.key.clone();
        recent.put(host, leaf);
        key
    }

    /// Held for look-ups only, never while signing.
    fn lock(&self) -> MutexGuard<'_, LruCache<ServerName<'static>, Leaf>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many certificates are kept; each takes about two kilobytes.
const KEPT: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

#[cfg(test)]
mod tests;
