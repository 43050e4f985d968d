use std::fs;
use std::sync::Barrier;

use tempfile::TempDir;

use super::super::Protocols;
use super::super::handshake::{client, shake};
use super::*;

const PKCS1: &str = include_str!("../../../../tests/fixtures/ca/test-only-mitmproxy-ca-pkcs1.pem");
const PKCS8: &str = include_str!("../../../../tests/fixtures/ca/test-only-mitmproxy-ca-pkcs8.pem");
const SEC1: &str = include_str!("../../../../tests/fixtures/ca/test-only-ca-sec1.pem");
const TWO_UNITS: &str = include_str!("../../../../tests/fixtures/ca/test-only-ca-two-units.pem");
const NOT_A_CA: &str = include_str!("../../../../tests/fixtures/ca/test-only-not-a-ca.pem");

/// A directory with one private file in it.
fn directory(name: &str, content: impl AsRef<[u8]>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    set_mode(&path, 0o600);
    dir
}

fn load(content: impl AsRef<[u8]>) -> Result<CertificateAuthority, CaError> {
    CertificateAuthority::load_or_create(directory("proxyhost-ca.pem", content).path())
}

#[test]
fn a_new_authority_is_the_same_when_loaded_again() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    let made = CertificateAuthority::load_or_create(&dir).unwrap();
    let loaded = CertificateAuthority::load_or_create(&dir).unwrap();
    assert_eq!(made.certificate, loaded.certificate);
    assert_eq!(made.certificate_pem(), loaded.certificate_pem());
    assert_eq!(loaded.certificate_path(), dir.join("proxyhost-ca-cert.pem"));
    let offered = fs::read_to_string(loaded.certificate_path()).unwrap();
    assert_eq!(offered, made.certificate_pem());

    let (_, parsed) = X509Certificate::from_der(&made.certificate).unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=proxyhost");
    let usage = parsed.key_usage().unwrap().unwrap().value;
    assert_eq!(usage.to_string(), "Key Cert Sign, CRL Sign");
    let days = (made.expiry - OffsetDateTime::now_utc()).whole_days();
    assert!((3_650..3_653).contains(&days));
}

#[test]
fn processes_that_start_at_once_share_one_authority() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(4);
        let certificates: Vec<_> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        CertificateAuthority::load_or_create(dir.path()).unwrap().certificate
                    })
                })
                .collect();
            starting.into_iter().map(|s| s.join().unwrap()).collect()
        });
        assert!(certificates.iter().all(|c| *c == certificates[0]));
        assert_eq!(names(dir.path()), ["proxyhost-ca-cert.pem", "proxyhost-ca.pem"]);
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn authorities_of_other_tools_make_accepted_certificates() {
    for (name, content) in [("mitmproxy-ca.pem", PKCS1), ("mitmproxy-ca.pem", PKCS8), ("proxyhost-ca.pem", SEC1)] {
        let dir = directory(name, content);
        let authority = CertificateAuthority::load_or_create(dir.path()).unwrap();
        let authority = Arc::new(authority);
        assert!(content.contains(authority.certificate_pem().trim_end()));
        let certificate = name.replace("-ca.pem", "-ca-cert.pem");
        assert_eq!(names(dir.path()), [certificate.as_str(), name]);
        for host in ["api.example", "192.0.2.7", "2001:db8::7"] {
            let server = authority.server_config(host, Protocols::PreferHttp2);
            shake(&Arc::new(client(&authority)), server, host).unwrap();
        }
    }
}

#[test]
fn an_own_authority_comes_before_one_of_mitmproxy() {
    let dir = directory("mitmproxy-ca.pem", PKCS8);
    fs::write(dir.path().join("proxyhost-ca.pem"), SEC1).unwrap();
    set_mode(&dir.path().join("proxyhost-ca.pem"), 0o600);
    let authority = CertificateAuthority::load_or_create(dir.path()).unwrap();
    assert!(SEC1.contains(authority.certificate_pem().trim_end()));
}

#[test]
fn a_stale_certificate_file_is_replaced() {
    let dir = directory("proxyhost-ca.pem", SEC1);
    let path = dir.path().join("proxyhost-ca-cert.pem");
    for stale in [PKCS8, ""] {
        fs::write(&path, stale).unwrap();
        let authority = CertificateAuthority::load_or_create(dir.path()).unwrap();
        let offered = fs::read_to_string(&path).unwrap();
        assert_eq!(offered, authority.certificate_pem());
    }
}

#[test]
fn a_certificate_file_that_cannot_be_written_stops_nothing() {
    let dir = directory("proxyhost-ca.pem", SEC1);
    fs::create_dir(dir.path().join("proxyhost-ca-cert.pem")).unwrap();
    let authority = CertificateAuthority::load_or_create(dir.path()).unwrap();
    assert!(SEC1.contains(authority.certificate_pem().trim_end()));
    assert_eq!(names(dir.path()), ["proxyhost-ca-cert.pem", "proxyhost-ca.pem"]);
}

#[test]
fn a_half_written_key_file_is_refused_wherever_it_ends() {
    let content = create(OffsetDateTime::now_utc()).unwrap();
    for end in 0..content.trim_end().len() {
        let refused = load(&content[..end]);
        assert!(matches!(refused, Err(CaError::Incomplete { .. })), "{end}: {refused:?}");
    }
}

#[test]
fn a_damaged_key_file_never_panics() {
    let content = create(OffsetDateTime::now_utc()).unwrap();
    for at in (0..content.len()).step_by(3) {
        let mut damaged = content.clone().into_bytes();
        damaged[at] ^= 1 << (at % 8);
        let _ = load(damaged);
    }
}

#[test]
fn unusable_key_files_are_named() {
    let (sec1_key, sec1_certificate) = SEC1.split_at(SEC1.find("-----BEGIN CERT").unwrap());
    let (_, other_certificate) = PKCS8.split_at(PKCS8.find("-----BEGIN CERT").unwrap());
    let old = create(OffsetDateTime::now_utc() - Duration::days(4_000)).unwrap();
    let bad_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bad_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let encrypted = SEC1.replace("EC PRIVATE", "ENCRYPTED PRIVATE");
    let large = vec![b'a'; 2 << 20];
    let table: [(&[u8], &str); 10] = [
        (b"garbage\0\xff", "no complete unencrypted private key in it"),
        (encrypted.as_bytes(), "no complete unencrypted private key in it"),
        (sec1_key.as_bytes(), "no complete certificate in it"),
        (sec1_certificate.as_bytes(), "no complete unencrypted private key in it"),
        (&[sec1_key, other_certificate].concat().into_bytes(), "does not belong to its certificate"),
        (&[sec1_key, bad_certificate].concat().into_bytes(), "cannot parse the certificate"),
        (&[bad_key, sec1_certificate].concat().into_bytes(), "cannot use the private key"),
        (NOT_A_CA.as_bytes(), "may not sign other certificates"),
        (TWO_UNITS.as_bytes(), "its subject name is too unusual"),
        (old.as_bytes(), "expired on"),
    ];
    for (content, expected) in table {
        let message = load(content).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("proxyhost-ca.pem`"), "{message}");
    }
    assert!(matches!(load(large), Err(CaError::Irregular { .. })));
}

#[test]
fn a_directory_as_key_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("proxyhost-ca.pem")).unwrap();
    let refused = CertificateAuthority::load_or_create(dir.path());
    assert!(matches!(refused, Err(CaError::Irregular { .. })));
}

#[test]
fn a_file_as_directory_is_refused() {
    let dir = directory("file", "");
    let refused = CertificateAuthority::load_or_create(&dir.path().join("file"));
    assert!(matches!(refused, Err(CaError::Read { .. })));
}

#[test]
fn debug_output_holds_no_key() {
    let authority = load(SEC1).unwrap();
    assert!(format!("{authority:?}").ends_with("/proxyhost-ca-cert.pem\", .. }"));
}

#[cfg(unix)]
#[test]
fn files_are_private_except_for_the_certificate() {
    use std::os::unix::fs::PermissionsExt;

    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("ca");
    CertificateAuthority::load_or_create(&dir).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("proxyhost-ca.pem")), 0o600);
    assert_eq!(mode(&dir.join("proxyhost-ca-cert.pem")), 0o644);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_open_is_refused() {
    for name in ["proxyhost-ca.pem", "mitmproxy-ca.pem"] {
        for mode in [0o640, 0o604, 0o620, 0o602, 0o660, 0o666, 0o644, 0o610] {
            let dir = directory(name, SEC1);
            let path = dir.path().join(name);
            set_mode(&path, mode);
            let error = CertificateAuthority::load_or_create(dir.path()).unwrap_err();
            let path = path.display();
            let expected = format!(
                "refusing the CA key file `{path}`: its mode {mode:04o} gives other users access \
                 to the key; run `chmod 600 {path}`"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}
