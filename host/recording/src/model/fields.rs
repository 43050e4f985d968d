//! The fields of a head, or of trailers.

use std::slice;

use bytes::Bytes;

/// Fields in their order, with the case of their names and their repetitions. Names are compared without regard to case.
///
/// Pseudo fields of HTTP/2 are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Bytes, Bytes)>);

impl Fields {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All lines, each a name and a value.
    pub fn iter(&self) -> slice::Iter<'_, (Bytes, Bytes)> {
        self.0.iter()
    }

    /// The value of the first line with a name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.lines(name).next()
    }

    /// The values of all lines with a name.
    pub fn lines<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f Bytes> {
        self.0.iter().filter(move |(found, _)| is_name(found, name)).map(|(_, value)| value)
    }

    /// The values of all lines with a name, as the one list that they are (RFC 9110, section 5.3); nothing if there is no
    /// such line.
    pub fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let values: Vec<&[u8]> = self.lines(name).map(AsRef::as_ref).collect();
        (!values.is_empty()).then(|| values.join(&b", "[..]))
    }

    /// Adds a line at the end.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// Removes all lines with a name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(found, _)| !is_name(found, name));
    }

    /// Removes the lines with a name whose value is not wanted.
    pub fn retain_lines(&mut self, name: &str, mut is_wanted: impl FnMut(&Bytes) -> bool) {
        self.0.retain(|(found, value)| !is_name(found, name) || is_wanted(value));
    }

    /// All lines, with values that may be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Bytes, &mut Bytes)> {
        self.0.iter_mut().map(|(name, value)| (&*name, value))
    }

    /// The values of all lines with a name, to be changed.
    pub fn lines_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Bytes> {
        self.0.iter_mut().filter(move |(found, _)| is_name(found, name)).map(|(_, value)| value)
    }
}

fn is_name(found: &[u8], name: &str) -> bool {
    found.eq_ignore_ascii_case(name.as_bytes())
}

impl FromIterator<(Bytes, Bytes)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(lines: I) -> Self {
        Self(lines.into_iter().collect())
    }
}

impl<N: Into<Bytes>, V: Into<Bytes>, const L: usize> From<[(N, V); L]> for Fields {
    fn from(lines: [(N, V); L]) -> Self {
        lines.map(|(name, value)| (name.into(), value.into())).into_iter().collect()
    }
}

impl Extend<(Bytes, Bytes)> for Fields {
    fn extend<I: IntoIterator<Item = (Bytes, Bytes)>>(&mut self, lines: I) {
        self.0.extend(lines);
    }
}

impl<'f> IntoIterator for &'f Fields {
    type Item = &'f (Bytes, Bytes);
    type IntoIter = slice::Iter<'f, (Bytes, Bytes)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for Fields {
    type Item = (Bytes, Bytes);
    type IntoIter = std::vec::IntoIter<(Bytes, Bytes)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        [("A", "1"), ("b", "2"), ("a", "")].into()
    }

    #[test]
    fn names_have_no_case() {
        let fields = fields();
        assert_eq!(fields.get("a").unwrap(), "1");
        assert_eq!(fields.lines("A").collect::<Vec<_>>(), ["1", ""]);
        assert_eq!(fields.joined("a").unwrap(), b"1, ");
        assert_eq!((fields.get("c"), fields.joined("c")), (None, None));
    }

    #[test]
    fn lines_are_changed_and_removed_by_name() {
        let mut changed = fields();
        changed.lines_mut("B").for_each(|value| *value = "3".into());
        changed.push("c", "4");
        changed.remove("A");
        assert_eq!(changed, [("b", "3"), ("c", "4")].into());
        let mut kept = fields();
        kept.retain_lines("a", |value| !value.is_empty());
        assert_eq!((kept.len(), kept.lines("a").count()), (2, 1));
    }
}
