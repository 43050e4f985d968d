//! Builds the components that ship with the host, composes them with one another, compiles them where that is worth it, and
//! embeds all of it.

#![expect(clippy::print_stdout, reason = "it is how a build script talks to cargo")]

mod components;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use components::TARGET;

/// What ships. In `addons/`, each in a crate of its name.
const SHIPPED: &[&str] = &["serverreplay", "matcher", "refresher", "record"];

/// What ships of it in a build without the feature `recordings`.
const WITHOUT_RECORDINGS: &[&str] = &["matcher", "refresher"];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Cargo shows this as the build's error.
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = folder.ancestors().nth(2).ok_or("the crate is not in the workspace")?;
    for watched in [
        "addons",
        "host/assembly",
        "host/coding",
        "host/flowfilter",
        "host/json-pointer",
        "host/oneline",
        "host/shipped/build",
        "host/redaction",
        "wit",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    // A folder of their own, as the outer build holds the lock of its folder; shared by all profiles of the host.
    let target_folder =
        out.ancestors().find(|folder| folder.ends_with("build")).and_then(|folder| folder.parent()?.parent());
    let target_folder = target_folder.ok_or("OUT_DIR is not in a target folder")?.join("components");
    add_target()?;
    let has_recordings = env::var_os("CARGO_FEATURE_RECORDINGS").is_some();
    let shipped = if has_recordings { SHIPPED } else { WITHOUT_RECORDINGS };
    let built = components::build(root, &target_folder, components::PROFILE, shipped)?;
    assemble(root, &target_folder, &built, &out, shipped)
}

/// Gets the standard library for components where rustup can and it is missing.
fn add_target() -> Result<(), String> {
    let rustc = variable("RUSTC")?;
    let found = Command::new(&rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = found.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    if folder.is_some_and(|folder| Path::new(folder.trim()).is_dir()) {
        return Ok(());
    }
    println!("cargo::warning=adding the target {TARGET}, which addons are built for (rustup target add {TARGET})");
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("addons need the target {TARGET}: run `rustup target add {TARGET}`, then build again")),
    }
}

/// Writes what `src/lib.rs` includes.
fn assemble(root: &Path, target_folder: &Path, built: &Path, out: &Path, shipped: &[&str]) -> Result<(), String> {
    let mut cargo = components::cargo(root, target_folder);
    cargo.args(["run", "--quiet", "--locked", "--profile", "assembly", "--package", "assembly"]);
    // To build the compiler takes minutes, which whoever builds for tests has no use for.
    if variable("OPT_LEVEL")? != "0" {
        cargo.args(["--features", "compiler"]);
    }
    cargo.args(["--", &variable("TARGET")?]).args([built, out]).args(shipped);
    print!("{}", components::run(cargo, "assemble the addons that ship")?);
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}"))
}
