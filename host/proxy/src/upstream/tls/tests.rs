use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConnection, ServerConfig, ServerConnection};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::*;

/// An authority of the upstream side, with its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn trusted(&self) -> UpstreamTls {
        UpstreamTls { insecure: false, extra_roots: vec![self.path()] }
    }

    /// A server for `api.example` whose certificate is valid on these days from now.
    fn server(&self, days: [i64; 2]) -> Server {
        let now = OffsetDateTime::now_utc();
        let mut params = CertificateParams::new(["api.example".to_owned()]).unwrap();
        [params.not_before, params.not_after] = days.map(|d| now + Duration::days(d));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Server { certificate: certificate.into(), key }
    }
}

struct Server {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

fn connect(settings: &UpstreamTls, server: &Server, host: &'static str) -> Result<(), rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let key = PrivatePkcs8KeyDer::from(server.key.serialize_der());
    let key = provider.key_provider.load_private_key(key.into()).unwrap();
    let certified = CertifiedKey::new(vec![server.certificate.clone()], key);
    let resolver = rustls::sign::SingleCertAndKey::from(certified);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let host = ServerName::try_from(host).unwrap();
    let mut client = ClientConnection::new(Arc::new(client_config(settings).unwrap()), host)?;

    let mut wire = Vec::new();
    while client.wants_write() || server.wants_write() {
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
        wire.clear();
    }
    Ok(())
}

const INSECURE: UpstreamTls = UpstreamTls { insecure: true, extra_roots: Vec::new() };

#[test]
fn an_extra_root_is_trusted() {
    let authority = Authority::new();
    connect(&authority.trusted(), &authority.server([-1, 1]), "api.example").unwrap();
}

/// A server whose certificate is its own authority, as `openssl req -x509` makes it, and that certificate's file.
fn self_signed(params: CertificateParams) -> (Server, TempDir, UpstreamTls) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.pem");
    fs::write(&path, certificate.pem()).unwrap();
    let trusted = UpstreamTls { insecure: false, extra_roots: vec![path] };
    (Server { certificate: certificate.into(), key }, dir, trusted)
}

#[test]
fn a_certificate_that_was_given_is_trusted_whatever_signed_it() {
    let named = || CertificateParams::new(["api.example".to_owned()]).unwrap();
    let mut authority = named();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut by_subject = CertificateParams::default();
    by_subject.distinguished_name.push(rcgen::DnType::CommonName, "API.example");
    by_subject.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for params in [named(), authority.clone(), by_subject] {
        let (server, _dir, trusted) = self_signed(params);
        connect(&trusted, &server, "api.example").unwrap();
        let other = connect(&trusted, &server, "other.example").unwrap_err();
        assert!(
            matches!(other, rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })),
            "{other}"
        );
    }
    // Another one with the same names.
    let (server, ..) = self_signed(authority.clone());
    let (_, _dir, trusted) = self_signed(authority.clone());
    assert!(matches!(connect(&trusted, &server, "api.example"), Err(rustls::Error::InvalidCertificate(_))));
    let now = OffsetDateTime::now_utc();
    for (days, is_expired) in [([-2, -1], true), ([1, 2], false)] {
        let mut params = authority.clone();
        [params.not_before, params.not_after] = days.map(|days| now + Duration::days(days));
        let (server, _dir, trusted) = self_signed(params);
        let refused = connect(&trusted, &server, "api.example").unwrap_err();
        let rustls::Error::InvalidCertificate(reason) = refused else { panic!("{refused}") };
        assert_eq!(matches!(reason, CertificateError::ExpiredContext { .. }), is_expired, "{reason:?}");
        assert_eq!(matches!(reason, CertificateError::NotValidYetContext { .. }), !is_expired, "{reason:?}");
    }
    // A server's certificate by an authority that nobody knows, which was given itself.
    let unknown = Authority::new();
    let server = unknown.server([-1, 1]);
    let file = unknown.dir.path().join("server.pem");
    let pem = pem_of(&server.certificate);
    fs::write(&file, pem).unwrap();
    connect(&UpstreamTls { insecure: false, extra_roots: vec![file] }, &server, "api.example").unwrap();
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
}

#[test]
fn bad_certificates_are_refused_unless_insecure() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let table = [
        ("unknown authority", stranger.server([-1, 1]), "api.example"),
        ("expired", authority.server([-2, -1]), "api.example"),
        ("not yet valid", authority.server([1, 2]), "api.example"),
        ("another host", authority.server([-1, 1]), "other.example"),
    ];
    for (what, server, host) in &table {
        let refused = connect(&authority.trusted(), server, host).unwrap_err();
        let rustls::Error::InvalidCertificate(reason) = refused else {
            panic!("{what}: {refused}");
        };
        let as_expected = match *what {
            // Both authorities have one name, so that the signature tells them apart.
            "unknown authority" => matches!(reason, CertificateError::UnknownIssuer | CertificateError::BadSignature),
            "expired" => matches!(reason, CertificateError::ExpiredContext { .. }),
            "not yet valid" => matches!(reason, CertificateError::NotValidYetContext { .. }),
            _ => matches!(reason, CertificateError::NotValidForNameContext { .. }),
        };
        assert!(as_expected, "{what}: {reason:?}");
        connect(&INSECURE, server, host).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[test]
fn insecure_still_wants_proof_of_the_key() {
    let authority = Authority::new();
    let mut server = authority.server([-1, 1]);
    server.key = KeyPair::generate().unwrap();
    let refused = connect(&INSECURE, &server, "api.example").unwrap_err();
    assert_eq!(refused, rustls::Error::InvalidCertificate(CertificateError::BadSignature));
}

#[test]
fn a_bad_bundle_is_named_even_when_insecure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bundle.pem");
    let shown = path.display();
    let whole = fs::read_to_string(Authority::new().path()).unwrap();
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let table = [
        (
            String::new(),
            format!(
                "no certificate in the upstream CA file `{shown}`: expected PEM certificates \
                 (`BEGIN CERTIFICATE`)"
            ),
        ),
        (
            whole[..whole.len() / 2].to_owned(),
            format!("cannot parse the upstream CA file `{shown}`: expected PEM certificates"),
        ),
        (format!("{whole}{bad}"), format!("cannot use certificate 2 in the upstream CA file `{shown}`")),
    ];
    for insecure in [false, true] {
        let settings = UpstreamTls { insecure, extra_roots: vec![path.clone()] };
        for (content, expected) in &table {
            fs::write(&path, content).unwrap();
            let error = client_config(&settings).unwrap_err();
            assert_eq!(error.to_string(), *expected);
        }
    }

    for (path, expected) in [
        (dir.path().join("absent"), format!("cannot read the upstream CA file `{}/absent`", dir.path().display())),
        (
            dir.path().to_owned(),
            format!(
                "cannot load the upstream CA file `{}`: it is not a regular file of at most \
                 16777216 bytes",
                dir.path().display()
            ),
        ),
    ] {
        let settings = UpstreamTls { insecure: false, extra_roots: vec![path] };
        let error = client_config(&settings).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn an_empty_system_store_fails_only_without_extra_roots() {
    let mut roots = RootCertStore::empty();
    let refused = add_system(&mut roots, System::default());
    assert!(matches!(refused, Err(UpstreamTlsError::NoRoots)));
    let named = System::named(Some("/nonexistent".into()), Some("/nonexistent".into()));
    let refused = add_system(&mut roots, named).unwrap_err().to_string();
    assert!(refused.contains("the environment names no CA certificates (SSL_CERT_FILE and SSL_CERT_DIR)"), "{refused}");
    add_bundle(&mut roots, &Authority::new().path()).unwrap();
    add_system(&mut roots, System::default()).unwrap();
}
