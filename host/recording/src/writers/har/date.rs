//! Dates as HAR files have them, which is ISO 8601.

use time::OffsetDateTime;

/// A date with milliseconds in UTC, such as `2023-11-14T22:13:20.250Z`. `seconds` count from the epoch.
pub(super) fn iso(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0).round() as i64;
    let date = OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        milliseconds.rem_euclid(1000)
    )
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn a_date_has_milliseconds_and_no_zone() {
        assert_eq!(iso(0.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_700_000_000.25), "2023-11-14T22:13:20.250Z");
        assert_eq!(iso(1_709_251_199.999_6), "2024-03-01T00:00:00.000Z");
        assert_eq!(iso(f64::NAN), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(f64::INFINITY), "1970-01-01T00:00:00.807Z");
    }
}
