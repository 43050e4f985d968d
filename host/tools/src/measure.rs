//! Times and sizes for people.

use jiff::Timestamp;

/// A point in time in UTC, such as `2026-01-31 23:59:59.123`; `-` if it was not recorded.
pub(super) fn moment(seconds: f64) -> String {
    let moment = (seconds > 0.0).then(|| Timestamp::from_millisecond((seconds * 1000.0).round() as i64));
    let Some(Ok(moment)) = moment else { return "-".to_owned() };
    moment.strftime("%F %T.%3f").to_string()
}

/// A span of time, such as `12 ms`.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        ..0.9995 => format!("{:.0} ms", seconds * 1000.0),
        ..99.95 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// A number of bytes, such as `1.5 kB`.
pub(super) fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        // What would be rounded to a thousand is one of the next unit.
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = larger;
    }
    format!("{size:.1} {unit}")
}

/// `1 flow`, or `2 flows`.
pub(super) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(1_700_000_000.25), "2023-11-14 22:13:20.250");
        assert_eq!(moment(0.0), "-");
        assert_eq!(moment(f64::MAX), "-");
    }

    #[test]
    fn measures_have_the_unit_that_fits() {
        assert_eq!(
            [0.0, 0.0124, 0.9994, 1.0, 12.34, 99.96].map(duration),
            ["0 ms", "12 ms", "999 ms", "1.0 s", "12.3 s", "100 s"]
        );
        let sizes = [0, 999, 1000, 1_550, 999_949, 999_950, 1_343_075_780].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.6 kB", "999.9 kB", "1.0 MB", "1.3 GB"]);
        assert_eq!(count(1, "flow"), "1 flow");
        assert_eq!(count(0, "flow"), "0 flows");
    }
}
