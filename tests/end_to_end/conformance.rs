//! The conformance cases of `tests/conformance`: byte sequences that a proxy has to refuse, or to pass on well-formed.

use std::{
    env,
    io::{Write, stderr},
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
};

use crate::harness::Proxyhost;

const RUNNER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/run_cases.py");

/// What is run side by side: the cases whose names these expressions match, on each of these listeners.
const GROUPS: [(&str, &[&str]); 7] = [
    ("^[AH]", &HTTP1),
    ("^B", &HTTP1),
    ("^C", &HTTP1),
    ("^D", &HTTP1),
    ("^[EF]", &HTTP1),
    ("^[GI]", &HTTP1),
    ("^K", &["h2c"]),
];
const HTTP1: [&str; 3] = ["reverse", "forward", "connect"];

/// Known not to pass: a request with pseudo fields in its trailers is served without them (K19), where RFC 9113 §8.1 wants the
/// stream reset. `h2` reads such fields as it reads those of a request's head, and hands on the other fields only
/// (`into_fields` in its `recv_trailers`), so that nothing above it learns that they were there. What holds is that they
/// change nothing of the request and reach nobody, which `http2_abuse` tests; `h2` itself refuses unknown and repeated ones, and
/// one behind another field.
const OPEN: [&str; 1] = ["K19 "];

/// A server that never answers is given up on within the runner's minute (F24). By default that takes ten.
const LIMITS: &str = "[limits]\nfirst_byte_seconds = 20\n";

#[tokio::test(flavor = "multi_thread")]
async fn every_conformance_case_passes_on_every_listener() {
    let found = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        assert!(env::var_os("PROXYHOST_PEERS").is_none_or(|peers| peers != "required"), "no python3");
        // Not by a macro, whose output is kept from whoever runs tests that pass.
        stderr().write_all(b"the conformance cases WERE NOT RUN: no python3\n").expect("standard error");
        return;
    }
    let runs: Vec<_> = GROUPS
        .iter()
        .flat_map(|(cases, listeners)| listeners.iter().map(move |listener| (*cases, *listener, origin())))
        .collect();
    let mut start = Proxyhost::with([]).mode("regular").config(LIMITS);
    for (.., origin) in &runs {
        start = start.mode(&format!("reverse:http://{}", origin.local_addr().expect("it is bound")));
    }
    let proxy = start.start().await;
    let reverse = proxy.reverse_addresses();
    let running: Vec<Child> = runs
        .into_iter()
        .zip(reverse)
        .map(|((cases, listener, origin), reverse)| {
            let address = if matches!(listener, "reverse" | "h2c") { reverse } else { proxy.address() };
            run(cases, listener, address, origin)
        })
        .collect();

    let mut failed = Vec::new();
    let mut passed = 0;
    for child in running {
        let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await;
        let output = output.expect("no panic").expect("a child of ours");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (cases, sum) = said.split_once("== ").unwrap_or((&said, ""));
        let count = sum.split_once('/').and_then(|(count, _)| count.parse::<usize>().ok());
        passed += count.unwrap_or_else(|| panic!("it broke off: {said}{}", String::from_utf8_lossy(&output.stderr)));
        failed.extend(cases.lines().filter(|line| !OPEN.iter().any(|open| line.starts_with(open))).map(str::to_owned));
    }
    assert!(failed.is_empty(), "{passed} passed, but not\n{}", failed.join("\n"));
    assert!(passed > 320, "only {passed} were run");
}

/// A free port. The socket is handed over as it is, so that nobody else can take the port in between.
fn origin() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}

fn run(cases: &str, listener: &str, address: SocketAddr, origin: TcpListener) -> Child {
    let mut command = Command::new("python3");
    command.args([RUNNER, "--origin-on-stdin", "--only", cases, &format!("--{listener}"), &address.to_string()]);
    // Some cases wait for the proxy's timeouts, a minute each.
    if env::var_os("PROXYHOST_CONFORMANCE").is_some_and(|which| which == "slow") {
        command.arg("--slow");
    }
    command.stdin(OwnedFd::from(origin)).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("python3 starts")
}
