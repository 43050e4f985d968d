//! The components that tests load, built once for each run.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// In `tests/components/` and `examples/`, each in a crate of its name.
const COMPONENTS: [&str; 6] =
    ["maintenance-banner", "misbehaving-matcher", "outer-probe", "path-id-matcher", "probe", "session-refresher"];

/// What components are built for.
const TARGET: &str = "wasm32-wasip2";

/// The file of a component.
pub fn component(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    assert!(COMPONENTS.contains(&name), "there is no component `{name}`");
    FOLDER.get_or_init(build).join(format!("{}.wasm", name.replace('-', "_")))
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the host is in the workspace");
    // The one that the build script of the host uses: what both need is built once.
    let target_folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder").join("components");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo and the user set for the host must not reach this build.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer = ["CARGO_FEATURE_", "CARGO_CFG_", "CARGO_PKG_", "CARGO_PROFILE_", "CARGO_TARGET_", "DEP_"];
        let flags =
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];
        if outer.iter().any(|prefix| text.starts_with(prefix)) || flags.contains(&text.as_ref()) {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(root).args(["build", "--release", "--quiet", "--locked", "--target", TARGET, "--target-dir"]);
    cargo.arg(&target_folder);
    for component in COMPONENTS {
        cargo.args(["--package", component]);
    }
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "cannot build components: {}", String::from_utf8_lossy(&output.stderr));
    target_folder.join(TARGET).join("release")
}
