//! Building components with cargo from within a build or a test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// What components are built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The profile of the workspace for components.
pub(crate) const PROFILE: &str = "guest";

/// Builds packages of the workspace at `root` as components, by this profile; the folder that they are in.
///
/// # Errors
/// When cargo cannot be started, or fails.
pub(crate) fn build(root: &Path, target_folder: &Path, profile: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let mut cargo = cargo(root, target_folder);
    cargo.args(["build", "--quiet", "--locked", "--profile", profile, "--target", TARGET]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    run(cargo, &format!("build components for {TARGET}"))?;
    // The one profile whose folder has another name.
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target_folder.join(TARGET).join(folder))
}

/// Cargo, for a build of its own in a folder of its own.
pub(crate) fn cargo(root: &Path, target_folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo and the user set for the outer build must not reach this one: flags, wrappers, profiles, targets.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer = ["CARGO_FEATURE_", "CARGO_CFG_", "CARGO_PKG_", "CARGO_PROFILE_", "CARGO_TARGET_", "DEP_"];
        let flags =
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];
        if outer.iter().any(|prefix| text.starts_with(prefix)) || flags.contains(&text.as_ref()) {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(root).env("CARGO_TARGET_DIR", target_folder);
    cargo
}

/// Runs cargo, for what its task is called.
///
/// # Errors
/// When it cannot be started, or fails: with what it said.
pub(crate) fn run(mut cargo: Command, task: &str) -> Result<String, String> {
    let output = cargo.output().map_err(|error| format!("cannot start cargo to {task}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " | ");
        return Err(format!("cannot {task}: {said}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
