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

    fn changed(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.shared.changed.clone())
    }
}

impl From<Value> for declared::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Flag(value) => Self::Flag(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Text(value) => Self::Text(value),
            Value::Texts(values) => Self::Texts(values),
        }
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
