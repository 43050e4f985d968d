//! Certificates of servers that the operator named themselves.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_parser::{extensions::GeneralName, prelude::X509Certificate};

/// Believes what authorities sign, and each certificate that was given, though it be the one of a server: one that has signed
/// itself is not signed by an authority, or says that it is one, which is not for servers to show (RFC 5280 §6.1). Whose
/// certificate it is, and when it is valid, counts nevertheless.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) others: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.others.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(_) if self.certificates.iter().any(|given| **given == **certificate) => {
                check(certificate, name, now)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}

/// Whether a certificate that is trusted is for a server, and now.
fn check(certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    let damaged = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| damaged())?;
    let validity = parsed.validity();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let time = |seconds: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.max(0).unsigned_abs()));
    if seconds > validity.not_after.timestamp() {
        let not_after = time(validity.not_after.timestamp());
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if seconds < validity.not_before.timestamp() {
        let not_before = time(validity.not_before.timestamp());
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if is_only_in_subject(&parsed, &name.to_str()) {
        return Ok(());
    }
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
}

/// Whether a certificate has its host where it was before there was a field for that, as tools still write it for tests. It
/// counts where there is no other (RFC 6125 §6.4.4).
fn is_only_in_subject(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names_hosts = alternatives.is_some_and(|names| {
        let is_host = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(_) | GeneralName::IPAddress(_));
        names.value.general_names.iter().any(is_host)
    });
    let mut names = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    !names_hosts && names.any(|name| name.eq_ignore_ascii_case(host))
}
