//! Why a call into a component failed.

use std::{fmt, time::Duration};

use wasmtime::{FrameInfo, FrameSymbol, Store, WasmBacktrace};

use super::{memory::OutOfMemory, state::State};

/// Why a call failed. The instance is lost; the message is as it was before.
#[derive(Debug)]
pub enum HookFailure {
    /// It trapped.
    Trapped {
        /// What it wrote last, or the trap.
        why: String,
        /// The function, with file and line where the component has them.
        place: Option<String>,
    },
    /// It computed for longer than it may.
    OutOfTime {
        /// How long it may.
        limit: Duration,
        /// Where it was then.
        place: Option<String>,
    },
    /// It took longer than it may, whatever it did.
    TimedOut(Duration),
    /// It wanted more memory than it may have.
    OutOfMemory {
        /// Bytes that it may have.
        limit: usize,
        /// Where it was then.
        place: Option<String>,
    },
    /// It answered something that cannot be used.
    Unusable(String),
    /// All its instances are busy.
    Busy,
    /// It failed so often that it is not called for now.
    Off(Duration),
    /// The host panicked in a call that the component made.
    Panicked(String),
}

impl HookFailure {
    /// What kind of failure it is, for counting them.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "it crashed",
            Self::OutOfTime { .. } => "it computed for too long",
            Self::TimedOut(_) => "it took too long",
            Self::OutOfMemory { .. } => "it wanted too much memory",
            Self::Unusable(_) => "its answer cannot be used",
            Self::Busy => "all its instances are busy",
            Self::Off(_) => "it is off",
            Self::Panicked(_) => "the host failed while it served the addon",
        }
    }

    /// Says why a call failed that ended with this error.
    pub fn of(store: &Store<State>, error: &wasmtime::Error, cpu: Duration) -> Self {
        let state = store.data();
        let place = error.downcast_ref().and_then(place);
        if error.downcast_ref::<OutOfTime>().is_some() {
            return Self::OutOfTime { limit: cpu, place };
        }
        if state.memory.exhausted || error.downcast_ref::<OutOfMemory>().is_some() {
            return Self::OutOfMemory { limit: state.shared.limits.memory, place };
        }
        let words = state.output.last_words();
        let why = match words.strip_suffix(ADVICE).unwrap_or(&words).trim_end() {
            "" => error.root_cause().to_string(),
            words => words.to_owned(),
        };
        Self::Trapped { why, place }
    }
}

impl fmt::Display for HookFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trapped { why, .. } => write!(formatter, "it crashed: {why}")?,
            Self::OutOfTime { limit, .. } => write!(formatter, "it computed for more than its limit of {limit:?}")?,
            Self::TimedOut(limit) => write!(formatter, "it took more than its limit of {limit:?}")?,
            Self::OutOfMemory { limit, .. } => {
                write!(formatter, "it wanted more than its limit of {} MiB of memory", limit >> 20)?;
            }
            Self::Unusable(why) => formatter.write_str(why)?,
            Self::Busy => formatter.write_str("all its instances are busy")?,
            Self::Off(left) => write!(formatter, "it failed too often, and is not called for another {left:.1?}")?,
            Self::Panicked(why) => write!(formatter, "the host failed while it served the addon: {why}")?,
        }
        let (Self::Trapped { place, .. } | Self::OutOfTime { place, .. } | Self::OutOfMemory { place, .. }) = self
        else {
            return Ok(());
        };
        place.as_ref().map_or(Ok(()), |place| write!(formatter, " (in {place})"))
    }
}

impl std::error::Error for HookFailure {}

/// What Rust says when it panics, and nobody can follow: components have no environment.
const ADVICE: &str = "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";

/// The trap that ends a call that computes for too long.
#[derive(Debug, thiserror::Error)]
#[error("out of time")]
pub struct OutOfTime;

/// The innermost function of the component that is not of its language's library, with file and line where it has them.
fn place(backtrace: &WasmBacktrace) -> Option<String> {
    let mut places = backtrace.frames().iter().flat_map(places);
    let place = places.find(Place::is_own)?;
    Some(oneline::spaced(&place.to_string()).take(LONGEST_PLACE).collect())
}

/// A function, as it stands in a component's debug information.
#[derive(Debug)]
struct Place<'a> {
    function: String,
    module: &'a str,
    line: Option<(&'a str, u32)>,
}

impl Place<'_> {
    fn is_own(&self) -> bool {
        let is_named_as_library = LIBRARIES.iter().any(|library| self.function.starts_with(library));
        let is_in_library =
            self.line.is_some_and(|(file, _)| LIBRARY_FOLDERS.iter().any(|folder| file.contains(folder)));
        !is_named_as_library && !is_in_library && !self.function.contains("panic")
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` of {}", self.function, self.module)?;
        self.line.map_or(Ok(()), |(file, line)| write!(formatter, ", {}:{line}", short(file)))
    }
}

/// The functions of a frame that have names: those that were inlined, innermost first, then the one that they are in.
fn places(frame: &FrameInfo) -> impl Iterator<Item = Place<'_>> {
    let module = frame.module().name().unwrap_or("a component");
    // The last symbol is the function itself, whose name stands in the module too, and whole.
    let symbols = frame.symbols();
    let (inlined, own) = symbols.split_at(symbols.len().saturating_sub(1));
    let inlined = inlined.iter().filter_map(|symbol| Some((symbol.name()?, line(symbol))));
    let own = own.first();
    let name = frame.func_name().or(own.and_then(FrameSymbol::name));
    let own = name.map(|name| (name, own.and_then(line)));
    inlined.chain(own).map(move |(name, line)| Place { function: demangled(name), module, line })
}

fn line(symbol: &FrameSymbol) -> Option<(&str, u32)> {
    Some((symbol.file()?, symbol.line()?))
}

/// The name as it was written, without the compiler's marks; names of other languages as they are.
fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// Beginnings of names that say nothing about the component.
const LIBRARIES: [&str; 12] = [
    "core::",
    "std::",
    "alloc::",
    "proxyhost_sdk::",
    "<core::",
    "<std::",
    "<alloc::",
    "<proxyhost_sdk::",
    "__",
    "rust_",
    "abort",
    "dlmalloc",
];

/// Where the files of libraries are: what was inlined has no more than a part of its name.
const LIBRARY_FOLDERS: [&str; 2] = ["/rustc/", "/registry/src/"];

/// Most characters of a place.
const LONGEST_PLACE: usize = 300;

/// The end of a path, which is what people look for.
fn short(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/');
    slashes.nth(2).map_or(path, |(at, _)| path.get(at + 1..).unwrap_or(path))
}
