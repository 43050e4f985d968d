//! An item as JSON of a bounded size; entries of HAR files are without what recorders add of their own.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, value::RawValue};

/// Which keys of an item are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    All,
    /// Of those that start with `_`, which are the recorder's own, only those that are known.
    Known,
}

/// Parses an item. Its values are counted, because a number of one byte takes dozens of them in memory.
pub(super) fn parse(text: &str, keys: Keys) -> serde_json::Result<Value> {
    let left = Cell::new(VALUE_LIMIT);
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Pruned { left: &left, keys }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Pruned<'c> {
    /// How many values may follow.
    left: &'c Cell<usize>,
    keys: Keys,
}

impl<'de> DeserializeSeed<'de> for Pruned<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| Error::custom(format!("it has more than {VALUE_LIMIT} values")))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pruned<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = match key.as_str() {
                _ if self.keys == Keys::All => map.next_value_seed(self)?,
                "_error"
                | "_failureText"
                | "_file"
                | "_encoding"
                | "_body"
                | "_base64"
                | "_id"
                | "_proxyhost"
                | "_content"
                | "_postData"
                | "_isBinary"
                | "_truncated"
                | "_requestBodyStatus"
                | "_responseBodyStatus" => map.next_value_seed(self)?,
                // There may be more of them than values are counted here, so they stay JSON.
                "_webSocketMessages" => match map.next_value::<Box<RawValue>>()?.get() {
                    "null" => Value::Null,
                    json => Value::from(json),
                },
                _ if key.starts_with('_') => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => map.next_value_seed(self)?,
            };
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Some times what the heads and the form of any browser have.
const VALUE_LIMIT: usize = 256 * 1024;
