use std::borrow::Cow;

use super::Filter;
use crate::subject::{Side, Subject, Target};

/// A request to `http://a.example/`, which nobody has answered, and whose body must not be asked for.
struct Sent;

impl Subject for Sent {
    fn method(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"GET")
    }

    fn target(&self) -> Option<Target<'_>> {
        Some(Target {
            scheme: Cow::Borrowed(b"http"),
            host: Cow::Borrowed(b"a.example"),
            port: 80,
            authority: Cow::Borrowed(b""),
            path: Cow::Borrowed(b"/"),
            prefers_authority: false,
        })
    }

    fn fields(&self, side: Side, see: &mut dyn FnMut(&[u8], &[u8])) {
        assert_eq!(side, Side::Request, "there is no response");
        see(b"Accept", b"*/*");
    }

    fn status(&self) -> Option<u16> {
        None
    }

    fn content(&self, _side: Side) -> Option<Cow<'_, [u8]>> {
        panic!("nobody asks for bodies");
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn is_websocket(&self) -> bool {
        false
    }
}

fn matches(expression: &str) -> bool {
    Filter::parse(expression).unwrap().matches(&Sent)
}

#[test]
fn bodies_are_left_alone_where_the_answer_is_known() {
    assert!(matches("~m get & ~h accept & ~d a.example"));
    assert!(matches("~q | ~b x"));
    assert!(!matches("~s & ~b x"));
    assert!(!matches("~c 200"));
    assert!(!matches("~hs ."));
}

#[test]
fn a_filter_knows_what_it_needs() {
    for (expression, asks_for_bodies, needs_response) in [
        ("a", false, false),
        ("~m POST & !~d a | ~hq b", false, false),
        ("~all ~http ~tq json ~src 127", false, false),
        ("~bq a", true, true),
        ("a & (b | !~b c)", true, true),
        ("~bs a", true, true),
        ("~c 200", false, true),
        ("~q", false, true),
        ("!~s", false, true),
        ("~h a", false, true),
        ("~a", false, true),
        ("~e", false, true),
    ] {
        let filter: Filter = expression.parse().unwrap();
        assert_eq!(filter.asks_for_bodies(), asks_for_bodies, "{expression}");
        assert_eq!(filter.needs_response(), needs_response, "{expression}");
    }
}
