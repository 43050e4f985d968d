//! The component: the dates of the host's response, and the option.

use std::sync::OnceLock;

use proxyhost_sdk::{
    Declaration, Refresher, Response,
    declare::{self, Declared},
    options,
};

use crate::{Date, refresh_value};

struct DefaultRefresher;

impl Declaration for DefaultRefresher {
    fn declare() -> Declared {
        declare::component(
            "moves dates and the expiry of cookies by the time since the recording",
            vec![
                declare::choice(
                    FROM,
                    &["recording", "date"],
                    "recording",
                    "Since when the time is counted: when the recording says that a response came (recording), or its Date, \
                     where the recorder's clock was wrong (date)",
                )
                .taking("server-replay-refresh-from"),
            ],
        )
    }
}

const FROM: &str = "server_replay_refresh_from";

/// The time from which dates are moved: the `Date` of the response where that is asked for and there is one.
fn since(response: &Response, recorded_at: f64) -> f64 {
    // Options do not change while an instance lives.
    static BY_DATE: OnceLock<bool> = OnceLock::new();
    if !BY_DATE.get_or_init(|| options::text(FROM) == "date") {
        return recorded_at;
    }
    let dates = response.field_lines("date");
    dates.first().and_then(|date| Date::parse(date)).map_or(recorded_at, Date::seconds)
}

/// The fields that may hold dates.
const FIELDS: [&str; 4] = ["date", "expires", "last-modified", "set-cookie"];

impl Refresher for DefaultRefresher {
    fn refresh(response: &Response, recorded_at: f64, now: f64) {
        let passed = now - since(response, recorded_at);
        for name in FIELDS {
            let mut lines = response.field_lines(name);
            let mut changed = false;
            for line in &mut lines {
                if let Some(value) = refresh_value(name, line, passed) {
                    *line = value;
                    changed = true;
                }
            }
            // The host refuses none of these fields, and a date is a valid value.
            if changed && response.set_field_lines(name, &lines).is_err() {
                debug_assert!(false, "refused {name}");
            }
        }
    }
}

proxyhost_sdk::export!(DefaultRefresher: declaration, refresher);
