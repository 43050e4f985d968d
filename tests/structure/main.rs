//! Which part of the code may know which other: the borders that keep each part small enough to be understood alone.
//!
//! `source` reads code without comments and tests, `paths` finds what it names, `graph` says which modules know each
//! other. The rules stand below. `faults` compares the table of faults with the tests that there are.

mod faults;
mod graph;
mod paths;
mod source;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use graph::Graph;
use source::{SourceFile, Word};

/// The crates whose modules are checked.
const HOST: [&str; 3] = ["host/proxy/src", "host/recording/src", "host/tools/src"];

#[test]
fn modules_of_the_host_do_not_know_each_other_in_a_circle() {
    let cycles: Vec<String> = HOST.iter().flat_map(|folder| Graph::of(&code(folder)).cycles()).collect();
    assert!(cycles.is_empty(), "modules know each other in a circle:\n{}", cycles.join("\n"));
}

#[test]
fn upstream_does_not_know_listen() {
    let found = Graph::of(&code("host/proxy/src")).between("upstream", "listen");
    assert!(found.is_empty(), "`upstream` names `listen`:\n{}", found.join("\n"));
}

#[test]
fn only_the_capability_names_recordings() {
    let parts = ["listen", "flow", "addon", "upstream", "proxy.rs"];
    let found = naming(&parts, |word| ["recording", "recordings", "recorder", "replay"].contains(&word));
    assert!(found.is_empty(), "what a proxy does without recordings names them:\n{}", found.join("\n"));
}

#[test]
fn flows_and_the_proxy_are_not_of_one_http_library() {
    let mut found = naming(&["flow", "proxy.rs"], |word| word == "hyper");
    let is_body = |word: &Word| matches!(word.name.as_str(), "http_body" | "http_body_util");
    found.extend(part("proxy.rs").iter().flat_map(|file| file.words()).filter(is_body).map(|word| word.to_string()));
    assert!(found.is_empty(), "what only listen and upstream should know is named:\n{}", found.join("\n"));
}

#[test]
fn the_host_depends_on_nothing_in_addons() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let host = packages.iter().filter(|package| is_in(&package["manifest_path"], "host"));
    let dependencies = |package: &serde_json::Value| {
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        let all = package["dependencies"].as_array().cloned().unwrap_or_default();
        all.into_iter()
            .filter(|dependency| is_in(&dependency["path"], "addons"))
            .map(move |found| format!("{name}: {}", found["name"]))
    };
    let (count, found): (Vec<()>, Vec<Vec<String>>) = host.map(|package| ((), dependencies(package).collect())).unzip();
    assert!(count.len() >= 6, "only {} crates were found in `host`", count.len());
    assert_eq!(found.concat(), [""; 0], "crates of the host depend on addons");
}

#[test]
fn recordings_are_read_without_a_web_server_or_an_engine() {
    let tree =
        cargo(&["tree", "--package", "recording", "--edges", "all", "--prefix", "none", "--format", "{p}", "--locked"]);
    let names = || tree.lines().filter_map(|line| line.split(' ').next());
    assert!(names().any(|name| name == "serde_json"), "{tree}");
    let is_of_the_host =
        |name: &&str| ["hyper", "wasmtime", "rustls"].iter().any(|library| name.split('-').next() == Some(library));
    assert_eq!(
        names().filter(is_of_the_host).collect::<Vec<_>>(),
        [""; 0],
        "`recording` depends on what only the host needs"
    );
}

#[test]
fn faces_of_the_proxy_know_only_what_can_be_looked_at() {
    for (face, known) in [
        ("control", ["coding", "flowfilter", "oneline"].as_slice()),
        ("api", &["control", "flowfilter", "oneline", "regular-file"]),
        ("console", &["control", "flowfilter", "oneline"]),
    ] {
        let tree = cargo(&[
            "tree",
            "--package",
            face,
            "--edges",
            "normal,build",
            "--depth",
            "1",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--locked",
        ]);
        // Those of the repository are named with their folders.
        let ours = tree.lines().skip(1).filter(|line| line.contains('(')).filter_map(|line| line.split(' ').next());
        let unknown: Vec<&str> = ours.filter(|name| !known.contains(name)).collect();
        assert_eq!(unknown, [""; 0], "`{face}` depends on more than it has to know");
    }
}

/// What names a word in some parts of the proxy.
fn naming(parts: &[&str], is_meant: impl Fn(&str) -> bool) -> Vec<String> {
    let files: Vec<SourceFile> = parts.iter().flat_map(|name| part(name)).collect();
    let words = files.iter().flat_map(SourceFile::words);
    words.filter(|word| word.parts().any(|part| is_meant(&part))).map(|word| word.to_string()).collect()
}

/// A folder or a file of the proxy.
fn part(name: &str) -> Vec<SourceFile> {
    let within = Path::new("host/proxy/src").join(name);
    let files: Vec<SourceFile> =
        code("host/proxy/src").into_iter().filter(|file| file.path.starts_with(&within)).collect();
    assert!(!files.is_empty(), "there is no `{}`", within.display());
    files
}

fn code(folder: &str) -> Vec<SourceFile> {
    source::read(&root(), Path::new(folder))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository").to_owned()
}

/// Whether a path is within a folder of the repository.
fn is_in(path: &serde_json::Value, folder: &str) -> bool {
    path.as_str().is_some_and(|path| Path::new(path).starts_with(root().join(folder)))
}

fn cargo(arguments: &[&str]) -> String {
    let program = env::var_os("CARGO").expect("cargo runs the tests");
    let output = Command::new(program).args(arguments).current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}
