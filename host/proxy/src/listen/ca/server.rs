//! The TLS server that an intercepted client talks to.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, ResolvesServerCertUsingSni, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;

use super::{CaError, CertificateAuthority};

/// The HTTP versions offered to a client by ALPN, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocols {
    /// `h2` and `http/1.1`.
    PreferHttp2,
    /// `http/1.1` alone.
    RequireHttp1,
    /// None, as if ALPN were not known here.
    Unnamed,
}

impl Protocols {
    /// What to offer a client that names these: nothing, if none of them is spoken here. A refusal, which RFC 7301 §3.2 asks
    /// for, would shut out those that name `http/1.0` only.
    pub fn common<'a>(mut named: impl Iterator<Item = &'a [u8]>) -> Self {
        if named.any(|name| name == HTTP_2 || name == HTTP_11) { Self::PreferHttp2 } else { Self::Unnamed }
    }
}

/// Their names (RFC 7301 §6, RFC 9113 §3.2).
const HTTP_2: &[u8] = b"h2";
const HTTP_11: &[u8] = b"http/1.1";

impl CertificateAuthority {
    /// Configures TLS 1.2 and 1.3 for one connection.
    ///
    /// The client's SNI names the host that the certificate is for. Without SNI, as for IP
    /// addresses, `host` does: where the client wanted to go. If there can be no certificate for
    /// it, the handshake fails. This is cheap, and sessions resume across configurations.
    pub fn server_config(self: &Arc<Self>, host: &str, protocols: Protocols) -> Arc<ServerConfig> {
        let mut config = self.server_template.clone();
        config.cert_resolver = Arc::new(HostCertificate { authority: self.clone(), host: host.to_owned() });
        config.alpn_protocols = match protocols {
            Protocols::PreferHttp2 => vec![HTTP_2.to_vec(), HTTP_11.to_vec()],
            Protocols::RequireHttp1 => vec![HTTP_11.to_vec()],
            Protocols::Unnamed => Vec::new(),
        };
        Arc::new(config)
    }
}

/// What all connections have in common.
pub(super) fn template(provider: Arc<CryptoProvider>) -> Result<ServerConfig, CaError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(CaError::Tls)?
        .with_no_client_auth()
        // Has no certificates: each connection brings its own resolver.
        .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
    // One for all hosts: a session resumes only under the SNI it began with.
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    Ok(config)
}

/// How many sessions can be resumed; each takes a few kilobytes at most.
const SESSIONS: usize = 4_096;

struct HostCertificate {
    authority: Arc<CertificateAuthority>,
    host: String,
}

impl ResolvesServerCert for HostCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().unwrap_or(&self.host);
        match self.authority.leaf(host) {
            Ok(leaf) => Some(leaf),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no certificate for client");
                None
            }
        }
    }
}

impl fmt::Debug for HostCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCertificate").field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, ServerName};

    use super::super::handshake::{authority, client, shake};
    use super::*;

    #[test]
    fn a_client_that_trusts_the_authority_accepts_names_and_addresses() {
        let (authority, _dir) = authority();
        let client = Arc::new(client(&authority));
        let long = format!("{}.{}.example", "a".repeat(63), "b".repeat(63));
        for host in ["api.example", "API.Example", "a_b.example", &long] {
            // The name comes from SNI, wherever the client said it was going.
            let server = authority.server_config("elsewhere.example", Protocols::PreferHttp2);
            shake(&client, server, host).unwrap_or_else(|error| panic!("{host}: {error}"));
        }
        for (host, target) in [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "[2001:db8::7]")] {
            let server = authority.server_config(target, Protocols::PreferHttp2);
            shake(&client, server, host).unwrap_or_else(|error| panic!("{host}: {error}"));
        }
    }

    #[test]
    fn a_client_that_does_not_trust_the_authority_refuses() {
        let (authority, _dir) = authority();
        let (stranger, _other_dir) = super::super::handshake::authority();
        let server = authority.server_config("api.example", Protocols::PreferHttp2);
        let refused = shake(&Arc::new(client(&stranger)), server, "api.example");
        assert!(matches!(refused, Err(rustls::Error::InvalidCertificate(_))));
    }

    #[test]
    fn alpn_follows_the_offer_and_the_client() {
        let (authority, _dir) = authority();
        let table: [(Protocols, &[&str], Option<&str>); 6] = [
            (Protocols::PreferHttp2, &["http/1.1", "h2"], Some("h2")),
            (Protocols::PreferHttp2, &["http/1.1"], Some("http/1.1")),
            (Protocols::PreferHttp2, &[], None),
            (Protocols::RequireHttp1, &["h2", "http/1.1"], Some("http/1.1")),
            (Protocols::RequireHttp1, &[], None),
            (Protocols::Unnamed, &["http/1.0"], None),
        ];
        for (protocols, offered, expected) in table {
            let mut client = client(&authority);
            client.alpn_protocols = offered.iter().map(|p| p.as_bytes().to_vec()).collect();
            let server = authority.server_config("api.example", protocols);
            let (client, _) = shake(&Arc::new(client), server, "api.example").unwrap();
            assert_eq!(client.alpn_protocol(), expected.map(str::as_bytes));
        }

        for (named, expected) in [
            (&["h2"][..], Protocols::PreferHttp2),
            (&["http/1.0", "http/1.1"], Protocols::PreferHttp2),
            (&["http/1.0"], Protocols::Unnamed),
            (&[], Protocols::Unnamed),
        ] {
            assert_eq!(Protocols::common(named.iter().map(|name| name.as_bytes())), expected, "{named:?}");
        }

        let mut client = client(&authority);
        client.alpn_protocols = vec![b"h2".to_vec()];
        let server = authority.server_config("api.example", Protocols::RequireHttp1);
        let refused = shake(&Arc::new(client), server, "api.example");
        assert_eq!(refused.unwrap_err(), rustls::Error::NoApplicationProtocol);
    }

    #[test]
    fn both_tls_versions_are_spoken() {
        let (authority, _dir) = authority();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.certificate.clone()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let client = rustls::ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let server = authority.server_config("api.example", Protocols::PreferHttp2);
            let (client, _) = shake(&Arc::new(client), server, "api.example").unwrap();
            let spoken: Option<ProtocolVersion> = client.protocol_version();
            assert_eq!(spoken, Some(version.version));
        }
    }

    #[test]
    fn sessions_resume_across_configurations_of_one_host() {
        let (authority, _dir) = authority();
        let client = Arc::new(client(&authority));
        let kinds = ["api.example", "api.example", "other.example"].map(|host| {
            let server = authority.server_config(host, Protocols::PreferHttp2);
            let (client, _) = shake(&client, server, host).unwrap();
            client.handshake_kind().unwrap()
        });
        let expected = [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Full];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_host_without_a_certificate_fails_the_handshake() {
        let (authority, _dir) = authority();
        let server = authority.server_config("*", Protocols::PreferHttp2);
        let refused = shake(&Arc::new(client(&authority)), server, "192.0.2.7");
        assert!(refused.is_err());
    }

    #[test]
    fn any_bytes_as_sni_are_answered_or_refused() {
        let (authority, _dir) = authority();
        let table: [(&[u8; 12], bool); 8] = [
            (b"othr.example", true),
            (b"xn--bcher.ex", true),
            // Not a name: as if there were none.
            (b"198.51.100.7", true),
            (b"\0\0\0\0.example", false),
            (b"a\r\nb.example", false),
            (b"*...*.*.****", false),
            (b"............", false),
            (b"b\xc3\xbccher.exam", false),
        ];
        for (name, accepted) in table {
            let host = ServerName::try_from("name.example").unwrap();
            let client = Arc::new(client(&authority));
            let mut client = rustls::ClientConnection::new(client, host).unwrap();
            let mut hello = Vec::new();
            client.write_tls(&mut hello).unwrap();
            let at = hello.windows(12).position(|w| w == b"name.example");
            hello[at.unwrap()..][..12].copy_from_slice(name);

            let config = authority.server_config("api.example", Protocols::PreferHttp2);
            let mut server = ServerConnection::new(config).unwrap();
            server.read_tls(&mut hello.as_slice()).unwrap();
            let answered = server.process_new_packets();
            assert_eq!(answered.is_ok(), accepted, "{name:?}: {answered:?}");
        }
    }

    #[test]
    fn the_chain_ends_with_the_authority() {
        let (authority, _dir) = authority();
        let server = authority.server_config("api.example", Protocols::PreferHttp2);
        let (client, _) = shake(&Arc::new(client(&authority)), server, "api.example").unwrap();
        let chain = client.peer_certificates().unwrap();
        let own = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap();
        assert_eq!(chain.len(), 2);
        assert_eq!(chain[1], own);
    }
}
