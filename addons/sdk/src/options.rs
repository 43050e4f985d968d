//! The values of the options that the component declared, and of those of other addons that it reads.
//!
//! A component knows its options' types, so each function gives the plain value; a name that was not declared with
//! that type gives the type's empty value.

use crate::bindings::host::proxyhost::addon::options::{Value, get};

/// The names of the options whose values are others than in the configuration before; none at a start.
pub use crate::bindings::host::proxyhost::addon::options::changed;

/// The value of an option declared by [`crate::declare::flag`].
pub fn flag(name: &str) -> bool {
    matches!(get(name), Some(Value::Flag(true)))
}

/// The value of an option declared by [`crate::declare::integer`].
pub fn integer(name: &str) -> i64 {
    match get(name) {
        Some(Value::Integer(value)) => value,
        _ => 0,
    }
}

/// The value of an option declared by [`crate::declare::text`], [`crate::declare::choice`] or [`crate::declare::output`].
pub fn text(name: &str) -> String {
    match get(name) {
        Some(Value::Text(value)) => value,
        _ => String::new(),
    }
}

/// The value of an option declared by [`crate::declare::texts`] or [`crate::declare::files`].
pub fn texts(name: &str) -> Vec<String> {
    match get(name) {
        Some(Value::Texts(value)) => value,
        _ => Vec::new(),
    }
}
