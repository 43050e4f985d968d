//! A refresher that keeps replayed sessions alive: a cookie that would live shortly lives an hour, or as long as
//! `cookie_lifetime` says, so that a test that pauses in a debugger is not logged out.
//!
//! It imports what it exports, and so builds on the next refresher, which ships with the host: that one moves all dates
//! first. Cookies without an end and cookies that are being deleted stay as they are.
//!
//! ```sh
//! cargo build --release --target wasm32-wasip2 -p session-refresher
//! proxyhost -S examples/shop.mitm --plug target/wasm32-wasip2/release/session_refresher.wasm
//! ```

use cookie::{
    Cookie,
    time::{Duration, OffsetDateTime},
};
use proxyhost_sdk::{
    Declaration, Lifecycle, Readiness, Refresher, Response,
    declare::{self, Declared},
    log, next, options,
};

struct SessionRefresher;

impl Declaration for SessionRefresher {
    fn declare() -> Declared {
        declare::component(
            "moves dates like the shipped refresher, and lets cookies live for a while",
            vec![
                declare::integer("cookie_lifetime", 3600, "Let cookies with an end live at least for so many seconds")
                    .taking("cookie-lifetime"),
            ],
        )
    }
}

impl Lifecycle for SessionRefresher {
    fn configure() -> Result<Readiness, String> {
        match options::integer("cookie_lifetime") {
            0.. => Ok(Readiness::Active),
            negative => Err(format!("option `cookie_lifetime` is a number of seconds from 0, not {negative}")),
        }
    }
}

impl Refresher for SessionRefresher {
    fn refresh(response: &Response, recorded_at: f64, now: f64) {
        next::refresher::refresh(response, recorded_at, now);
        let least = options::integer("cookie_lifetime");
        let lines: Vec<Vec<u8>> = response.field_lines("set-cookie");
        let prolonged: Vec<Vec<u8>> =
            lines.iter().map(|line| prolong(line, now, least).unwrap_or_else(|| line.clone())).collect();
        if prolonged == lines {
            return;
        }
        if let Err(refused) = response.set_field_lines("set-cookie", &prolonged) {
            log::write(log::Level::Warn, &format!("cookies keep their lifetime: {refused}"));
        }
    }
}

proxyhost_sdk::export!(SessionRefresher: declaration, lifecycle, refresher);

/// A `Set-Cookie` value for a cookie that lives at least so many seconds from `now`; nothing when it does already, has
/// no end, or is being deleted.
///
/// What was recorded stays to the byte: of several `Max-Age` the last one counts, and it counts more than `Expires`
/// (RFC 6265, section 5.3).
pub fn prolong(line: &[u8], now: f64, least: i64) -> Option<Vec<u8>> {
    let cookie = Cookie::parse(std::str::from_utf8(line).ok()?).ok()?;
    let left = match cookie.max_age() {
        Some(left) => left,
        None => cookie.expires_datetime()? - OffsetDateTime::from_unix_timestamp(now as i64).ok()?,
    };
    if left <= Duration::ZERO || left >= Duration::seconds(least) {
        return None;
    }
    let separator = if line.trim_ascii_end().ends_with(b";") { " " } else { "; " };
    Some([line, format!("{separator}Max-Age={least}").as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tue, 14 Nov 2023 22:13:20 GMT
    const NOW: f64 = 1_700_000_000.0;

    fn prolonged(line: &str) -> Option<String> {
        prolong(line.as_bytes(), NOW, 3600).map(|line| String::from_utf8(line).expect("it was UTF-8"))
    }

    #[test]
    fn a_cookie_that_ends_soon_lives_an_hour() {
        let cases = [
            ("s=1; Max-Age=900; Path=/", "s=1; Max-Age=900; Path=/; Max-Age=3600"),
            ("s=1; max-age=1;", "s=1; max-age=1; Max-Age=3600"),
            (
                "s=1; Expires=Tue, 14 Nov 2023 22:23:20 GMT; X-Own",
                "s=1; Expires=Tue, 14 Nov 2023 22:23:20 GMT; X-Own; Max-Age=3600",
            ),
            // `Max-Age` counts more than `Expires`.
            (
                "s=1; Max-Age=60; Expires=Wed, 01 Jan 2098 00:00:00 GMT",
                "s=1; Max-Age=60; Expires=Wed, 01 Jan 2098 00:00:00 GMT; Max-Age=3600",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(prolonged(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_client_reads_the_new_lifetime() {
        let line = prolonged("s=1; Max-Age=900; Secure; Expires=Tue, 14 Nov 2023 22:23:20 GMT").expect("it ends soon");
        let cookie = Cookie::parse(line).expect("it is a cookie");
        assert_eq!(cookie.max_age(), Some(Duration::HOUR));
        assert_eq!(cookie.secure(), Some(true));
    }

    #[test]
    fn every_other_cookie_stays() {
        for line in [
            "s=1",
            "s=1; Path=/; Secure",
            "s=1; Max-Age=3600",
            "s=1; Max-Age=86400",
            "s=; Max-Age=0",
            "s=; Max-Age=-1",
            "s=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "s=1; Expires=Wed, 01 Jan 2098 00:00:00 GMT",
            "s=1; Expires=soon",
            "s=1; Max-Age=soon",
            "",
            "no cookie",
        ] {
            assert_eq!(prolonged(line), None, "{line}");
        }
        assert_eq!(prolong(b"s=\xff; Max-Age=900", NOW, 3600), None);
    }

    #[test]
    fn a_lifetime_of_zero_leaves_all_cookies_alone() {
        assert_eq!(prolong(b"s=1; Max-Age=900", NOW, 0), None);
    }
}
