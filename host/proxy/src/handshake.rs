//! What ended a TLS handshake, in words.

use std::{
    io,
    time::{Duration, SystemTime},
};

use rustls::{
    AlertDescription, CertificateError,
    pki_types::{ServerName, UnixTime},
};

/// Why a handshake ended, as a sentence about the peer, which is "it". What is not known to happen is said as the library
/// says it.
pub fn sentence(error: &io::Error) -> String {
    match of_library(error) {
        Some(error) => of_tls(error),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof => "it closed the connection during the handshake".to_owned(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "it broke the connection off during the handshake".to_owned()
            }
            _ => oneline::chain(error),
        },
    }
}

/// Whether it ended because of the peer's certificate.
pub fn is_about_certificate(error: &io::Error) -> bool {
    matches!(of_library(error), Some(rustls::Error::InvalidCertificate(_)))
}

fn of_library(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::InvalidMessage(_) => "what it sends is not TLS".to_owned(),
        rustls::Error::PeerIncompatible(_) => {
            "it knows no version, key exchange or cipher of TLS that is known here".to_owned()
        }
        rustls::Error::NoApplicationProtocol => "it speaks neither HTTP/2 nor HTTP/1.1".to_owned(),
        rustls::Error::PeerMisbehaved(how) => format!("it breaks a rule of TLS ({how:?})"),
        rustls::Error::NoCertificatesPresented => "it shows no certificate".to_owned(),
        rustls::Error::DecryptError => "what it sends cannot be decrypted".to_owned(),
        error => error.to_string(),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "no authority that is trusted here has signed it".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => format!("it expired on {}", date(*not_after)),
        CertificateError::Expired => "it has expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", date(*not_before))
        }
        CertificateError::NotValidYet => "it is not valid yet".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => of_names(expected, presented),
        CertificateError::NotValidForName => "it is for another host".to_owned(),
        CertificateError::Revoked => "its authority has revoked it".to_owned(),
        CertificateError::BadEncoding => "it is damaged".to_owned(),
        CertificateError::BadSignature => "its signature is not by the key of the authority that it names".to_owned(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed in a way that is not known here".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not meant for servers".to_owned()
        }
        CertificateError::UnhandledCriticalExtension => {
            "it has an extension that must be understood and is not known here".to_owned()
        }
        // The library has these from another one, whose names for them are all that is known.
        error => match error.to_string() {
            text if text.contains("CaUsedAsEndEntity") => "it is that of an authority, and not of a server".to_owned(),
            text if text.contains("EndEntityUsedAsCa") => "what has signed it is no authority".to_owned(),
            text if text.contains("UnsupportedCertVersion") => "it is of a version that is not known here".to_owned(),
            text => text,
        },
    }
}

/// A certificate that is for other hosts.
fn of_names(expected: &ServerName<'_>, presented: &[String]) -> String {
    let expected = expected.to_str();
    // The library writes `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
    let name = |shown: &String| {
        let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        format!("`{}`", inner.unwrap_or(shown).trim_matches('"'))
    };
    match presented {
        [] => format!("it names no host, and `{expected}` is asked for"),
        [only] => format!("it is for {}, and not for `{expected}`", name(only)),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().take(SHOWN).map(name).collect();
            format!("it is for {} and {}, and not for `{expected}`", first.join(", "), name(last))
        }
    }
}

/// Most names of a certificate that are shown before its last one.
const SHOWN: usize = 5;

fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it wants a key exchange or cipher that is not known here".to_owned()
        }
        AlertDescription::ProtocolVersion => "it wants another version of TLS than 1.2 and 1.3".to_owned(),
        AlertDescription::UnknownCA => {
            "it does not trust the authority of the certificate that it was shown".to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate => "it does not accept the certificate that it was shown".to_owned(),
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "it wants a certificate of its client, and there is none here".to_owned()
        }
        AlertDescription::UnrecognisedName => "it does not know the name that it was asked for".to_owned(),
        AlertDescription::NoApplicationProtocol => "it speaks neither HTTP/2 nor HTTP/1.1".to_owned(),
        AlertDescription::AccessDenied => "it allows no access".to_owned(),
        AlertDescription::InternalError => "it failed".to_owned(),
        AlertDescription::UserCanceled | AlertDescription::CloseNotify => "it gave up".to_owned(),
        alert => format!("it refused the handshake ({alert:?})"),
    }
}

fn date(time: UnixTime) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    // Dates beyond the year 9999 have no form.
    let time = time.filter(|time| *time < SystemTime::UNIX_EPOCH + Duration::from_secs(LAST_SECOND));
    time.map_or_else(|| "a day far away".to_owned(), httpdate::fmt_http_date)
}

/// The end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_800;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: rustls::Error) -> String {
        sentence(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn what_ended_a_handshake_is_a_sentence() {
        let at = |secs| UnixTime::since_unix_epoch(Duration::from_secs(secs));
        let names = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("c.example").unwrap(),
            presented: presented.iter().map(|&name| name.to_owned()).collect(),
        };
        for (error, expected) in [
            (CertificateError::UnknownIssuer, "no authority that is trusted here has signed it"),
            (
                CertificateError::ExpiredContext { time: at(9), not_after: at(0) },
                "it expired on Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                CertificateError::NotValidYetContext { time: at(9), not_before: at(u64::MAX) },
                "it is not valid before a day far away",
            ),
            (names(&[]), "it names no host, and `c.example` is asked for"),
            (names(&["DnsName(\"a.example\")"]), "it is for `a.example`, and not for `c.example`"),
            (
                names(&["DnsName(\"a.example\")", "DnsName(\"*.b.example\")", "IpAddress(192.0.2.1)"]),
                "it is for `a.example`, `*.b.example` and `192.0.2.1`, and not for `c.example`",
            ),
        ] {
            assert_eq!(said(rustls::Error::InvalidCertificate(error)), expected);
        }
        for (error, expected) in [
            (
                rustls::Error::AlertReceived(AlertDescription::ProtocolVersion),
                "it wants another version of TLS than 1.2 and 1.3",
            ),
            (rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType), "what it sends is not TLS"),
            (rustls::Error::AlertReceived(AlertDescription::DecodeError), "it refused the handshake (DecodeError)"),
        ] {
            assert_eq!(said(error), expected);
        }
        let ended = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(sentence(&ended), "it closed the connection during the handshake");
    }
}
