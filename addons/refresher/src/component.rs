//! The component: the dates of the host's response.

use proxyhost_sdk::{
    Declaration, Refresher, Response,
    declare::{self, Declared},
};

use crate::refresh_value;

struct DefaultRefresher;

impl Declaration for DefaultRefresher {
    fn declare() -> Declared {
        declare::component("moves dates and the expiry of cookies by the time since the recording", Vec::new())
    }
}

/// The fields that may hold dates.
const FIELDS: [&str; 4] = ["date", "expires", "last-modified", "set-cookie"];

impl Refresher for DefaultRefresher {
    fn refresh(response: &Response, recorded_at: f64, now: f64) {
        for name in FIELDS {
            let mut lines = response.field_lines(name);
            let mut changed = false;
            for line in &mut lines {
                if let Some(value) = refresh_value(name, line, now - recorded_at) {
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
