//! Lists of names and patterns.

use memchr::memmem::Finder;

/// Names of parameters, form fields or cookies, compared exactly after decoding.
///
/// A name that begins with `glob:` is a pattern: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, Default)]
pub struct NameList {
    names: Vec<Box<[u8]>>,
    globs: Vec<Glob>,
}

impl NameList {
    /// A list of these names and patterns.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut list = Self::default();
        for name in names {
            list.add(name.as_ref());
        }
        list
    }

    /// Lists another name or pattern.
    pub fn add(&mut self, name: &str) {
        match name.strip_prefix("glob:") {
            Some(glob) => self.globs.push(Glob::new(glob)),
            None => self.names.push(name.as_bytes().into()),
        }
    }

    /// Whether the list names nothing.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.globs.is_empty()
    }

    /// Whether the list names this one.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.iter().any(|listed| **listed == *name) || self.globs.iter().any(|glob| glob.matches(name))
    }
}

/// A pattern, prepared for names of any length.
#[derive(Clone, Debug)]
enum Glob {
    /// The texts before the first star, between stars, and behind the last one: each is looked for once, behind the one
    /// before it.
    Texts { start: Box<[u8]>, between: Vec<Finder<'static>>, end: Option<Box<[u8]>> },
    /// With signs that stand for one character.
    Characters(Box<[u8]>),
}

impl Glob {
    fn new(pattern: &str) -> Self {
        if pattern.contains('?') {
            return Self::Characters(pattern.as_bytes().into());
        }
        let (start, rest) = pattern.split_once('*').map_or((pattern, None), |(start, rest)| (start, Some(rest)));
        let (between, end) = match rest.map(|rest| rest.rsplit_once('*').unwrap_or(("", rest))) {
            Some((between, end)) => (between, Some(end.as_bytes().into())),
            None => ("", None),
        };
        let between = between.split('*').filter(|text| !text.is_empty());
        let between = between.map(|text| Finder::new(text).into_owned()).collect();
        Self::Texts { start: start.as_bytes().into(), between, end }
    }

    fn matches(&self, name: &[u8]) -> bool {
        let (start, between, end) = match self {
            Self::Texts { start, between, end } => (start, between, end),
            Self::Characters(pattern) => return matches(pattern, name),
        };
        let Some(end) = end else {
            return **start == *name;
        };
        let within = name.strip_prefix(&**start).and_then(|rest| rest.strip_suffix(&**end));
        let left = between.iter().try_fold(within, |left, text| {
            let left = left?;
            Some(left.get(text.find(left)? + text.needle().len()..))
        });
        left.flatten().is_some()
    }
}

fn matches(mut pattern: &[u8], mut name: &[u8]) -> bool {
    // What follows the last star, and the part of the name it was tried on. An earlier star need not be tried again:
    // whatever it could take, the last one can take as well.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', after)), _) => {
                star = Some((after, name));
                pattern = after;
            }
            (Some((b'?', after)), Some((_, rest))) => {
                pattern = after;
                name = without_continuation(rest);
            }
            (Some((wanted, after)), Some((found, rest))) if wanted == found => {
                pattern = after;
                name = rest;
            }
            (None, None) => return true,
            _ => match star {
                Some((after, [_, rest @ ..])) => {
                    star = Some((after, rest));
                    pattern = after;
                    name = rest;
                }
                _ => return false,
            },
        }
    }
}

/// Drops what is left of a UTF-8 character whose first byte was taken.
fn without_continuation(mut name: &[u8]) -> &[u8] {
    while let [0x80..=0xbf, rest @ ..] = name {
        name = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Glob, NameList, matches};

    fn contains(listed: &str, name: &str) -> bool {
        NameList::new([listed]).contains(name.as_bytes())
    }

    #[test]
    fn names_are_exact() {
        assert!(contains("t", "t"));
        assert!(!contains("t", "T"));
        assert!(!contains("utm_*", "utm_source"));
        assert!(contains("utm_*", "utm_*"));
    }

    #[test]
    fn globs_match_whole_names() {
        for (glob, name) in [
            ("glob:utm_*", "utm_source"),
            ("glob:utm_*", "utm_"),
            ("glob:*", ""),
            ("glob:", ""),
            ("glob:*id*", "session_id_2"),
            ("glob:a*b*c", "axxbyybzc"),
            ("glob:a**c", "ac"),
            ("glob:?", "é"),
            ("glob:x?z", "xyz"),
        ] {
            assert!(contains(glob, name), "{glob} {name}");
        }
        for (glob, name) in [
            ("glob:utm_*", "UTM_source"),
            ("glob:utm_*", "xutm_source"),
            ("glob:", "a"),
            ("glob:a*b", "abc"),
            ("glob:?", ""),
            ("glob:??", "é"),
        ] {
            assert!(!contains(glob, name), "{glob} {name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn texts_are_found_as_characters_are(pattern in "[ab*é]{0,6}", name in "[abé]{0,8}") {
            let glob = Glob::new(&pattern);
            prop_assert_eq!(glob.matches(name.as_bytes()), matches(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
