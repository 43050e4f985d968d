//! The authority's private key, as its file holds it and as certificates are signed with it.

use std::path::Path;
use std::sync::Arc;

use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, Signer};
use rustls::{InconsistentKeys, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::CaError;

/// A private key and the certificate that belongs to it.
pub(super) struct Pair {
    pub key: Arc<dyn rustls::sign::SigningKey>,
    pub certificate: CertificateDer<'static>,
    /// The certificate as the file has it.
    pub pem: String,
}

impl Pair {
    /// Reads the content of the key file `path`.
    pub(super) fn parse(path: &Path, content: &[u8], provider: &CryptoProvider) -> Result<Self, CaError> {
        let incomplete = |part| move |source| CaError::Incomplete { path: path.to_owned(), part, source };
        let key = PrivateKeyDer::from_pem_slice(content).map_err(incomplete("unencrypted private key"))?;
        let pem = cut_certificate(content);
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(incomplete("certificate"))?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| CaError::Key { path: path.to_owned(), source: Some(error) })?;

        match CertifiedKey::new(vec![certificate.clone()], key.clone()).keys_match() {
            Ok(()) => Ok(Self { key, certificate, pem }),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(CaError::Mismatch { path: path.to_owned() })
            }
            Err(error) => Err(CaError::Certificate { path: path.to_owned(), source: error.into() }),
        }
    }
}

/// Cuts the first certificate's PEM text out of a key file; empty if there is none.
fn cut_certificate(content: &[u8]) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let content = String::from_utf8_lossy(content);
    let Some((_, rest)) = content.split_once(BEGIN) else {
        return String::new();
    };
    let Some((body, _)) = rest.split_once(END) else {
        return String::new();
    };
    format!("{BEGIN}{body}{END}\n")
}

/// A private key of any kind and encoding that the TLS library loads.
///
/// The certificate library's own loader, with its ring back end, knows PKCS#8 only; mitmproxy
/// writes its RSA key as PKCS#1.
pub(super) struct AuthorityKey {
    signer: Box<dyn Signer>,
    algorithm: &'static SignatureAlgorithm,
    public_key: Vec<u8>,
}

impl AuthorityKey {
    /// Takes the key and its public half as the certificate has it; `None` if it cannot sign.
    pub(super) fn new(key: &dyn rustls::sign::SigningKey, public_key: &[u8]) -> Option<Self> {
        ALGORITHMS.iter().find_map(|(scheme, algorithm)| {
            Some(Self { signer: key.choose_scheme(&[*scheme])?, algorithm, public_key: public_key.to_owned() })
        })
    }
}

const ALGORITHMS: [(SignatureScheme, &SignatureAlgorithm); 4] = [
    (SignatureScheme::ECDSA_NISTP256_SHA256, &rcgen::PKCS_ECDSA_P256_SHA256),
    (SignatureScheme::RSA_PKCS1_SHA256, &rcgen::PKCS_RSA_SHA256),
    (SignatureScheme::ECDSA_NISTP384_SHA384, &rcgen::PKCS_ECDSA_P384_SHA384),
    (SignatureScheme::ED25519, &rcgen::PKCS_ED25519),
];

impl PublicKeyData for AuthorityKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public_key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for AuthorityKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
