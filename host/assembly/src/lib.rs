//! What becomes of components before they run: their imports are filled, and they are compiled. Both happen when the host is
//! built, to what ships with it, and when it runs, to everything else; so what both must agree on is here.
//!
//! `compose` fills imports, `package` says which of them are the host's, and `settings` are those of the compiler.

mod compose;
mod package;
#[cfg(feature = "compiler")]
mod settings;

pub use compose::{Composition, IsOfHost, Plug, PlugError, compose, export_of_plug, interfaces};
pub use package::Package;
#[cfg(feature = "compiler")]
pub use settings::{pooled, unpooled};
