//! The addons that ship with the host. They are built from source when the host is, composed with one another as they are
//! without plugs of the user's, and compiled: so that neither takes time at a start. Where the host is not optimised, as for
//! its tests, they are compiled when they are first used, like any other addon.

use wasmtime::{Engine, component::Component};

/// A component that ships.
#[derive(Debug)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
    /// The interfaces that it exports.
    pub exports: &'static [&'static str],
    /// Those that it imports from plugs.
    pub imports: &'static [&'static str],
    /// What it is with the others as its plugs.
    pub composed: Composed,
}

/// A component whose imports are filled.
#[derive(Debug)]
pub struct Composed {
    /// Its bytes.
    pub bytes: &'static [u8],
    /// What tells it from others: their SHA-256.
    pub digest: [u8; 32],
    /// Which of the other components are in it, by their positions in [`others`](Shipped::others).
    pub plugs: &'static [usize],
    /// What the compiler made of it, if it ran and it has hooks.
    code: Option<&'static [u8]>,
}

/// All of them.
pub fn all() -> &'static [Shipped] {
    const SHIPPED: &[Shipped] = &include!(concat!(env!("OUT_DIR"), "/shipped.rs"));
    SHIPPED
}

/// Their names.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().iter().map(|shipped| shipped.name)
}

/// The component of a name.
pub fn find(name: &str) -> Option<&'static Shipped> {
    all().iter().find(|shipped| shipped.name == name)
}

impl Shipped {
    /// All but this one.
    pub fn others(&self) -> impl Iterator<Item = &'static Shipped> {
        all().iter().filter(|other| other.name != self.name)
    }
}

impl Composed {
    /// What the compiler made of it, if this engine can execute that: on a processor like those that it was made for, and with
    /// the settings that it was made with.
    pub fn compiled(&self, engine: &Engine) -> Option<Component> {
        let code = self.code?;
        // SAFETY: `deserialize` must be given what the compiler made. This is embedded in the binary that is executed,
        // where the build put what the compiler gave it, and nothing else can set a private field.
        #[expect(unsafe_code, reason = "there is no safe way to load compiled code")]
        let component = unsafe { Component::deserialize(engine, code) };
        component.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_was_compiled_for_engines_of_this_host() {
        let engine = Engine::new(&assembly::pooled()).expect("an engine");
        for shipped in all() {
            assert_eq!(
                shipped.composed.compiled(&engine).is_some(),
                shipped.composed.code.is_some(),
                "{}",
                shipped.name
            );
        }
    }

    #[test]
    fn an_engine_with_other_settings_compiles_for_itself() {
        let engine = Engine::default();
        for shipped in all() {
            assert!(shipped.composed.compiled(&engine).is_none(), "{}", shipped.name);
        }
    }

    #[test]
    fn what_is_composed_has_the_others_in_it() {
        for shipped in all().iter().filter(|shipped| !shipped.imports.is_empty()) {
            assert!(!shipped.composed.plugs.is_empty(), "{}", shipped.name);
            assert!(shipped.composed.bytes.len() > shipped.bytes.len(), "{}", shipped.name);
        }
    }
}
