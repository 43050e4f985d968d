//! What holds for all values.

use std::time::{Duration, SystemTime};

use cookie::Cookie;
use proptest::prelude::*;
use refresher::{Date, refresh_fields, refresh_value};

/// The seconds from 1970 to 9999.
const SECONDS: std::ops::Range<u64> = 0..253_402_300_800;

fn http_date(seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn seconds(text: &str) -> u64 {
    let date = httpdate::parse_http_date(text).expect("a date");
    date.duration_since(SystemTime::UNIX_EPOCH).expect("a date after 1970").as_secs()
}

/// Texts made of what the rules look for.
fn text() -> impl Strategy<Value = String> {
    const PIECES: [&str; 20] = [
        "Tue", ",", " ", "14", "-", "Nov", "2023", "23", "22:13", ":20", ".", "+", "0100", "GMT", ";", "=", "expires",
        "\"", "9999", "_",
    ];
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..16).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["Date", "Expires", "Last-Modified", "Set-Cookie", "Age"][..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_panics_on_arbitrary_bytes(name in name(), value in prop::collection::vec(any::<u8>(), 0..80), delta in any::<f64>()) {
        refresh_value(name, &value, delta);
    }

    #[test]
    fn what_comes_out_is_a_date_again(name in name(), value in text(), delta in -1e10..1e10) {
        if let Some(refreshed) = refresh_value(name, value.as_bytes(), delta) {
            prop_assert_eq!(refresh_value(name, &refreshed, 0.0), None);
            if name != "Set-Cookie" {
                prop_assert!(Date::parse(&refreshed).is_some());
            }
        }
    }

    #[test]
    fn written_dates_are_those_of_http(from in SECONDS, to in SECONDS) {
        let refreshed = refresh_value("Expires", http_date(from).as_bytes(), to as f64 - from as f64);
        let expected = (from != to).then(|| http_date(to).into_bytes());
        prop_assert_eq!(refreshed, expected);
    }

    #[test]
    fn moving_back_undoes_moving(seconds in SECONDS, delta in -100_000_000_000..100_000_000_000i64) {
        let date = Date::parse(http_date(seconds).as_bytes()).unwrap();
        if let Some(moved) = date.moved(delta as f64) {
            prop_assert_eq!(moved.moved(-delta as f64), Some(date));
        }
    }

    #[test]
    fn fractions_are_rounded_down(from in SECONDS, quarters in -4_000_000..4_000_000i64) {
        let moved = Date::parse(http_date(from).as_bytes()).unwrap().moved(quarters as f64 / 4.0);
        if let Ok(expected) = u64::try_from(from as i64 + quarters.div_euclid(4)) && SECONDS.contains(&expected) {
            prop_assert_eq!(moved.map(|date| date.to_string()), Some(http_date(expected)));
        }
    }

    #[test]
    fn cookies_stay_the_same_beside_the_date(
        head in "[!-:<-~]{1,8}=[ -:<-~]{0,20}",
        attributes in prop::collection::vec("; ?(Path=/[a-z ,]{0,5}|Domain=[a-z]{1,5}|Secure|HttpOnly|Max-Age=[0-9]{1,5}|[a-z]{0,3})", 0..4),
        place in 0..5usize,
        from in 0..200_000_000_000u64,
        delta in 1..50_000_000_000u64,
    ) {
        let place = place.min(attributes.len());
        let (before, after) = attributes.split_at(place);
        let cookie = |seconds| format!("{head}{}; Expires={}{}", before.concat(), http_date(seconds), after.concat());
        let refreshed = refresh_value("Set-Cookie", cookie(from).as_bytes(), delta as f64).unwrap();
        let refreshed = String::from_utf8(refreshed).unwrap();
        prop_assert_eq!(&refreshed, &cookie(from + delta));

        let old = cookie(from);
        let (Ok(old), Ok(new)) = (Cookie::parse(&old), Cookie::parse(&refreshed)) else {
            return Ok(());
        };
        prop_assert_eq!(old.name_value(), new.name_value());
        prop_assert_eq!((old.path(), old.domain(), old.max_age()), (new.path(), new.domain(), new.max_age()));
        prop_assert_eq!((old.secure(), old.http_only()), (new.secure(), new.http_only()));
        let expires = new.expires_datetime().map(|date| date.unix_timestamp());
        prop_assert_eq!(expires, Some((from + delta) as i64));
    }

    #[test]
    fn lines_change_one_by_one(values in prop::collection::vec((name(), text()), 0..6), from in SECONDS, delta in 1..1000u64) {
        let mut fields: Vec<(&str, String)> = values;
        fields.push(("DATE", http_date(from)));
        let edits = refresh_fields(&fields, delta as f64);
        for (line, (name, value)) in fields.iter().enumerate() {
            let edit = edits.iter().find(|edit| edit.line == line).map(|edit| edit.value.clone());
            prop_assert_eq!(edit, refresh_value(name, value.as_bytes(), delta as f64));
        }
        if from + delta < SECONDS.end {
            let last = edits.last().map(|edit| String::from_utf8_lossy(&edit.value).into_owned());
            prop_assert_eq!(last.map(|text| seconds(&text)), Some(from + delta));
        }
    }
}
