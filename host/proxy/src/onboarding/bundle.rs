//! The certificate alone in a file of PKCS#12 (RFC 7292), without a password.
//!
//! Of the format, this is what a certificate takes: bags that are not encrypted, and a digest over them, which Java and macOS
//! want. A library for all of PKCS#12 brings the ciphers of three decades; what writes DER is here already.

use ring::{digest, hmac};
use yasna::{DERWriter, Tag, construct_der, models::ObjectIdentifier};

/// A bundle with a certificate in DER, which programs show by this name.
pub(super) fn of_certificate(certificate: &[u8], name: &str) -> Vec<u8> {
    let bags = construct_der(|writer| {
        writer.write_sequence(|writer| bag(writer.next(), certificate, name));
    });
    let safe = construct_der(|writer| {
        writer.write_sequence(|writer| content(writer.next(), &bags));
    });
    // What is fixed makes the file the same each time; there is no secret that a salt would protect.
    let salt = digest::digest(&digest::SHA256, certificate);
    let salt = salt.as_ref();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &mac_key(salt));
    let tag = hmac::sign(&key, &safe);
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(VERSION);
            content(writer.next(), &safe);
            writer.next().write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        writer.next().write_oid(&oid(SHA256));
                        writer.next().write_null();
                    });
                    writer.next().write_bytes(tag.as_ref());
                });
                writer.next().write_bytes(salt);
                writer.next().write_u32(ITERATIONS);
            });
        });
    })
}

/// A `ContentInfo` of plain data.
fn content(writer: DERWriter<'_>, data: &[u8]) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(DATA));
        writer.next().write_tagged(Tag::context(0), |writer| writer.write_bytes(data));
    });
}

/// A `SafeBag` with a certificate.
fn bag(writer: DERWriter<'_>, certificate: &[u8], name: &str) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(CERTIFICATE_BAG));
        writer.next().write_tagged(Tag::context(0), |writer| {
            writer.write_sequence(|writer| {
                writer.next().write_oid(&oid(X509_CERTIFICATE));
                writer.next().write_tagged(Tag::context(0), |writer| writer.write_bytes(certificate));
            });
        });
        writer.next().write_set_of(|writer| {
            attribute(writer.next(), FRIENDLY_NAME, |writer| writer.write_bmp_string(name));
            // Without it, Java does not take the certificate for one that is trusted.
            attribute(writer.next(), TRUSTED_KEY_USAGE, |writer| writer.write_oid(&oid(ANY_USAGE)));
        });
    });
}

fn attribute(writer: DERWriter<'_>, kind: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(kind));
        writer.next().write_set_of(|writer| value(writer.next()));
    });
}

/// The key of the digest, derived from the empty password (RFC 7292, appendix B.2). It is as long as what SHA-256 gives, so
/// that one round of blocks is enough.
fn mac_key(salt: &[u8]) -> Vec<u8> {
    // The empty password is a terminator alone, in UTF-16 (appendix B.1).
    let password = [0u8; 2];
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let len = bytes.len().div_ceil(BLOCK) * BLOCK;
        bytes.iter().copied().cycle().take(len).collect()
    };
    let input = [vec![MAC; BLOCK], filled(salt), filled(&password)].concat();
    let mut derived = digest::digest(&digest::SHA256, &input);
    for _ in 1..ITERATIONS {
        derived = digest::digest(&digest::SHA256, derived.as_ref());
    }
    derived.as_ref().to_vec()
}

fn oid(parts: &[u64]) -> ObjectIdentifier {
    ObjectIdentifier::from_slice(parts)
}

const VERSION: u8 = 3;
/// Of no use for a password that everybody knows; but it is the usual number, and the least one is left out of DER.
const ITERATIONS: u32 = 2048;
/// Bytes that SHA-256 takes at once.
const BLOCK: usize = 64;
/// What the derived bytes are for (RFC 7292, appendix B.3).
const MAC: u8 = 3;

const DATA: &[u64] = &[1, 2, 840, 113549, 1, 7, 1];
const SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
const CERTIFICATE_BAG: &[u64] = &[1, 2, 840, 113549, 1, 12, 10, 1, 3];
const X509_CERTIFICATE: &[u64] = &[1, 2, 840, 113549, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u64] = &[1, 2, 840, 113549, 1, 9, 20];
const TRUSTED_KEY_USAGE: &[u64] = &[2, 16, 840, 1, 113894, 746875, 1, 1];
const ANY_USAGE: &[u64] = &[2, 5, 29, 37, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_the_same_each_time_and_has_the_certificate_as_it_is() {
        let bundle = of_certificate(b"a certificate", "name");
        assert_eq!(bundle, of_certificate(b"a certificate", "name"));
        assert!(bundle.windows(13).any(|window| window == b"a certificate"));
    }
}
