//! Times and sizes for people.

/// The time of day in UTC, such as `23:59:59`.
pub(super) fn time_of_day(seconds: f64) -> String {
    // What is no moment is the first one.
    let second = seconds as u64 % (24 * 60 * 60);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// A span of time, such as `1.2 ms`.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        ..0.00995 => format!("{:.1} ms", seconds * 1000.0),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_have_the_unit_that_fits() {
        assert_eq!(
            [0.0, 0.0004, 0.0124, 0.9994, 1.0, 99.96].map(duration),
            ["0.0 ms", "0.4 ms", "12 ms", "999 ms", "1.0 s", "100 s"]
        );
        assert_eq!([0, 999, 1000, 999_950].map(size), ["0 B", "999 B", "1.0 kB", "1.0 MB"]);
        assert_eq!([1_700_000_000.25, -1.0, f64::NAN].map(time_of_day), ["22:13:20", "00:00:00", "00:00:00"]);
    }
}
