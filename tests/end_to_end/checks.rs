//! What `proxyhost check` looks at.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::harness::Proxyhost;

/// All files in a folder and below it, with what they hold.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.push((path.clone(), Vec::new()));
            found.extend(snapshot(&path));
        } else {
            let content = fs::read(&path).expect("a file");
            found.push((path, content));
        }
    }
    found.sort();
    found
}

#[test]
fn check_looks_at_every_file_that_is_named_and_writes_none() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().expect("UTF-8").to_owned();
    fs::write(path("stale.json"), r#"{"pid":1}"#).expect("a file");
    fs::write(path("notes.txt"), "not to be lost").expect("a file");
    fs::write(path("no.pem"), "no certificate").expect("a file");
    fs::create_dir(path("no-ca")).expect("a folder");
    fs::write(path("no-ca/proxyhost-ca.pem"), "no key").expect("a file");
    fs::set_permissions(path("no-ca/proxyhost-ca.pem"), fs::Permissions::from_mode(0o600)).expect("a file of ours");
    let before = snapshot(folder.path());
    let good = Proxyhost::with(["check", "--ca-dir"]).arg(path("new/ca")).arg("--ready-file").arg(path("stale.json"));
    let good = good.arg("--report").arg(path("report.json")).arg("-w").arg(path("new/visit.mitm")).run();
    assert!(good.status.success(), "{good:?}");
    for (flags, why) in [
        (vec!["--ca-dir".to_owned(), text("no-ca")], "proxyhost-ca.pem"),
        (vec!["--ca-dir".to_owned(), text("notes.txt")], "Not a directory"),
        (vec!["--upstream-ca".to_owned(), text("no.pem")], "no.pem"),
        (vec!["--upstream-ca".to_owned(), text("missing.pem")], "missing.pem"),
        (vec!["--ready-file".to_owned(), text("notes.txt")], "none of a proxy before"),
        (vec!["--report".to_owned(), text("missing/report.json")], "cannot write the report"),
        (vec!["-w".to_owned(), text("notes.txt")], "is there already"),
        (vec!["-w".to_owned(), text("notes.txt/visit.mitm")], "visit.mitm"),
        (vec!["-S".to_owned(), text("missing.mitm")], "missing.mitm"),
    ] {
        let said = flags.iter().fold(Proxyhost::with(["check"]), |start, flag| start.arg(flag)).refusal();
        assert!(said.contains(why), "{flags:?}: {said}");
    }
    assert_eq!(snapshot(folder.path()), before);
}
