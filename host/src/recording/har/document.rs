//! The document around the entries: `{"log": {"entries": […]}}` with anything else in it.

use std::fmt;
use std::io;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::Loading;
use super::source::Source;

/// Why a document is not read to its end.
pub(super) enum Trouble {
    /// It is JSON, but of another kind; with what was found.
    NotHar(String),
    /// It is damaged; with the reason.
    Broken(String),
    /// The system failed to read it.
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(_) => Self::Io(error),
            None => Self::Broken(format!("it cannot be unpacked: {error}")),
        }
    }
}

/// Hands the entries of the document to `loading`, one after the other.
pub(super) fn read(source: Source<'_>, loading: &mut Loading<'_>) -> Result<(), Trouble> {
    let mut json = serde_json::Deserializer::from_reader(source);
    let mut found = Found { log: false, entries: false, keys: Vec::new() };
    let walk = Level { place: Place::Document, loading: &mut *loading, found: &mut found };
    match walk.deserialize(&mut json).and_then(|()| json.end()) {
        Ok(()) if found.entries => Ok(()),
        Ok(()) => Err(Trouble::NotHar(found.instead())),
        Err(error) => Err(match error.classify() {
            Category::Io => io::Error::from(error).into(),
            Category::Data if loading.entries == 0 => {
                Trouble::NotHar(reason(&error).replacen("invalid type: ", "found ", 1))
            }
            _ => Trouble::Broken(reason(&error)),
        }),
    }
}

/// What a parser says, without the line, which the text of many files has only one of.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].chars().take(REASON_LIMIT).collect()
}

/// What there is in a document that turns out to be no HAR file.
struct Found {
    log: bool,
    entries: bool,
    keys: Vec<String>,
}

impl Found {
    fn instead(&self) -> String {
        let (place, key) = match self.log {
            true => ("its `log`", "entries"),
            false => ("it", "log"),
        };
        match self.keys.as_slice() {
            [] => format!("{place} is empty"),
            keys => format!("{place} has no `{key}`, but `{}`", keys.join("`, `")),
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    Document,
    Log,
    Entries,
}

/// One of the three levels down to the entries.
struct Level<'w, 'p> {
    place: Place,
    loading: &'w mut Loading<'p>,
    found: &'w mut Found,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.place {
            Place::Document => "an object with `log.entries`",
            Place::Log => "an object as `log`",
            Place::Entries => "a list as `log.entries`",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (wanted, inner) = match self.place {
            Place::Document => ("log", Place::Log),
            Place::Log => ("entries", Place::Entries),
            Place::Entries => {
                return Err(serde::de::Error::invalid_type(serde::de::Unexpected::Map, &self));
            }
        };
        if wanted == "entries" {
            self.found.log = true;
            self.found.keys.clear();
        }
        while let Some(key) = map.next_key::<String>()? {
            if key == wanted {
                let level = Level { place: inner, loading: &mut *self.loading, found: &mut *self.found };
                map.next_value_seed(level)?;
            } else {
                map.next_value::<IgnoredAny>()?;
                if self.found.log == (wanted == "entries") && self.found.keys.len() < KEYS_SHOWN {
                    self.found.keys.push(key.chars().take(REASON_LIMIT).collect());
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !matches!(self.place, Place::Entries) {
            return Err(serde::de::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        self.found.entries = true;
        self.loading.begin();
        loop {
            match list.next_element::<Box<RawValue>>() {
                Ok(Some(entry)) => self.loading.entry(entry),
                Ok(None) => return Ok(()),
                // Said of a whole value, after it was read to its end.
                Err(error) if error.to_string().starts_with("invalid unicode code point") => self.loading.no_text(),
                Err(error) => return Err(error),
            }
        }
    }
}

/// How much of a text from the file a message repeats.
const REASON_LIMIT: usize = 200;
const KEYS_SHOWN: usize = 5;
