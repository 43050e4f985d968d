use proptest::prelude::*;

use super::{Expression, parse};

/// The shape of an expression, with `url` for a pattern of a URL.
fn shape(expression: &Expression) -> String {
    let list = |items: &[Expression]| items.iter().map(shape).collect::<Vec<_>>().join(" ");
    match expression {
        Expression::All(items) => format!("(and {})", list(items)),
        Expression::Any(items) => format!("(or {})", list(items)),
        Expression::Not(item) => format!("(not {})", shape(item)),
        Expression::Is(question) => format!("{question:?}"),
        Expression::Has(place, _) => format!("{place:?}"),
        Expression::Status(status) => format!("{status:?}"),
    }
}

#[test]
fn operators_bind_as_in_mitmproxy() {
    for (expression, expected) in [
        ("a | b c", "(and (or Url Url) Url)"),
        ("a b | c", "(and Url (or Url Url))"),
        ("~m GET | a & ~q", "(or Method (and Url Unanswered))"),
        ("!a & b", "(and (not Url) Url)"),
        ("!!a", "(not (not Url))"),
        ("!(a & b) | c", "(or (not (and Url Url)) Url)"),
        ("a|b", "Url"),
        ("a |b|c", "(or Url Url)"),
        ("~u foo(bar|baz)", "(and Url Url)"),
        ("'a''b'", "(and Url Url)"),
        ("~u !x", "Url"),
        ("~u &x", "Url"),
        ("~c 200&~q", "(and Some(200) Unanswered)"),
        ("~c 99999999999", "None"),
        ("a\u{a0}b", "Url"),
        ("\t( ~all )\r\n", "All"),
    ] {
        assert_eq!(shape(&parse(expression).unwrap()), expected, "{expression}");
    }
}

#[test]
fn more_is_taken_where_nothing_else_can_be_meant() {
    for (expression, expected) in [
        ("(~q)", "Unanswered"),
        ("~q&~s", "(and Unanswered Answered)"),
        ("(~q ~s)", "(and Unanswered Answered)"),
        ("~u'a'", "Url"),
    ] {
        assert_eq!(shape(&parse(expression).unwrap()), expected, "{expression}");
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    for (expression, character, what) in [
        ("", 1, "an operator or a pattern is missing"),
        ("~q & ", 6, "an operator or a pattern is missing"),
        ("a & & b", 5, "an operator or a pattern is missing before `&`; quote it to look for it"),
        ("|a", 1, "an operator or a pattern is missing before `|`; quote it to look for it"),
        ("()", 2, "an operator or a pattern is missing before `)`"),
        ("é (a", 3, "there is a `(` without its `)`"),
        ("a)", 2, "there is a `)` without its `(`"),
        ("~u", 3, "a pattern for `~u` is missing; quote one that starts with `(` or `~`"),
        ("~u ~q", 4, "a pattern for `~u` is missing; quote one that starts with `(` or `~`"),
        ("~u 'a", 4, "there is a `'` without the one that closes it"),
        ("~c x", 4, "`~c` needs a status code such as `404`"),
        ("~c 20x", 6, "`~c` needs a status code such as `404`"),
        ("~d [", 4, "`[` is no pattern: a `[` is without its `]`"),
        ("~d '(a'", 4, "`(a` is no pattern: unclosed group"),
        ("a '(?!b)'", 3, "`(?!b)` is no pattern: look-around is not supported, because it can take forever"),
        ("~b '\\\\w{900}{900}'", 4, "`\\w{900}{900}` is no pattern: `{900}` repeats what is repeated already"),
        ("~u '(\\\\w{900}){900}'", 4, "`(\\w{900}){900}` is no pattern: it is too large once it is compiled"),
    ] {
        let error = parse(expression).unwrap_err();
        assert_eq!((error.character, error.what.as_str()), (character, what), "{expression}");
    }
    let error = parse("~q ~x").unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot read filter `~q ~x`: at character 4, `~x` is no operator; known are ~a ~all ~b ~bq ~bs ~c ~comment ~d ~dns \
         ~dst ~e ~h ~hq ~hs ~http ~m ~marked ~marker ~meta ~q ~replay ~replayq ~replays ~s ~src ~t ~tcp ~tq ~ts ~u ~udp \
         ~websocket"
    );
}

#[test]
fn depth_is_limited() {
    assert!(parse(&format!("{}a{}", "(".repeat(64), ")".repeat(64))).is_ok());
    for deep in ["(".repeat(100_000), "!".repeat(100_000)] {
        let error = parse(&deep).unwrap_err();
        assert_eq!(
            (error.character, error.what.as_str()),
            (65, "there are more than 64 `(` and `!` within each other")
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused_within_itself(text in r#"[ ~abhqcsu!&|()'"\\0-9é\[\n]{0,40}"#) {
        if let Err(error) = parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.character));
        }
    }
}
