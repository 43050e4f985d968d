//! Sizes and times, short.

/// Bytes, such as `47 B` or `1.2 kB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = UNITS.iter();
    let mut name = unit.next();
    while amount >= 999.5
        && let Some(larger) = unit.next()
    {
        amount /= 1000.0;
        name = Some(larger);
    }
    let name = name.copied().unwrap_or_default();
    if amount < 9.95 { format!("{amount:.1} {name}") } else { format!("{amount:.0} {name}") }
}

/// Seconds, such as `0.4 ms`, `12 ms`, `1.2 s` or `3 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let milliseconds = seconds * 1000.0;
    if milliseconds < 9.95 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 999.5 {
        format!("{milliseconds:.0} ms")
    } else if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 99.5 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

/// A time since 1970 as date and time of day, in UTC.
pub(crate) fn time(at: f64) -> String {
    let milliseconds = (at * 1000.0).round() as i64;
    let (days, of_day) = (milliseconds.div_euclid(86_400_000), milliseconds.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {} UTC", time_of_day(of_day))
}

/// A time since 1970 as the time of day, in UTC.
pub(crate) fn clock(at: f64) -> String {
    time_of_day(((at * 1000.0).round() as i64).rem_euclid(86_400_000))
}

fn time_of_day(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, milliseconds % 1000)
}

/// Days since 1970-01-01 as a date of the Gregorian calendar: years are counted from March, so that leap days end them.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_few_digits() {
        let sizes = [0, 999, 1000, 9949, 9950, 999_499, 999_500, 1_500_000, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "1.5 MB", "18446744 TB"]);
        let times = [0.0, 0.000_42, 0.0123, 0.9996, 12.0, 99.6, 3600.0].map(seconds);
        assert_eq!(times, ["0.0 ms", "0.4 ms", "12 ms", "1.0 s", "12 s", "2 min", "60 min"]);
    }

    #[test]
    fn times_are_dates() {
        assert_eq!(time(0.0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(time(951_782_400.0), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(time(1_767_225_599.999_4), "2025-12-31 23:59:59.999 UTC");
        assert_eq!(clock(86_399.5), "23:59:59.500");
    }
}
