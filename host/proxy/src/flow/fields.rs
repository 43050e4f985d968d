//! A message's header fields.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, Entry},
};

use crate::spelling::Spelling;

/// Fields that concern one connection and are not passed on (RFC 9110 §7.6.1), beside those that `Connection` names.
pub const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Header fields in the order they came, repeated ones as lines of their own, with the case of their names.
///
/// Lines of one name stand together: between fields of different names, order has no meaning (RFC 9110 §5.3).
#[derive(Clone, Debug, Default)]
pub struct Fields {
    map: HeaderMap,
    spelling: Spelling,
}

impl Fields {
    /// Fields as received.
    pub fn new(map: HeaderMap, spelling: Spelling) -> Self {
        Self { map, spelling }
    }

    /// The fields by name.
    pub fn map(&self) -> &HeaderMap {
        &self.map
    }

    /// Splits into what `hyper` writes.
    pub fn into_parts(self) -> (HeaderMap, Spelling) {
        (self.map, self.spelling)
    }

    /// All lines in order, with their names as they were written.
    pub fn lines(&self) -> impl Iterator<Item = (Bytes, &HeaderValue)> {
        self.spelling.names(&self.map).into_iter().zip(self.map.values())
    }

    /// The first line of a field.
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.map.get(name)
    }

    /// All values of a field joined by `, ` (RFC 9110 §5.3); `None` when it is absent.
    pub fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let mut lines = self.map.get_all(name).iter();
        let mut joined = lines.next()?.as_bytes().to_vec();
        for line in lines {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(line.as_bytes());
        }
        Some(joined)
    }

    /// Replaces all lines of a field by one, in place where there was one.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.map.insert(name, value);
    }

    /// Replaces the lines of a field one by one, in place.
    pub fn set_lines(&mut self, name: HeaderName, values: Vec<HeaderValue>) {
        if values.is_empty() {
            return self.remove(&name);
        }
        let mut values = values.into_iter();
        match self.map.entry(name) {
            Entry::Occupied(mut entry) => {
                // `insert` drops the further lines, so the order among names stays.
                if let Some(first) = values.next() {
                    entry.insert(first);
                }
                values.for_each(|value| entry.append(value));
            }
            Entry::Vacant(entry) => {
                if let Some(first) = values.next() {
                    let mut entry = entry.insert_entry(first);
                    values.for_each(|value| entry.append(value));
                }
            }
        }
    }

    /// Adds a line.
    pub fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.map.append(name, value);
    }

    /// Removes all lines of a field.
    pub fn remove(&mut self, name: &HeaderName) {
        if self.map.contains_key(name) {
            self.retain(|other| other != name);
        }
    }

    /// Removes the hop-by-hop fields and those that `Connection` names (RFC 9110 §7.6.1).
    pub fn remove_hop_by_hop(&mut self) {
        // Most messages have none, and to look them all up would take a while.
        if !self.map.keys().any(|name| HOP_BY_HOP.contains(name)) {
            return;
        }
        let nominated: Vec<HeaderName> = self
            .map
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            // A client must not be able to take these from the message by naming them.
            .filter(|name| ![header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE].contains(name))
            .collect();
        self.retain(|name| !HOP_BY_HOP.contains(name) && !nominated.contains(name));
    }

    /// Keeps the fields whose names are wanted. `HeaderMap::remove` would move the last field into the gap.
    fn retain(&mut self, wanted: impl Fn(&HeaderName) -> bool) {
        let mut kept = HeaderMap::with_capacity(self.map.len());
        let mut current = None;
        for (name, value) in self.map.drain() {
            if let Some(name) = name {
                current = wanted(&name).then_some(name);
            }
            if let Some(name) = &current {
                kept.append(name.clone(), value);
            }
        }
        self.map = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> Fields {
        let mut map = HeaderMap::new();
        for &(name, value) in lines {
            map.append(name, HeaderValue::from_static(value));
        }
        Fields::new(map, Spelling::default())
    }

    fn lines(fields: &Fields) -> Vec<(&str, &str)> {
        fields.map().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ascii"))).collect()
    }

    #[test]
    fn removing_a_field_keeps_the_order_of_the_others() {
        let mut fields = fields(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
        fields.remove(&HeaderName::from_static("b"));
        assert_eq!(lines(&fields), [("a", "1"), ("c", "3"), ("d", "4")]);
    }

    #[test]
    fn hop_by_hop_fields_and_those_that_connection_names_are_removed() {
        let mut fields = fields(&[
            ("connection", "X-One, keep-alive"),
            ("x-one", "1"),
            ("connection", " x-two ,close"),
            ("x-two", "2"),
            ("te", "trailers"),
            ("x-three", "3"),
        ]);
        fields.remove_hop_by_hop();
        assert_eq!(lines(&fields), [("x-three", "3")]);
    }

    #[test]
    fn connection_cannot_name_host_or_framing() {
        let mut fields = fields(&[("connection", "host, content-length"), ("host", "a"), ("content-length", "1")]);
        fields.remove_hop_by_hop();
        assert_eq!(lines(&fields), [("host", "a"), ("content-length", "1")]);
    }

    #[test]
    fn lines_are_replaced_in_place() {
        let mut fields = fields(&[("set-cookie", "a"), ("x", "1"), ("set-cookie", "b")]);
        let values = vec![HeaderValue::from_static("c"), HeaderValue::from_static("d")];
        fields.set_lines(header::SET_COOKIE, values);
        assert_eq!(lines(&fields), [("set-cookie", "c"), ("set-cookie", "d"), ("x", "1")]);
    }

    #[test]
    fn values_of_several_lines_are_joined() {
        assert_eq!(fields(&[("a", "1"), ("a", "2")]).joined("A"), Some(b"1, 2".to_vec()));
        assert_eq!(fields(&[]).joined("a"), None);
    }
}
