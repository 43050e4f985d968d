//! The compiler.

use wasmtime::Engine;

/// What compiles for any processor of the target's kind, not just for the one at hand.
pub(crate) struct Compiler(Engine);

impl Compiler {
    /// The compiler for a target. Nothing, with a warning of the build, where there is none.
    pub(crate) fn new(target: &str) -> Option<Self> {
        let mut settings = assembly::pooled();
        let engine = settings.target(target).and_then(|settings| Engine::new(settings));
        let why = |error: &wasmtime::Error| {
            println!("cargo::warning=the addons that ship are compiled at the first start instead of now: {error:#}");
        };
        engine.inspect_err(why).ok().map(Self)
    }

    /// What it makes of a component.
    ///
    /// # Errors
    /// When it cannot compile it.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, String> {
        self.0.precompile_component(component).map_err(|error| format!("{error:#}"))
    }
}
