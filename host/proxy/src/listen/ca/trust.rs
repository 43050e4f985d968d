//! What to tell a user about the authority.

use std::fmt::Write;

use super::CertificateAuthority;

impl CertificateAuthority {
    /// Says where the certificate is, how to recognise it, and how to make clients trust it: the
    /// text of `proxyhost ca`.
    pub fn trust_guide(&self) -> String {
        // Absolute, as what is pasted may run elsewhere.
        let path = self.certificate_path();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let file = quoted(&path.display().to_string());
        let fingerprint = fingerprint(&self.certificate);
        let expiry = self.expiry.date();
        format!(
            "\
certificate  {file}
sha-256      {fingerprint}
valid until  {expiry}

Clients must trust this certificate before their HTTPS traffic can be read.
Whoever holds the private key beside it can do the same: never share that file.

curl             curl --cacert {file} ...
Python requests  export REQUESTS_CA_BUNDLE={file}
Debian, Ubuntu   sudo cp {file} /usr/local/share/ca-certificates/proxyhost-ca.crt && sudo update-ca-certificates
Fedora           sudo trust anchor {file}
macOS            sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}
Windows          certutil -addstore -f Root {file} (as administrator)
Firefox          Settings, Privacy & Security, View Certificates, Authorities, Import
Chromium (NSS)   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n proxyhost -i {file}
"
        )
    }
}

/// The digest of the certificate as browsers show it.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let mut shown = String::new();
    for (index, byte) in digest.as_ref().iter().enumerate() {
        let separator = if index == 0 { "" } else { ":" };
        let _ = write!(shown, "{separator}{byte:02X}");
    }
    shown
}

/// Makes a path fit to be pasted into a shell.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:\\".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::super::handshake::authority;
    use super::*;

    #[test]
    fn the_guide_names_the_certificate_and_never_the_key() {
        let (authority, dir) = authority();
        let guide = authority.trust_guide();
        let file = dir.path().join("proxyhost-ca-cert.pem");
        assert!(guide.contains(&format!("curl --cacert {}", file.display())));
        assert!(!guide.contains("proxyhost-ca.pem"));
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
}
