//! What components learn of their options.

use super::{
    bindings::proxyhost::addon::options::{self, Value},
    options as declared,
    state::State,
};

impl options::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<Value>> {
        Ok(self.shared.options.get(&name).cloned().map(Value::from))
    }
}

impl From<declared::Value> for Value {
    fn from(value: declared::Value) -> Self {
        match value {
            declared::Value::Flag(value) => Self::Flag(value),
            declared::Value::Integer(value) => Self::Integer(value),
            declared::Value::Text(value) => Self::Text(value),
            declared::Value::Texts(values) => Self::Texts(values),
        }
    }
}
