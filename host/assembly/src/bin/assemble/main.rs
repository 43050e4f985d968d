//! Composes components with one another and, with the feature `compiler`, compiles them, for a build that embeds them: it
//! writes files, and Rust that includes them and says what they are. A program of its own, as a build script that had the
//! compiler in it would need the compiler built once more for each profile.
//!
//! Usage: `assemble TARGET FOLDER OUT NAME...`

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "it speaks to a build script")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use assembly::{Composition, Plug};
use compiler::Compiler;
use sha2::{Digest, Sha256};

#[cfg_attr(not(feature = "compiler"), path = "no_compiler.rs")]
mod compiler;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(target), Some(built), Some(out)) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: assemble TARGET FOLDER OUT NAME...");
        return ExitCode::from(2);
    };
    match assemble(&target, &PathBuf::from(built), &PathBuf::from(out), arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Assembles the components of these names, which are in the folder `built`.
fn assemble(target: &str, built: &Path, out: &Path, names: impl Iterator<Item = String>) -> Result<(), String> {
    let components = names.map(|name| Component::read(name, built)).collect::<Result<Vec<_>, _>>()?;
    let mut list = List { compiler: Compiler::new(target), out, files: String::new(), entries: String::new() };
    for (position, component) in components.iter().enumerate() {
        let others: Vec<_> = components.iter().enumerate().filter(|(other, _)| *other != position).collect();
        list.add(component, &others.into_iter().map(|(_, other)| other).collect::<Vec<_>>())?;
    }
    write(&out.join("shipped.rs"), format!("{{\n{}[\n{}]\n}}", list.files, list.entries).as_bytes())
}

struct Component {
    name: String,
    bytes: Vec<u8>,
    exports: Vec<String>,
    /// With those that the host provides.
    imports: Vec<String>,
}

impl Component {
    fn read(name: String, built: &Path) -> Result<Self, String> {
        let path = built.join(format!("{name}.wasm"));
        let bytes = fs::read(&path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let (exports, imports) =
            assembly::interfaces(&name, &bytes, &|_| false).map_err(|error| oneline::chain(&error))?;
        Ok(Self { name, bytes, exports, imports })
    }

    /// Whether it can be used as an addon.
    fn has_hooks(&self) -> bool {
        self.exports.iter().any(|interface| interface.contains("-hook@"))
    }
}

/// What is written, as Rust.
struct List<'a> {
    /// What compiles, if it can.
    compiler: Option<Compiler>,
    /// Where files go.
    out: &'a Path,
    files: String,
    entries: String,
}

impl List<'_> {
    fn add(&mut self, component: &Component, others: &[&Component]) -> Result<(), String> {
        let Component { name, bytes, exports, imports } = component;
        // What none of them exports must be the host's: a start says so of what is not.
        let is_of_host = |interface: &str| !others.iter().any(|other| other.exports.iter().any(|one| one == interface));
        let plugs: Vec<Plug> =
            others.iter().map(|other| Plug { name: other.name.clone(), bytes: other.bytes.clone().into() }).collect();
        let composition = assembly::compose(name, bytes, &plugs, &is_of_host);
        let Composition { bytes: composed, used } = composition.map_err(|error| oneline::chain(&error))?;
        let itself = self.file(name, "wasm", bytes)?;
        let whole = if used.is_empty() { itself.clone() } else { self.file(name, "composed.wasm", &composed)? };
        let code = match &self.compiler {
            Some(compiler) if component.has_hooks() => {
                let code = compiler.compile(&composed);
                let code = code.map_err(|error| format!("cannot compile `{name}`: {error}"))?;
                format!("Some({})", self.file(name, "code", &code)?)
            }
            _ => "None".to_owned(),
        };
        let imports: Vec<&String> = imports.iter().filter(|interface| !is_of_host(interface)).collect();
        let digest = Sha256::digest(&composed);
        let plugs: Vec<usize> = used.into_iter().collect();
        self.entries.push_str(&format!(
            "Shipped {{ name: {name:?}, bytes: {itself}, exports: &{exports:?}, imports: &{imports:?}, composed: Composed {{ \
             bytes: {whole}, digest: {:?}, plugs: &{plugs:?}, code: {code} }} }},\n",
            digest.as_slice(),
        ));
        Ok(())
    }

    /// Writes a file of a component, and gives the name of its content.
    fn file(&mut self, component: &str, kind: &str, content: &[u8]) -> Result<String, String> {
        let path = self.out.join(format!("{component}.{kind}"));
        write(&path, content)?;
        let name = format!("{component}_{kind}").replace(['.', '-'], "_").to_uppercase();
        let path = path.display().to_string();
        self.files.push_str(&format!("const {name}: &[u8] = include_bytes!({path:?});\n"));
        Ok(name)
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    fs::write(path, content).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}
