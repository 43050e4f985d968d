//! The proxy under test suites: sessions in parallel, and the examples that show them.

use std::{
    env,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Message, Proxyhost, get, recording};

const URL: &str = "http://shop.example/cart";

/// The answer that a session gets which a client names by the user of the proxy's URL.
async fn asked(proxy: &Proxyhost, session: &str) -> Message {
    let user = format!("Basic {}", BASE64_STANDARD.encode(format!("{session}:")));
    let fields = [("proxy-authorization", user.as_str())];
    proxy.connect().await.ask("GET", URL, "shop.example", &fields, b"").await
}

#[tokio::test]
async fn sessions_use_up_recorded_answers_each_for_itself() {
    let file = recording(["one", "two", "three"].map(|body| get(URL).body(body)));
    let config = "session_field = \"x-session\"\n[[listeners]]\nmode = \"regular\"\nsession = \"listener\"\n";
    let start = Proxyhost::with(["--server-replay-extra", "404", "--control", "0"]).config(config).listeners(1);
    let proxy = start.replay(&file).start().await;
    let sessions = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let visits = sessions.map(|session| {
        let proxy = &proxy;
        async move {
            let mut given = Vec::new();
            for _ in 0..4 {
                given.push(asked(proxy, session).await);
            }
            given
        }
    });
    for given in futures_util::future::join_all(visits).await {
        let statuses: Vec<u16> = given.iter().map(Message::status).collect();
        assert_eq!(statuses, [200, 200, 200, 404]);
        assert_eq!(given[..3].iter().map(Message::text).collect::<Vec<_>>(), ["one", "two", "three"]);
    }
    // By the field, and by the listener.
    let mut wire = proxy.connect().await;
    let field = [("x-session", "field")];
    assert_eq!(wire.ask("GET", URL, "shop.example", &field, b"").await.text(), "one");
    assert_eq!(wire.get(URL).await.text(), "one");
    assert_eq!(wire.ask("GET", URL, "shop.example", &field, b"").await.text(), "two");
    assert_eq!(wire.get(URL).await.text(), "two");

    // One of them begins anew, and the others do not.
    proxy.ctl(&["reset", "--session", "a"]).await;
    assert_eq!(asked(&proxy, "a").await.text(), "one");
    assert_eq!(asked(&proxy, "b").await.status(), 404);
    let count = |session| ["run", "replay.server.count", "--session", session];
    assert_eq!(proxy.ctl(&count("a")).await, "2\n");
    assert_eq!(proxy.ctl(&count("b")).await, "0\n");
    assert_eq!(proxy.ctl(&count("new")).await, "3\n");
    proxy.ctl(&["run", "replay.server.reset", "--session", "b"]).await;
    assert_eq!(asked(&proxy, "b").await.text(), "one");
    assert_eq!(asked(&proxy, "c").await.status(), 404);

    // They stay apart when something changes.
    proxy.ctl(&["options", "set", "server_replay_refresh=false"]).await;
    assert_eq!(asked(&proxy, "a").await.text(), "two");
    assert_eq!(asked(&proxy, "c").await.status(), 404);
    let report = proxy.ctl(&["report", "--session", "a", "--format", "json"]).await;
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let hits: Vec<&Value> = report["exchanges"].as_array().expect("exchanges").iter().map(|one| &one["hits"]).collect();
    assert_eq!(
        (hits, &report["flows"], &report["missed"]),
        (vec![&1.into(), &1.into(), &0.into()], &2.into(), &0.into())
    );
    let sessions = proxy.ctl(&["sessions"]).await;
    for line in [
        "a: 2 flows, 0 misses, 0 failures, 2 recorded exchanges used",
        "d: 4 flows, 1 miss, 0 failures, 3 recorded exchanges used",
        "listener: 2 flows, 0 misses, 0 failures, 2 recorded exchanges used",
    ] {
        assert!(sessions.lines().any(|found| found == line), "`{line}` is not in\n{sessions}");
    }
    let said = proxy.try_ctl(&["reset", "--session", "unheard-of"]).await;
    assert_eq!((said.code, said.error.as_str()), (Some(2), "error: cannot reset: there is no session `unheard-of`\n"));
}

#[test]
fn the_pytest_example_passes() {
    let python = env::var("PROXYHOST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut known = Command::new(&python);
    if !is_there(known.args(["-m", "pytest", "--version"]), "pytest", "PROXYHOST_PYTHON") {
        return;
    }
    let said =
        run(Command::new(&python).args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "."]), &example("pytest"));
    assert!(said.contains("6 passed"), "{said}");
}

#[test]
fn the_junit_example_passes() {
    // Where Debian's package `junit5` puts it.
    let jars = env::var("PROXYHOST_JUNIT").unwrap_or_else(|_| "/usr/share/java".to_owned());
    let jars = format!("{jars}/*");
    let classes = TempDir::new().expect("a temporary folder");
    let path = format!("{jars}:{}", classes.path().display());
    let launcher = ["-cp", &path, "org.junit.platform.console.ConsoleLauncher"];
    if !is_there(Command::new("java").args(launcher).arg("--help"), "JUnit 5", "PROXYHOST_JUNIT") {
        return;
    }
    let folder = example("junit");
    let mut compiler = Command::new("javac");
    compiler.args(["-cp", &jars, "-d"]).arg(classes.path()).args(["Proxy.java", "ShopTest.java"]);
    run(&mut compiler, &folder);
    let parallel = ["enabled=true", "mode.default=concurrent"];
    let parallel = parallel.map(|set| format!("--config=junit.jupiter.execution.parallel.{set}"));
    let mut tests = Command::new("java");
    tests.args(launcher).args(["--select-class=ShopTest", "--disable-banner", "--details=summary"]).args(parallel);
    let said = run(&mut tests, &folder);
    assert!(said.contains("3 tests successful"), "{said}");
}

/// Whether a program is there. If it is not, the test is not run, which is said on standard error, unless a variable of the
/// environment says where it is: then it fails.
fn is_there(program: &mut Command, what: &str, variable: &str) -> bool {
    let found = program.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(env::var_os(variable).is_none(), "there is no {what} where {variable} says");
    let test = thread::current().name().unwrap_or_default().to_owned();
    stderr().write_all(format!("{test} WAS NOT RUN: there is no {what}\n").as_bytes()).expect("standard error");
    false
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// What a test suite says that must pass.
fn run(suite: &mut Command, folder: &Path) -> String {
    let runtime = TempDir::new().expect("a temporary folder");
    suite.current_dir(folder).stdin(Stdio::null()).env("PYTHONDONTWRITEBYTECODE", "1");
    suite.env("PROXYHOST", env!("CARGO_BIN_EXE_proxyhost")).env("XDG_RUNTIME_DIR", runtime.path());
    let output = suite.output().expect("it was there before");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}
