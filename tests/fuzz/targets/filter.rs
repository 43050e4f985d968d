//! Filters that are parsed and asked about small flows.

#![no_main]

use std::borrow::Cow;

use flowfilter::{Filter, Message, Side, Subject, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(expression) = str::from_utf8(bytes) else { return };
    let filter = match Filter::parse(expression) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for is_websocket in [false, true] {
        let asked = Flow { is_answered: false, has_bodies: true, is_websocket };
        let answered = Flow { is_answered: true, ..asked };
        let answer = filter.matches(&answered);
        if !filter.asks_for_bodies() {
            assert_eq!(filter.matches(&Flow { has_bodies: false, ..answered }), answer);
        }
        if !filter.needs_response() {
            assert_eq!(filter.matches(&asked), answer);
        }
        // What is nested too deep is refused.
        if let Ok(inverse) = Filter::parse(&format!("!({expression})")) {
            assert_eq!(inverse.matches(&answered), !answer);
        }
        if let Ok(same) = Filter::parse(&format!(" ( {expression} ) ")) {
            assert_eq!(same.matches(&answered), answer);
        }
    }
});

#[derive(Clone, Copy)]
struct Flow {
    is_answered: bool,
    has_bodies: bool,
    is_websocket: bool,
}

impl Subject for Flow {
    fn method(&self) -> Cow<'_, [u8]> {
        b"POST".into()
    }

    fn target(&self) -> Option<Target<'_>> {
        Some(Target {
            scheme: b"https".into(),
            host: b"192.0.2.1".into(),
            port: 8443,
            authority: b"".into(),
            path: b"/login?caf\xc3\xa9=\xff".into(),
            prefers_authority: false,
        })
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        match side {
            Side::Request => {
                see(b"Host", b"a.example:8443");
                see(b"content-type", b"application/json");
            }
            Side::Response if self.is_answered => see(b"Content-Type", b"image/png"),
            Side::Response => {}
        }
    }

    fn status(&self) -> Option<u16> {
        self.is_answered.then_some(200)
    }

    fn content(&self, side: Side) -> Option<Cow<'_, [u8]>> {
        let is_there = self.has_bodies && (side == Side::Request || self.is_answered);
        is_there.then(|| Cow::Borrowed(&b"{\"a\": \"line\nline\"}\xff"[..]))
    }

    fn messages(&self, see: &mut dyn FnMut(Message<'_>) -> bool) {
        if self.has_bodies && self.is_websocket && self.is_answered {
            let _ = see(Message { side: Side::Request, content: b"hi" })
                || see(Message { side: Side::Response, content: b"" });
        }
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn is_websocket(&self) -> bool {
        self.is_websocket
    }

    fn source(&self) -> Option<Cow<'_, str>> {
        Some("127.0.0.1:5000".into())
    }

    fn destination(&self) -> Option<Cow<'_, str>> {
        self.is_answered.then(|| "192.0.2.1:8443".into())
    }
}
