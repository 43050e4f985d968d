//! Addons are written outside of this repository: the published SDK and copies of the examples build there.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// The folders of the examples, the components that come of them, and the interfaces of plugs that those import or export.
const EXAMPLES: [(&str, &str, &[&str]); 3] = [
    ("addon", "maintenance_banner.wasm", &[]),
    ("matcher", "path_id_matcher.wasm", &["matcher"]),
    ("refresher", "session_refresher.wasm", &["refresher"]),
];

/// The line of an example's manifest that is changed in a copy.
const SDK: &str = "proxyhost-sdk = { path = \"../../addons/sdk\" }";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the SDK is in the workspace")
}

/// What is built here stays from one run to the next: most of it are dependencies.
fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside")
}

/// Runs a program to its end.
fn run(command: &mut Command) {
    let output = command.output().expect("it can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo and the user set for the outer build is not what an author outside has.
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(name);
    }
    cargo.current_dir(folder).arg("--offline");
    cargo
}

/// The SDK as it would be published, in a folder of `within`.
fn published(within: &Path) -> PathBuf {
    let package = ["package", "--package", "proxyhost-sdk", "--no-verify", "--allow-dirty", "--quiet", "--target-dir"];
    run(cargo(root()).args(package).arg(target_folder()));
    let name = concat!("proxyhost-sdk-", env!("CARGO_PKG_VERSION"));
    let archive = target_folder().join("package").join(format!("{name}.crate"));
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(within));
    within.join(name)
}

/// The interfaces of plugs that a component names, which are those that it imports or exports.
fn plugs_of(component: &[u8]) -> BTreeSet<&'static str> {
    let names = |interface: &&str| {
        let name = format!("proxyhost:replay/{interface}@");
        component.windows(name.len()).any(|window| window == name.as_bytes())
    };
    ["matcher", "refresher"].into_iter().filter(names).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder in the temporary one");
    for entry in from.read_dir().expect("a folder of the repository") {
        let path = entry.expect("a readable folder").path();
        let copied = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).expect("it can be copied");
        }
    }
}

#[test]
fn copies_of_the_examples_build_with_the_published_sdk() {
    let folder = TempDir::new().expect("a temporary folder");
    let sdk = published(folder.path());
    for (example, component, plugs) in EXAMPLES {
        let copied = folder.path().join(example);
        copy(&root().join("examples").join(example), &copied);
        let manifest = copied.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        assert!(text.contains(SDK), "{example} does not take the SDK by `{SDK}`");
        let pointed = text.replace(SDK, &format!("proxyhost-sdk = {{ path = '{}' }}", sdk.display()));
        fs::write(&manifest, pointed).expect("it can be written");
        // The versions that are there without a network.
        fs::copy(root().join("Cargo.lock"), copied.join("Cargo.lock")).expect("it can be copied");
        let build = ["build", "--release", "--quiet", "--target", "wasm32-wasip2", "--target-dir"];
        run(cargo(&copied).args(build).arg(target_folder()));
        let built = target_folder().join("wasm32-wasip2/release").join(component);
        let component = fs::read(&built).expect("it was built");
        assert_eq!(plugs_of(&component), BTreeSet::from_iter(plugs.iter().copied()), "{example}");
    }
}
