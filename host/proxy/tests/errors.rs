//! What errors say to people: each level once, and the cause at the end.

use std::{error::Error, io, net::TcpListener};

use proxyhost::{
    addon::{CompileError, ComponentError, HookFailure, LoadError, PlugError},
    config::{Environment, Preliminary},
    listen::{Arrival, Entry, Gate, Listener, ca::CaError},
    run::StartError,
    upstream::tls::UpstreamTlsError,
};

/// Checks what whoever prints an error and its causes makes of it.
fn assert_said_once(error: &dyn Error, expected: &str) {
    let levels: Vec<String> = oneline::levels(error).collect();
    for (depth, level) in levels.iter().enumerate() {
        let repeated = levels.iter().skip(depth + 1).find(|below| level.contains(below.as_str()));
        assert_eq!(repeated, None, "`{level}` says it as well");
    }
    assert_eq!(oneline::chain(error), expected);
}

fn denied() -> io::Error {
    io::ErrorKind::PermissionDenied.into()
}

fn start(error: impl Into<StartError>) -> StartError {
    error.into()
}

fn line(arguments: &str) -> proxyhost::config::ConfigError {
    let scanned = Preliminary::scan(arguments.split(' ').map(Into::into), Environment::default());
    scanned.and_then(|found| found.finish(&[])).expect_err(arguments)
}

#[test]
fn a_wrong_configuration() {
    let error = line("--no-default-addons --mode reverse:http://u@a");
    let expected = "`--mode`: cannot use mode `reverse:http://u@a`: what follows the last `@` must be PORT or HOST:PORT, and \
                    the URL may not name a user: `a` is not an address to listen on: the port is missing; write PORT or \
                    HOST:PORT";
    assert_said_once(&error, expected);
    assert_eq!(error.report(), format!("error: {expected}"));
    let expected = "cannot read the configuration file `no\\nne.toml`: No such file or directory (os error 2)";
    assert_eq!(line("--config no\nne.toml").report(), format!("error: {expected}"));
    let error = line("--config none.toml");
    assert_said_once(
        &start(error),
        "cannot read the configuration file `none.toml`: No such file or directory (os error 2)",
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let cases = [
        (address, "another program listens there; stop it, or choose another port with --listen"),
        // TEST-NET-1 of RFC 5737 is no machine's.
        (([192, 0, 2, 1], 0).into(), "this machine has no such address"),
    ];
    for (address, why) in cases {
        let error = Listener::bind(address, Arrival::Http, Gate::new(Entry::Proxy, None)).await.expect_err(why);
        assert_said_once(&start(error), &format!("cannot listen on `{address}`: {why}"));
    }
}

#[test]
fn an_addon_that_cannot_be_loaded() {
    let (addon, plug, interface) = ("a".to_owned(), "b".to_owned(), "c:d/e".to_owned());
    let name = addon.clone();
    let cases: [(LoadError, &str); 7] = [
        (
            ComponentError::Read { path: "a.wasm".into(), source: denied() }.into(),
            "cannot read addon `a.wasm`: permission denied",
        ),
        (
            PlugError::Unreadable { name, source: denied().into() }.into(),
            "cannot read component `a`: permission denied",
        ),
        (
            PlugError::Mismatch { addon: addon.clone(), plug, interface, source: denied().into() }.into(),
            "plug `b` exports `c:d/e`, but not as `a` imports it: permission denied",
        ),
        (
            LoadError::Compile { addon: addon.clone(), source: CompileError::Refused(denied().into()) },
            "cannot load addon `a`: it cannot be compiled: permission denied",
        ),
        (
            LoadError::Link {
                addon: addon.clone(),
                offered: "proxyhost:addon 0.1".to_owned(),
                source: denied().into(),
            },
            "cannot load addon `a`: it asks for something that this host (proxyhost:addon 0.1) does not offer: permission \
             denied",
        ),
        (
            LoadError::Declare {
                addon: addon.clone(),
                source: HookFailure::Trapped { why: "unreachable".to_owned(), place: None },
            },
            "cannot load addon `a`: it crashed: unreachable",
        ),
        (
            LoadError::Prepare { addon, source: HookFailure::OutOfMemory { limit: 1 << 20, place: None } },
            "cannot configure addon `a`: it wanted more than its limit of 1 MiB of memory",
        ),
    ];
    for (error, expected) in cases {
        assert_said_once(&start(error), expected);
    }
}

#[test]
fn an_authority_that_cannot_be_used() {
    let path = || "ca.pem".into();
    let restore = "restore it, or move it away to have a new CA made";
    let cases = [
        (CaError::Directory { dir: "ca".into(), source: denied() }, "cannot create the CA directory `ca`".to_owned()),
        (CaError::Read { path: path(), source: denied() }, "cannot read the CA key file `ca.pem`".to_owned()),
        (CaError::Write { path: path(), source: denied() }, "cannot write the CA file `ca.pem`".to_owned()),
        (
            CaError::Certificate { path: path(), source: denied().into() },
            format!("cannot parse the certificate in the CA key file `ca.pem`; {restore}"),
        ),
    ];
    for (error, expected) in cases {
        assert_said_once(&start(error), &format!("{expected}: permission denied"));
    }
    let source = rustls_pki_types::pem::Error::NoItemsFound;
    let said = source.to_string();
    let error = CaError::Incomplete { path: path(), part: "private key", source };
    let expected = format!("cannot load the CA key file `ca.pem`: no complete private key in it; {restore}: {said}");
    assert_said_once(&start(error), &expected);
    let source = rustls::Error::General("it is damaged".to_owned());
    let said = source.to_string();
    let expected = "cannot use the private key in the CA key file `ca.pem`: expected RSA (2048 bits or more), ECDSA P-256 or \
                    P-384, or Ed25519";
    assert_said_once(&CaError::Key { path: path(), source: Some(source.clone()) }, &format!("{expected}: {said}"));
    assert_said_once(&CaError::Tls(source), &format!("cannot set up TLS towards clients: {said}"));
    let source = rcgen::Error::CouldNotParseCertificate;
    let said = source.to_string();
    let error = CaError::Sign { subject: "a.example".to_owned(), source };
    assert_said_once(&error, &format!("cannot make a certificate for `a.example`: {said}"));
}

#[test]
fn servers_that_cannot_be_verified() {
    let path = || "corp.pem".into();
    let error = UpstreamTlsError::Read { path: path(), source: denied() };
    assert_said_once(&start(error), "cannot read the upstream CA file `corp.pem`: permission denied");
    let source = rustls_pki_types::pem::Error::NoItemsFound;
    let said = source.to_string();
    let expected = format!("cannot parse the upstream CA file `corp.pem`: expected PEM certificates: {said}");
    assert_said_once(&start(UpstreamTlsError::Pem { path: path(), source }), &expected);
    let source = rustls::Error::General("it is damaged".to_owned());
    let said = source.to_string();
    let expected = format!("cannot use certificate 2 in the upstream CA file `corp.pem`: {said}");
    let error = UpstreamTlsError::Certificate { path: path(), position: 2, source: source.clone() };
    assert_said_once(&start(error), &expected);
    let expected = format!("cannot set up TLS towards upstream servers: {said}");
    assert_said_once(&start(UpstreamTlsError::Tls(source)), &expected);
}
