//! Connections that the system leads to the proxy, in a network of their own.

use std::{fs, path::Path, process::Command};

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{get, recording};

/// Left out where nobody but root may have a network of their own, or programs for it are missing.
#[test]
fn transparent_clients_are_served_and_nothing_leaks_when_it_replays() {
    let folder = TempDir::new().expect("a temporary folder");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(["shop.example".to_owned()]).expect("a name").self_signed(&key);
    let write = |name, text: String| fs::write(folder.path().join(name), text).expect("a file in a temporary folder");
    write("server.pem", certificate.expect("a certificate").pem());
    write("server.key", key.serialize_pem());
    let recorded =
        [get("http://shop.example/plain").body("recorded"), get("https://shop.example/tls").body("recorded tls")];
    fs::copy(recording(recorded).path(), folder.path().join("shop.mitm")).expect("a recording");
    let Some(seen) = within_namespace(folder.path()) else { return };
    let opaque = "\u{0}\u{1}\u{2}\u{3}";
    let expected = json!({
        "redirect": {"plain": "hello", "plain v6": "hello", "tls": "hello", "opaque": opaque, "direct": "closed"},
        "redirect servers": [
            "GET /v4 HTTP/1.1 shop.example", "GET /v6 HTTP/1.1 shop.example", "GET /tls HTTP/1.1 shop.example", "connection",
        ],
        "tproxy": {"plain": "hello", "tls": "hello"},
        "tproxy servers": ["GET /v4 HTTP/1.1 shop.example", "GET /tls HTTP/1.1 shop.example"],
        "replay": {
            "plain": "recorded", "used": "closed", "tls": "recorded tls", "tls missed": "closed", "opaque": "closed",
        },
        "replay servers": [],
    });
    assert_eq!(seen, expected);
}

/// What clients and servers saw, where that can be tried.
#[expect(clippy::print_stderr, reason = "says what was not tried")]
fn within_namespace(folder: &Path) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/end_to_end/transparent/namespace.py");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "python3"]).arg(script);
    command.arg(env!("CARGO_BIN_EXE_proxyhost")).arg(folder);
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    let skipped = |why: &str| eprintln!("left out: there is no network of its own for this: {why}");
    let Ok(tried) = command.output() else {
        skipped("there is no program `unshare`");
        return None;
    };
    let (out, said) = (String::from_utf8_lossy(&tried.stdout), String::from_utf8_lossy(&tried.stderr));
    if said.starts_with("unshare: ") {
        skipped(said.trim_end());
        return None;
    }
    assert!(tried.status.success(), "{said}");
    let seen: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}"));
    if let Some(why) = seen.get("skipped").and_then(Value::as_str) {
        skipped(why);
        return None;
    }
    Some(seen)
}
