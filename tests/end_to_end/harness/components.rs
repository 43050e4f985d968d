//! The components that tests load, built once for each run.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

#[path = "../../../host/shipped/build/components.rs"]
mod cargo;

/// In `tests/components/`, `examples/` and `addons/`, each in a crate of its name.
const COMPONENTS: [&str; 10] = [
    "counting",
    "header",
    "hostile",
    "maintenance-banner",
    "misbehaving-matcher",
    "outer-probe",
    "path-id-matcher",
    "probe",
    "serverreplay",
    "session-refresher",
];

/// The file of a component.
pub fn component(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    assert!(COMPONENTS.contains(&name), "there is no component `{name}`");
    FOLDER.get_or_init(|| build(cargo::PROFILE, &COMPONENTS)).join(file_name(name))
}

/// The file of a component that knows the files and lines of its functions.
pub fn debuggable(name: &str) -> PathBuf {
    build("dev", &[name]).join(file_name(name))
}

/// The bytes of a component with a section that says nothing but makes them others.
pub fn loadable_anew(component: &[u8], mark: u8) -> Vec<u8> {
    // A custom section: its kind and length, then its name with that one's length, then what it says.
    [component, &[0, 6, 4], b"mark", &[mark]].concat()
}

fn file_name(component: &str) -> String {
    format!("{}.wasm", component.replace('-', "_"))
}

fn build(profile: &str, components: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the host is in the workspace");
    // The one that the build script of the host uses: what both need is built once.
    let target_folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder").join("components");
    cargo::build(root, &target_folder, profile, components).expect("components that build")
}
