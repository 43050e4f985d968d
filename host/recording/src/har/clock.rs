//! Dates as HAR files have them, which is ISO 8601.

use std::borrow::Cow;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The seconds since the epoch of a date such as `2023-03-29T16:58:59.303-07:00`. One without a zone is taken for UTC.
pub(super) fn seconds(date: &str) -> Option<f64> {
    let date = &*with_usual_fraction(date.trim());
    let parsed = date.parse::<Timestamp>().ok().or_else(|| {
        let civil = date.parse::<DateTime>().ok().filter(|_| date.contains(':'))?;
        Some(civil.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
    })?;
    // `jiff` takes a leap second for the one before it.
    let leap = if date.get(16..19) == Some(":60") { 1.0 } else { 0.0 };
    Some(parsed.as_second() as f64 + f64::from(parsed.subsec_nanosecond()) / 1e9 + leap)
}

/// The date with one to nine digits of a fraction, or without it: `jiff` takes no others, and recorders write them.
fn with_usual_fraction(date: &str) -> Cow<'_, str> {
    let Some((before, after)) = date.split_once(['.', ',']) else { return date.into() };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = after.split_at(digits);
    match fraction {
        "" => format!("{before}{zone}").into(),
        _ => format!("{before}.{}{zone}", fraction.get(..9).unwrap_or(fraction)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn dates_are_read_with_zone_and_fraction() {
        for (date, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2024-01-01T00:00:00.000Z", 1_704_067_200.0),
            ("2024-02-29T23:59:60Z", 1_709_251_200.0),
            ("2023-03-29T16:58:59.303-07:00", 1_680_134_339.303),
            ("2023-12-12T16:23:16.067544+00:00", 1_702_398_196.067_544),
            ("2023-12-12t18:23:16,5+0200", 1_702_398_196.5),
            ("2023-12-12 16:23:16", 1_702_398_196.0),
            ("2023-12-12T16:23+00", 1_702_398_180.0),
            (" 2000-03-01T00:00:00.z ", 951_868_800.0),
            ("2000-03-01T00:00:00.5000000000001Z", 951_868_800.5),
        ] {
            assert_eq!(seconds(date), Some(expected), "{date}");
        }
    }

    #[test]
    fn what_is_no_date_has_no_time() {
        for text in [
            "",
            "x",
            "2024",
            "2024-13-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:00 PST",
            "2024-01-01T00:00:00+1",
            "2024-01-01T00:00:00é",
            "Mon, 01 Jan 2024 00:00:00 GMT",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
