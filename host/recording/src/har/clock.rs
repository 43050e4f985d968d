//! Dates as HAR files have them, which is ISO 8601.

/// The seconds since the epoch of a date such as `2023-03-29T16:58:59.303-07:00`. One without a zone is taken for UTC.
pub(super) fn seconds(date: &str) -> Option<f64> {
    let mut left = date.trim().as_bytes();
    let year = digits(&mut left, 4)?;
    skip(&mut left, b"-")?;
    let month = digits(&mut left, 2).filter(|month| (1..=12).contains(month))?;
    skip(&mut left, b"-")?;
    let day = digits(&mut left, 2).filter(|day| (1..=31).contains(day))?;
    skip(&mut left, b"Tt ")?;
    let hour = digits(&mut left, 2).filter(|hour| *hour < 24)?;
    skip(&mut left, b":")?;
    let minute = digits(&mut left, 2).filter(|minute| *minute < 60)?;
    let mut second = 0.0;
    if skip(&mut left, b":").is_some() {
        // There are leap seconds.
        second = digits(&mut left, 2).filter(|second| *second <= 60)? as f64 + fraction(&mut left);
    }
    let east = zone(left)?;
    Some((days(year, month, day) * 86_400 + hour * 3600 + (minute - east) * 60) as f64 + second)
}

fn digits(left: &mut &[u8], count: usize) -> Option<i64> {
    let (digits, rest) = left.split_at_checked(count)?;
    *left = rest;
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

fn skip(left: &mut &[u8], any_of: &[u8]) -> Option<()> {
    let (first, rest) = left.split_first()?;
    any_of.contains(first).then(|| *left = rest)
}

fn fraction(left: &mut &[u8]) -> f64 {
    if skip(left, b".,").is_none() {
        return 0.0;
    }
    let len = left.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = left.split_at(len);
    *left = rest;
    let text = format!("0.{}", String::from_utf8_lossy(digits));
    text.parse().unwrap_or_default()
}

/// The minutes that a zone is east of UTC.
fn zone(mut left: &[u8]) -> Option<i64> {
    let sign = match left {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    left = &left[1..];
    let hours = digits(&mut left, 2)?;
    skip(&mut left, b":");
    let minutes = if left.is_empty() { 0 } else { digits(&mut left, 2)? };
    left.is_empty().then_some(sign * (hours * 60 + minutes))
}

/// The days from the epoch to a date in the Gregorian calendar. A year starts in March here, so that a leap day ends it.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
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
