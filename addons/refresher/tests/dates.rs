//! The dates beyond those that the vectors show.

use refresher::{Date, refresh_value};

const TEN_DAYS: f64 = 864_000.0;

fn parsed(text: &str) -> Option<String> {
    Date::parse(text.as_bytes()).map(|date| date.to_string())
}

#[test]
fn dates_are_read_as_python_reads_them() {
    for text in [
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "\"Tue, 14 Nov 2023 22:13:20 GMT\"",
        "Tue,14 Nov 2023 22:13:20",
        "Sun, 14, november 2023, 22:13:20, GMT,",
        "nov 14 2023 22:13:20",
        "Tue Nov 14 17:13:20 EST 2023 x",
        "14-Nov-23 22.13.20 +0000",
        "14 Nov 2023 23:43:20+0130",
        "1_4 Nov 2_023 22:13:20 GMT",
        // The zone that a script attaches to `GMT` is overlooked.
        "Tue Nov 14 2023 22:13:20 GMT+0100 (CET)",
    ] {
        assert_eq!(parsed(text).as_deref(), Some("Tue, 14 Nov 2023 22:13:20 GMT"), "{text}");
    }
}

#[test]
fn a_date_is_a_time() {
    for (text, seconds) in [("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000.0), ("Wed, 31 Dec 1969 23:59:59 GMT", -1.0)]
    {
        assert_eq!(Date::parse(text.as_bytes()).map(Date::seconds), Some(seconds));
    }
}

#[test]
fn dates_that_do_not_exist_are_refused() {
    for text in [
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Thu, 31 Nov 2023 00:00:00 GMT",
        "Thu, 00 Nov 2023 00:00:00 GMT",
        "Thu, -1 Nov 2023 00:00:00 GMT",
        "Thu, 30 Nov 2023 24:00:00 GMT",
        "Thu, 30 Nov 2023 23:60:00 GMT",
        "Thu, 30 Nov 2023 23:59:61 GMT",
        "Thu, 30 Nov 10000 00:00:00 GMT",
        "Thu, 30 Nov 99999999999999999999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:60 GMT",
        "Fri, 31 Dec 9999 23:00:00 -0100",
        "2023-11-14T22:13:20Z",
        "Tue, 2023 Nov 14 22:13:20 GMT",
        "",
        " ",
        ",",
    ] {
        assert_eq!(parsed(text), None, "{text}");
    }
    assert_eq!(parsed("Thu, 29 Feb 2024 00:00:00 GMT").as_deref(), Some("Thu, 29 Feb 2024 00:00:00 GMT"));
}

#[test]
fn nothing_leaves_the_years_that_can_be_written() {
    let first = Date::parse(b"01 Jul 2000 00:00:00").unwrap();
    for delta in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1e12, 1e12] {
        assert_eq!(first.moved(delta), None, "{delta}");
    }
    let last = Date::parse(b"31 Dec 9999 23:59:59").unwrap();
    assert_eq!(last.moved(1.0), None);
    assert_eq!(last.moved(0.5), Some(last));
}

#[test]
fn bytes_that_are_not_utf8_only_spoil_their_own_word() {
    let value = b"Tue Nov 14 2023 22:13:20 GMT+0000 (Mitteleurop\xe4ische Zeit)";
    assert_eq!(refresh_value("Date", value, TEN_DAYS).as_deref(), Some(b"Fri, 24 Nov 2023 22:13:20 GMT".as_slice()));
}

#[test]
fn cookies_keep_every_byte_beside_the_date() {
    for (value, expected) in [
        ("a=b;expires=Tue, 14-Nov-23 23:13:20 GMT;path=/", Some("a=b;expires=@;path=/")),
        ("a=b; EXPIRES = Tuesday, 14-Nov-23 23:13:20 GMT ;", Some("a=b; EXPIRES = @ ;")),
        ("a=b; expires=\"Tue, 14 Nov 2023 23:13:20 GMT\"", Some("a=b; expires=\"@\"")),
        ("=; expires=Tue, 14 Nov 2023 23:13:20 GMT", Some("=; expires=@")),
        ("; expires=Tue, 14 Nov 2023 23:13:20 GMT", Some("; expires=@")),
        (
            "a=b; expires=0; expires=Tue, 14 Nov 2023 23:13:20 GMT; expires=14 Nov 23 23:13:20",
            Some("a=b; expires=0; expires=@; expires=@"),
        ),
        ("expires=Tue, 14 Nov 2023 23:13:20 GMT", None),
        ("expires=Tue, 14 Nov 2023 23:13:20 GMT; Path=/", None),
        ("a=b; expires", None),
        ("a=b; expires=", None),
        ("a=b; expires=0; Path=/", None),
        ("a=b; xexpires=Tue, 14 Nov 2023 23:13:20 GMT", None),
        ("a=b; expires=Tue, 14 Nov 2023 23:13:20 GMT, c=d; Path=/", None),
    ] {
        let found = refresh_value("set-cookie", value.as_bytes(), TEN_DAYS);
        let expected = expected.map(|value| value.replace('@', "Fri, 24 Nov 2023 23:13:20 GMT").into_bytes());
        assert_eq!(found, expected, "{value}");
    }
}
