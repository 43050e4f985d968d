//! The document around the items: `{"log": {"entries": […]}}`, `{"Requests": {host: {URL: […]}}}`, `{"mappings": […]}` or a
//! single stub, with anything else in it.

use std::{fmt, io};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::{Value, error::Category, value::RawValue};

use super::documents::Loading;
use crate::{
    document::{Source, reason},
    reading::Format,
};

/// Why a document is not read to its end.
pub(super) enum Trouble {
    /// It is JSON, but of another kind; with what was found.
    OtherJson(String),
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

/// What an item is, by its place in the document.
#[derive(Clone)]
pub(super) enum Item {
    /// An entry of a HAR file.
    Entry,
    /// A request in a Web Page Replay archive, and the URL that it is listed under.
    Archived { url: String },
    /// A WireMock stub.
    Stub,
}

/// Hands the items of the document to `loading`, one after the other.
pub(super) fn read(source: Source<'_>, loading: &mut Loading<'_>) -> Result<(), Trouble> {
    let mut json = serde_json::Deserializer::from_reader(source);
    let mut found = Found::default();
    let walk = Level { place: Place::Document, loading: &mut *loading, found: &mut found };
    let walked = walk.deserialize(&mut json).and_then(|()| json.end());
    match walked {
        Ok(()) if found.items => Ok(()),
        Ok(()) => match found.single_stub() {
            Some(stub) => {
                loading.begin(Format::WireMock);
                loading.item(&Item::Stub, stub);
                Ok(())
            }
            None => Err(Trouble::OtherJson(found.instead())),
        },
        Err(error) => Err(match error.classify() {
            Category::Io => io::Error::from(error).into(),
            Category::Data if loading.items == loading.items_before => {
                Trouble::OtherJson(reason(&error).replacen("invalid type: ", "found ", 1))
            }
            _ => Trouble::Broken(reason(&error)),
        }),
    }
}

/// What there is in a document that may turn out to be of no known kind.
#[derive(Default)]
struct Found {
    log: bool,
    items: bool,
    keys: Vec<String>,
    /// The values of a stub, if the document is one.
    stub: Vec<(String, Box<RawValue>)>,
}

impl Found {
    fn begin(&mut self, loading: &mut Loading<'_>, format: Format) {
        self.items = true;
        loading.begin(format);
    }

    fn single_stub(&mut self) -> Option<Box<RawValue>> {
        let has = |wanted: &str| self.stub.iter().any(|(key, _)| key == wanted);
        if self.log || !has("request") || !has("response") {
            return None;
        }
        let members = self.stub.drain(..).map(|(key, value)| format!("{}:{value}", Value::from(key)));
        let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        RawValue::from_string(text).ok()
    }

    fn instead(&self) -> String {
        let (place, wanted) = if self.log {
            ("its `log`", "no `entries`")
        } else {
            ("it", "none of `log`, `Requests`, `mappings` and `request` with `response`")
        };
        match self.keys.as_slice() {
            [] => format!("{place} is empty"),
            keys => format!("{place} has {wanted}, but `{}`", keys.join("`, `")),
        }
    }

    fn key(&mut self, key: &str) {
        if self.keys.len() < KEYS_SHOWN {
            self.keys.push(key.chars().take(KEY_SHOWN).flat_map(char::escape_debug).collect());
        }
    }
}

#[derive(Clone)]
enum Place {
    Document,
    Log,
    /// The hosts of a Web Page Replay archive.
    Hosts,
    /// The URLs of one host.
    Urls,
    Items(Item),
}

/// One of the levels down to the items.
struct Level<'w, 'p> {
    place: Place,
    loading: &'w mut Loading<'p>,
    found: &'w mut Found,
}

impl Level<'_, '_> {
    fn document<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let place = match key.as_str() {
                "log" => {
                    self.found.log = true;
                    self.found.keys.clear();
                    Place::Log
                }
                "Requests" => Place::Hosts,
                "mappings" => Place::Items(Item::Stub),
                "DeterministicTimeSeedMs" => {
                    let milliseconds = map.next_value::<Value>()?.as_f64().filter(|seed| *seed > 0.0);
                    self.loading.recorded_at = milliseconds.map(|milliseconds| milliseconds / 1000.0);
                    continue;
                }
                _ if !self.found.log && !self.found.items && STUB_KEYS.contains(&key.as_str()) => {
                    self.found.key(&key);
                    self.found.stub.retain(|(found, _)| *found != key);
                    self.found.stub.push((key, map.next_value()?));
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    if !self.found.log {
                        self.found.key(&key);
                    }
                    continue;
                }
            };
            map.next_value_seed(Level { place, loading: &mut *self.loading, found: &mut *self.found })?;
        }
        Ok(())
    }

    fn log<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "entries" {
                let place = Place::Items(Item::Entry);
                map.next_value_seed(Level { place, loading: &mut *self.loading, found: &mut *self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
                self.found.key(&key);
            }
        }
        Ok(())
    }
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
            Place::Document => "an object",
            Place::Log => "an object as `log`",
            Place::Hosts => "an object as `Requests`",
            Place::Urls => "an object for each host in `Requests`",
            Place::Items(Item::Entry) => "a list as `log.entries`",
            Place::Items(Item::Archived { .. }) => "a list for each URL in `Requests`",
            Place::Items(Item::Stub) => "a list as `mappings`",
        })
    }

    /// Go writes null for what is empty.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.place {
            Place::Hosts => {
                self.found.begin(self.loading, Format::WebPageReplay);
                Ok(())
            }
            Place::Urls | Place::Items(Item::Archived { .. }) => Ok(()),
            _ => Err(Error::invalid_type(Unexpected::Unit, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match self.place {
            Place::Document => self.document(map),
            Place::Log => self.log(map),
            Place::Hosts => {
                self.found.begin(self.loading, Format::WebPageReplay);
                while map.next_key::<IgnoredAny>()?.is_some() {
                    let place = Place::Urls;
                    map.next_value_seed(Level { place, loading: &mut *self.loading, found: &mut *self.found })?;
                }
                Ok(())
            }
            Place::Urls => {
                while let Some(url) = map.next_key::<String>()? {
                    let place = Place::Items(Item::Archived { url });
                    map.next_value_seed(Level { place, loading: &mut *self.loading, found: &mut *self.found })?;
                }
                Ok(())
            }
            Place::Items(_) => Err(Error::invalid_type(Unexpected::Map, &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Place::Items(item) = &self.place else {
            return Err(Error::invalid_type(Unexpected::Seq, &self));
        };
        match item {
            Item::Entry => self.found.begin(self.loading, Format::Har),
            Item::Stub => self.found.begin(self.loading, Format::WireMock),
            // They are begun by host.
            Item::Archived { .. } => {}
        }
        loop {
            match list.next_element::<Box<RawValue>>() {
                Ok(Some(text)) => self.loading.item(item, text),
                Ok(None) => return Ok(()),
                // Said of a whole value, after it was read to its end.
                Err(error) if error.to_string().starts_with("invalid unicode code point") => self.loading.no_text(),
                Err(error) => return Err(error),
            }
        }
    }
}

/// What matters of a stub that is a document of its own.
const STUB_KEYS: [&str; 9] = [
    "request",
    "response",
    "id",
    "uuid",
    "name",
    "priority",
    "scenarioName",
    "requiredScenarioState",
    "newScenarioState",
];
const KEYS_SHOWN: usize = 5;
/// How much of a key is shown.
const KEY_SHOWN: usize = 60;
