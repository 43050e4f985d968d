//! Why a call into a component failed.

use std::{fmt, time::Duration};

use wasmtime::{Store, WasmBacktrace};

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
        let why = match state.output.last_words() {
            words if words.is_empty() => error.root_cause().to_string(),
            words => words,
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

/// The trap that ends a call that computes for too long.
#[derive(Debug, thiserror::Error)]
#[error("out of time")]
pub struct OutOfTime;

/// The innermost function of the component that is not of its language's library, with file and line where it has them.
fn place(backtrace: &WasmBacktrace) -> Option<String> {
    let frames = backtrace.frames();
    let is_own = |name: &str| !name.contains("panic") && !LIBRARIES.iter().any(|library| name.starts_with(library));
    let named = frames.iter().filter_map(|frame| {
        // Inlined functions first.
        let inlined = frame.symbols().iter().find(|symbol| symbol.name().is_some_and(is_own));
        let name = inlined.and_then(|symbol| symbol.name()).or(frame.func_name()).filter(|name| is_own(name))?;
        let line = inlined.and_then(|symbol| Some((symbol.file()?, symbol.line()?)));
        let module = frame.module().name().unwrap_or("a component");
        let line = line.map_or_else(String::new, |(file, line)| format!(", {}:{line}", short(file)));
        Some(format!("`{name}` of {module}{line}"))
    });
    named.map(|place| oneline::spaced(&place).take(LONGEST_PLACE).collect()).next()
}

/// Beginnings of names that say nothing about the component.
const LIBRARIES: [&str; 10] =
    ["core::", "std::", "alloc::", "<core::", "<std::", "<alloc::", "__", "rust_", "abort", "dlmalloc"];

/// Most characters of a place.
const LONGEST_PLACE: usize = 300;

/// The end of a path, which is what people look for.
fn short(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/');
    slashes.nth(2).map_or(path, |(at, _)| path.get(at + 1..).unwrap_or(path))
}
