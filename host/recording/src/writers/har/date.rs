//! Dates as HAR files have them, which is ISO 8601.

use jiff::Timestamp;

/// A date with milliseconds in UTC, such as `2023-11-14T22:13:20.250Z`. `seconds` count from the epoch.
pub(super) fn iso(seconds: f64) -> String {
    let date = Timestamp::from_millisecond((seconds * 1000.0).round() as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{date:.3}")
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
        assert_eq!(iso(f64::INFINITY), "1970-01-01T00:00:00.000Z");
    }
}
