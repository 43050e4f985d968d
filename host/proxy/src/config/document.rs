//! TOML with places: every value that is taken from a table is checked, and what is left over is an error.
//!
//! It does not go through serde. Of an error, `toml`'s deserialiser keeps the place and a finished text, such as
//! ``invalid type: integer `8080`, expected a string`` or ``unknown field `lisen`, expected one of …``: what the key
//! takes, the range of a number and the nearest known key would have to be read out of that text again. Where a string
//! alone is a list of one, the places of the items are lost (serde buffers what is `untagged`). And options of addons
//! have no types before the addons are loaded. A deserialiser of our own, with an error that keeps these things apart, and
//! a visitor for each kind of value would say the same as this module in more code than it has.

use std::{fmt, ops::RangeInclusive};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{ConfigError, suggest::nearest, values::Given};

/// The text of a configuration file.
pub(super) struct Source<'a> {
    /// The file as the operator knows it.
    name: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text: text.strip_prefix('\u{feff}').unwrap_or(text) }
    }

    /// The whole file as one section.
    pub(super) fn parse(&'a self) -> Result<Section<'a>, ConfigError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let reason = ConfigError::new(format_args!("this is not TOML: {}", error.message()));
            reason.at(self.place(error.span().unwrap_or_default().start))
        })?;
        Ok(Section { source: self, title: "", table: table.into_inner(), known: Vec::new() })
    }

    fn place(&self, offset: usize) -> Place {
        let before: String =
            self.text.char_indices().take_while(|(at, _)| *at < offset).map(|(_, char)| char).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|char| *char != '\n').count() + 1;
        Place(format!("{}:{line}:{column}", self.name))
    }

    fn locate<T>(&self, span: Spanned<T>) -> Located<T> {
        let place = self.place(span.span().start);
        Located { value: span.into_inner(), place }
    }
}

/// File, line and column, each from 1; columns count characters.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A value and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// An option's name and what it is set to.
pub(super) type Entry = (Located<String>, Located<Given>);

/// A table of the file. Take the keys it may have, then [`Section::end`] it.
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    /// How messages call it; empty for the file itself.
    title: &'static str,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Refuses the keys that were not taken.
    pub(super) fn end(self) -> Result<(), ConfigError> {
        let unknown = self.table.into_iter().map(|(key, _)| key).min_by_key(|key| key.span().start);
        let Some(key) = unknown else { return Ok(()) };
        let key = self.source.locate(key);
        let within = if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
        let error = ConfigError::new(format_args!("unknown key `{}`{within}", key.value)).at(key.place);
        Err(match nearest(&key.value, self.known.iter().copied()) {
            Some(near) => error.did_you_mean(Some(near)),
            None => error.hint(format_args!("known keys are {}", self.known.join(", "))),
        })
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, ConfigError> {
        self.take(key)
            .map(|found| match found.value {
                DeValue::Boolean(value) => Ok(value),
                other => Err(mismatch(key, "true or false", &other).at(found.place)),
            })
            .transpose()
    }

    /// A whole number within a range.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Result<Option<u32>, ConfigError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(given) = found.value else {
            return Err(mismatch(key, &expected, &found.value).at(found.place));
        };
        let number = u32::from_str_radix(given.as_str(), given.radix()).ok().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or_else(|| ConfigError::new(format_args!("`{key}` is {expected}, not {given}")).at(found.place))
    }

    pub(super) fn string(&mut self, key: &'static str) -> Result<Option<Located<String>>, ConfigError> {
        self.take(key)
            .map(|found| match found.value {
                DeValue::String(text) => Ok(Located { value: text.into_owned(), place: found.place }),
                other => Err(mismatch(key, "a string in quotes", &other).at(found.place)),
            })
            .transpose()
    }

    /// A list of strings; a string alone is a list of one.
    pub(super) fn strings(&mut self, key: &'static str) -> Result<Option<Vec<Located<String>>>, ConfigError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let items = match found.value {
            DeValue::Array(items) => items.into_iter().map(|item| self.source.locate(item)).collect(),
            DeValue::String(_) => vec![found],
            other => return Err(mismatch(key, "a list of strings", &other).at(found.place)),
        };
        let item = |item: Located<DeValue<'_>>| match item.value {
            DeValue::String(text) => Ok(Located { value: text.into_owned(), place: item.place }),
            other => {
                Err(ConfigError::new(format_args!("each item of `{key}` is a string in quotes, not {}", kind(&other)))
                    .at(item.place))
            }
        };
        items.into_iter().map(item).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn table(&mut self, key: &'static str, title: &'static str) -> Result<Option<Self>, ConfigError> {
        Ok(self.located_table(key, title)?.map(|found| found.value))
    }

    /// A table with its place.
    pub(super) fn located_table(
        &mut self,
        key: &'static str,
        title: &'static str,
    ) -> Result<Option<Located<Self>>, ConfigError> {
        let Some(Located { value, place }) = self.take(key) else { return Ok(None) };
        match value {
            DeValue::Table(table) => {
                let section = Self { source: self.source, title, table, known: Vec::new() };
                Ok(Some(Located { value: section, place }))
            }
            other => Err(mismatch(key, "a table", &other).at(place)),
        }
    }

    /// A list of tables, each with its place.
    pub(super) fn tables(&mut self, key: &'static str, title: &'static str) -> Result<Vec<Located<Self>>, ConfigError> {
        let Some(found) = self.take(key) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = found.value else {
            let error = mismatch(key, "a list of tables", &found.value).at(found.place);
            return Err(error.hint(format_args!("begin each with the line `[[{key}]]`")));
        };
        let section = |item: Spanned<DeValue<'a>>| {
            let Located { value, place } = self.source.locate(item);
            match value {
                DeValue::Table(table) => {
                    let section = Self { source: self.source, title, table, known: Vec::new() };
                    Ok(Located { value: section, place })
                }
                other => Err(mismatch(key, "a list of tables", &other).at(place)),
            }
        };
        items.into_iter().map(section).collect()
    }

    /// All that is left, in the file's order: keys, and what they are set to.
    pub(super) fn given(self) -> Result<Vec<Entry>, ConfigError> {
        let mut entries: Vec<_> = self.table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value)| {
            let Located::<DeString<'_>> { value: name, place } = self.source.locate(key);
            let given = given(&name, self.source.locate(value))?;
            Ok((Located { value: name.into_owned(), place }, given))
        };
        entries.into_iter().map(entry).collect()
    }

    fn take(&mut self, key: &'static str) -> Option<Located<DeValue<'a>>> {
        self.known.push(key);
        self.table.remove(key).map(|value| self.source.locate(value))
    }
}

/// An option's value, which is checked when its type is known.
fn given(name: &str, found: Located<DeValue<'_>>) -> Result<Located<Given>, ConfigError> {
    let value = match &found.value {
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| scalar(item.get_ref())).collect::<Result<_, _>>();
            texts.map(Given::Many)
        }
        value => scalar(value).map(Given::One),
    };
    match value {
        Ok(value) => Ok(Located { value, place: found.place }),
        Err(reason) => Err(ConfigError::new(format_args!("cannot set option `{name}`: {reason}")).at(found.place)),
    }
}

/// A value as it would be written on the command line.
fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err(format!("the number {number} is too large")),
        },
        DeValue::Table(_) | DeValue::Array(_) => Err(format!("{} cannot be a value here", kind(value))),
        DeValue::Float(_) | DeValue::Datetime(_) => {
            Err(format!("{} cannot be a value; put it in quotes if it is meant as text", kind(value)))
        }
    }
}

fn mismatch(key: &str, expected: &str, found: &DeValue<'_>) -> ConfigError {
    ConfigError::new(format_args!("`{key}` is {expected}, not {}", kind(found)))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
