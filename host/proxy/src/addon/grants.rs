//! Which files an addon may use.

use std::collections::BTreeSet;

use super::options::{Kind, Value};

/// The files that the user gave an addon, by setting its options of the kinds `files` and `output`.
///
/// Made once, from what the user set: a default that names a file, a text that happens to be a path, and the options of
/// other addons give no right to anything. Files are compared as they are written in the option's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    read: BTreeSet<String>,
    write: BTreeSet<String>,
    may_replace: bool,
}

impl Grants {
    /// Adds what the user set an option of this kind to.
    pub fn add(&mut self, kind: &Kind, value: &Value) {
        match (kind, value) {
            (Kind::Files, Value::Texts(files)) => self.read.extend(files.iter().cloned()),
            (Kind::Output, Value::Text(file)) if !file.is_empty() => drop(self.write.insert(file.clone())),
            _ => {}
        }
    }

    /// Says whether a file that is there already may be replaced.
    pub fn allow_replacing(&mut self, may_replace: bool) {
        self.may_replace = may_replace;
    }

    /// Whether a file that is there already may be replaced, of those that may be written from their start.
    pub fn may_replace(&self) -> bool {
        self.may_replace
    }

    /// Whether the addon may read a file.
    pub fn may_read(&self, file: &str) -> bool {
        self.read.contains(file)
    }

    /// Whether the addon may write to any file.
    pub fn may_write_any(&self) -> bool {
        !self.write.is_empty()
    }

    /// Whether the addon may write to a file: with `+` before it to its end only, and without it from its start.
    pub fn may_write(&self, file: &str) -> bool {
        self.write.contains(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn reading_and_writing_are_apart() {
        let mut grants = Grants::default();
        grants.add(&Kind::Files, &Value::Texts(vec!["/a".to_owned(), "/b".to_owned()]));
        grants.add(&Kind::Output, &text("/c"));
        assert!(grants.may_read("/a") && grants.may_read("/b") && grants.may_write("/c"));
        assert!(!grants.may_write("/a") && !grants.may_read("/c"));
    }

    #[test]
    fn a_file_to_append_to_may_not_be_emptied_and_one_to_empty_not_appended_to() {
        let mut grants = Grants::default();
        grants.add(&Kind::Output, &text("+/a"));
        grants.add(&Kind::Output, &text("/b"));
        assert!(grants.may_write("+/a") && grants.may_write("/b"));
        assert!(!grants.may_write("/a") && !grants.may_write("+/b"));
    }

    #[test]
    fn texts_of_other_kinds_name_no_files() {
        let mut grants = Grants::default();
        grants.add(&Kind::Text, &text("/a"));
        grants.add(&Kind::Choice(vec!["/a".to_owned()]), &text("/a"));
        grants.add(&Kind::Texts, &Value::Texts(vec!["/a".to_owned()]));
        grants.add(&Kind::Output, &text(""));
        assert_eq!(grants, Grants::default());
    }
}
