//! Points in time as field values write them.

use std::fmt;

use time::{Month, OffsetDateTime};

/// A second of the years 100 to 9999: what is written with less digits is read as a year of our time.
///
/// It is written as HTTP wants it: `Tue, 14 Nov 2023 22:13:20 GMT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(OffsetDateTime);

impl Date {
    /// Reads a date in any of the ways that Python's `email.utils.parsedate_tz` accepts; nothing for other texts.
    ///
    /// Those are the three formats of HTTP, the ways mail and scripts write dates, and much that lies between. Unlike
    /// there, a day or time that does not exist is refused; a leap second is the second after it.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        Written::parse(&text)?.date()
    }

    /// The date this many seconds later; nothing when that is no second of the years 100 to 9999.
    ///
    /// Calculated as Python does it, in microseconds: half of one rounds to even, and the fraction is dropped then.
    pub fn moved(self, delta: f64) -> Option<Self> {
        let seconds = self.0.unix_timestamp() as f64 + delta;
        if !seconds.is_finite() {
            return None;
        }
        let microseconds = (seconds.fract() * 1e6).round_ties_even();
        // What is too large for an integer becomes the largest one, which is no date either.
        Self::of_timestamp((seconds.trunc() + (microseconds / 1e6).floor()) as i64)
    }

    /// The seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> f64 {
        self.0.unix_timestamp() as f64
    }

    fn of_timestamp(seconds: i64) -> Option<Self> {
        let date = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        (100..=9999).contains(&date.year()).then_some(Self(date))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let day = DAYS[usize::from(self.0.weekday().number_days_from_monday())];
        let month = MONTHS[usize::from(u8::from(self.0.month()) - 1)];
        let (hour, minute, second) = self.0.to_hms();
        write!(
            formatter,
            "{day}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} GMT",
            self.0.day(),
            self.0.year()
        )
    }
}

/// The words of a date, by what they stand for.
struct Written<'a> {
    day: &'a str,
    month: Month,
    year: &'a str,
    time: &'a str,
    zone: &'a str,
}

impl<'a> Written<'a> {
    /// Sorts the words of a text, in the steps in which Python does it.
    fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = words.next()?;
        // The space after the comma behind the weekday may be missing.
        let first = match first.rsplit_once(',') {
            Some((_, "")) => None,
            Some((_, rest)) => Some(rest),
            None => Some(first).filter(|word| !is_weekday(word)),
        };
        let words: Vec<&str> = first.into_iter().chain(words).collect();
        let (mut day, mut month, mut year, mut time, mut zone) = match *words.as_slice() {
            [date, time, zone] => {
                let [day, month, year] = split(date, '-')?;
                (day, month, year, time, zone)
            }
            [day, month, year, time] => {
                let (time, zone) = split_zone(time);
                (day, month, year, time, zone)
            }
            [day, month, year, time, zone, ..] => (day, month, year, time, zone),
            _ => return None,
        };
        if month_of(month).is_none() {
            (day, month) = (month, day);
        }
        if year.find(':').is_some_and(|at| at > 0) {
            (year, time) = (time, year);
        }
        year = without_comma(year);
        if !year.chars().next()?.is_ascii_digit() {
            (year, zone) = (zone, year);
        }
        Some(Self { day: without_comma(day), month: month_of(month)?, year, time: without_comma(time), zone })
    }

    fn date(&self) -> Option<Date> {
        let (hour, minute, second) = clock(self.time)?;
        let year = match number(self.year)? {
            year @ 69..100 => year + 1900,
            year @ ..69 => year + 2000,
            year => year,
        };
        let day = u8::try_from(number(self.day)?).ok()?;
        let date = time::Date::from_calendar_date(i32::try_from(year).ok()?, self.month, day);
        let seconds = (hour * 60 + minute) * 60 + second - zone_offset(self.zone);
        Date::of_timestamp(date.ok()?.midnight().assume_utc().unix_timestamp() + seconds)
    }
}

fn split(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut pieces = text.split(separator);
    let three = [pieces.next()?, pieces.next()?, pieces.next()?];
    pieces.next().is_none().then_some(three)
}

/// Splits a numeric zone from the time it is attached to.
fn split_zone(time: &str) -> (&str, &str) {
    match time.find('+').or_else(|| time.find('-')) {
        Some(at) if at > 0 => time.split_at(at),
        _ => (time, ""),
    }
}

fn without_comma(word: &str) -> &str {
    word.strip_suffix(',').unwrap_or(word)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    DAYS.iter().any(|day| word.eq_ignore_ascii_case(day))
}

/// The month of a name, short or in full.
fn month_of(word: &str) -> Option<Month> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let is_named = |name: &&str| {
        let short = name.get(..3).unwrap_or(name);
        word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(short)
    };
    let place = NAMES.iter().position(is_named)?;
    Month::try_from(u8::try_from(place + 1).ok()?).ok()
}

/// Hour, minute and second of a time that exists, separated by colons or points; a leap second is 60.
fn clock(text: &str) -> Option<(i64, i64, i64)> {
    let separator = if text.contains(':') { ':' } else { '.' };
    let mut pieces = text.split(separator);
    let hour = number(pieces.next()?)?;
    let minute = number(pieces.next()?)?;
    let second = pieces.next().map_or(Some(0), number)?;
    let exists = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    (exists && pieces.next().is_none()).then_some((hour, minute, second))
}

/// How many seconds a zone is ahead of UTC; none for a zone that is not known, as RFC 2822 advises.
fn zone_offset(word: &str) -> i64 {
    let hours_and_minutes = match word.to_ascii_uppercase().as_str() {
        "EDT" | "AST" => -400,
        "ADT" => -300,
        "EST" | "CDT" => -500,
        "CST" | "MDT" => -600,
        "MST" | "PDT" => -700,
        "PST" => -800,
        // `UT`, `UTC`, `GMT` and `Z` are no numbers either.
        other => number(other).unwrap_or(0),
    };
    hours_and_minutes / 100 * 3600 + hours_and_minutes % 100 * 60
}

/// A number as Python's `int` reads it: with a sign, and underscores between digits. A very large one comes out smaller.
fn number(text: &str) -> Option<i64> {
    /// Too large for any part of a date, and small enough to calculate with.
    const LARGE: i64 = 1_000_000_000;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = 0;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for digit in group.chars() {
            number = (number * 10 + i64::from(digit.to_digit(10)?)).min(LARGE);
        }
    }
    Some(sign * number)
}
