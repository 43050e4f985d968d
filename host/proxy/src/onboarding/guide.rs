//! How each client is told to trust the certificate.

use std::fmt::Write;

use crate::listen::ca::CertificateAuthority;

/// What is known of the certificate.
#[derive(Debug)]
pub(super) struct Facts {
    /// Its SHA-256 digest as browsers show it.
    pub(super) fingerprint: String,
    /// The last day on which it is valid.
    pub(super) expiry: String,
}

impl Facts {
    pub(super) fn of(authority: &CertificateAuthority) -> Self {
        Self { fingerprint: fingerprint(authority.certificate()), expiry: authority.expiry().date().to_string() }
    }
}

/// A kind of client, and what to do there.
pub(super) struct Client {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// In order. What begins with `$ ` is a command; `{file}` stands for the certificate's file.
    pub(super) steps: &'static [&'static str],
}

/// Where the certificate is, how to recognise it, and how to make clients trust it: the text of `proxyhost ca`.
pub fn text(authority: &CertificateAuthority) -> String {
    // Absolute, as what is pasted may run elsewhere.
    let path = authority.certificate_path();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = quoted(&path.display().to_string());
    let Facts { fingerprint, expiry } = Facts::of(authority);
    let mut text = format!(
        "\
certificate  {file}
sha-256      {fingerprint}
valid until  {expiry}

Clients must trust this certificate before their HTTPS traffic can be read.
Whoever holds the private key beside it can do the same: never share that file.
While the proxy runs, http://proxyhost.local/ through it has the same, with files in other formats.

"
    );
    for client in CLIENTS {
        for (index, step) in client.steps.iter().enumerate() {
            let name = if index == 0 { client.name } else { "" };
            let step = step.strip_prefix("$ ").unwrap_or(step).replace("{file}", &file);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<WIDTH$} {step}");
        }
    }
    text
}

/// As wide as the longest name.
const WIDTH: usize = 16;

/// All clients, systems first.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        id: "windows",
        name: "Windows",
        steps: &[
            "$ certutil -addstore -f Root {file}",
            "As administrator; without, certutil -user -addstore Root {file}",
            "Or open the .cer file, Install Certificate, into the store Trusted Root Certification Authorities.",
        ],
    },
    Client {
        id: "macos",
        name: "macOS",
        steps: &["$ sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}"],
    },
    Client {
        id: "linux",
        name: "Debian, Ubuntu",
        steps: &["$ sudo cp {file} /usr/local/share/ca-certificates/proxyhost-ca.crt && sudo update-ca-certificates"],
    },
    Client { id: "fedora", name: "Fedora, Arch", steps: &["$ sudo trust anchor {file}"] },
    Client {
        id: "android",
        name: "Android",
        steps: &[
            "Settings, Security, More, Encryption & credentials, Install a certificate, CA certificate, and the .cer file.",
            "Browsers trust it then. Apps do if their networkSecurityConfig has <certificates src=\"user\"/>.",
        ],
    },
    Client {
        id: "ios",
        name: "iOS",
        steps: &[
            "Open the .pem file in Safari, and allow the download. Settings, Profile Downloaded, Install.",
            "Then Settings, General, About, Certificate Trust Settings: switch full trust on.",
            "In a simulator: xcrun simctl keychain booted add-root-cert {file}",
        ],
    },
    Client {
        id: "firefox",
        name: "Firefox",
        steps: &[
            "Settings, Privacy & Security, View Certificates, Authorities, Import; trust it to identify websites.",
        ],
    },
    Client {
        id: "chromium",
        name: "Chromium (NSS)",
        steps: &["$ certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n proxyhost -i {file}"],
    },
    Client { id: "curl", name: "curl", steps: &["$ curl --cacert {file} ..."] },
    Client {
        id: "programs",
        name: "OpenSSL, Go",
        steps: &[
            "$ export SSL_CERT_FILE={file}",
            "Most programs on Linux take it, instead of the system's authorities.",
        ],
    },
    Client {
        id: "python",
        name: "Python",
        steps: &[
            "$ export REQUESTS_CA_BUNDLE={file} SSL_CERT_FILE={file}",
            "The first for requests, the second for the rest.",
        ],
    },
    Client { id: "node", name: "Node.js", steps: &["$ export NODE_EXTRA_CA_CERTS={file}"] },
    Client {
        id: "java",
        name: "Java",
        steps: &["$ keytool -importcert -noprompt -cacerts -storepass changeit -alias proxyhost -file {file}"],
    },
    Client { id: "git", name: "git", steps: &["$ git config --global http.sslCAInfo {file}"] },
];

/// The digest of the certificate as browsers show it.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

/// Makes a path fit to be pasted into a shell.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:\\".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_names_the_certificate_and_never_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::load_or_create(dir.path()).unwrap();
        let guide = text(&authority);
        let file = dir.path().join("proxyhost-ca-cert.pem");
        assert!(guide.contains(&format!("curl --cacert {}", file.display())), "{guide}");
        for wanted in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "keytool", "Android", "iOS", "Firefox"] {
            assert!(guide.contains(wanted), "{wanted}");
        }
        assert!(!guide.contains("proxyhost-ca.pem") && !guide.contains('{'));
    }

    #[test]
    fn a_fingerprint_is_upper_case_hex_with_colons() {
        let shown = fingerprint(b"abc");
        assert_eq!(
            shown,
            "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:\
             F2:00:15:AD"
        );
    }

    #[test]
    fn a_path_with_spaces_is_quoted() {
        assert_eq!(quoted("/home/a/ca.pem"), "/home/a/ca.pem");
        assert_eq!(quoted("/it's a/ca.pem"), r"'/it'\''s a/ca.pem'");
    }

    #[test]
    fn names_fit_their_column() {
        assert!(CLIENTS.iter().all(|client| client.name.chars().count() <= WIDTH && !client.steps.is_empty()));
    }
}
