use super::*;

fn opaque(list: &str) -> Vec<(bool, &str)> {
    let text = |bytes| str::from_utf8(bytes).expect("it is text");
    tags(list.as_bytes()).map(|tag| (tag.is_weak, text(tag.opaque))).collect()
}

#[test]
fn lists_of_tags_are_read_as_servers_and_clients_write_them() {
    assert_eq!(opaque(r#""a", W/"b,c" ,,"d""#), [(false, "\"a\""), (true, "\"b,c\""), (false, "\"d\"")]);
    assert_eq!(opaque("abc, def "), [(false, "abc"), (false, "def")]);
    assert_eq!(opaque("\"open"), [(false, "\"open")]);
    assert_eq!(opaque(" , "), []);
    assert_eq!(opaque("W/"), [(true, "")]);
}

const OLD: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
const NEW: &str = "Wednesday, 15-Nov-23 22:13:20 GMT";

/// The verdict on the fields of a request, for a content with this tag that was last modified at the older date.
fn verdict(fields: &[(&str, &str)], tag: Option<&str>) -> Verdict {
    let field =
        |name: &str| fields.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_bytes().to_vec());
    let conditions = Conditions {
        matches: field("match"),
        unmodified_since: field("unmodified"),
        none_match: field("none"),
        modified_since: field("modified"),
    };
    let validators = Validators { tag: tag.map(|tag| tag.into()), last_modified: Some(OLD.into()) };
    conditions.verdict(&validators, Since::Any)
}

#[test]
fn verdicts_are_those_of_the_specification() {
    use Verdict::{Answered, Failed, NotModified};
    let (strong, weak) = (Some("\"a\""), Some("W/\"a\""));
    for (fields, tag, expected) in [
        (&[][..], strong, Answered),
        (&[("none", "\"a\"")], strong, NotModified),
        (&[("none", "\"b\", W/\"a\"")], strong, NotModified),
        (&[("none", "\"a\"")], weak, NotModified),
        (&[("none", "*")], strong, NotModified),
        (&[("none", "*")], None, NotModified),
        (&[("none", "\"b\"")], strong, Answered),
        (&[("none", "\"a\"")], None, Answered),
        // A tag counts more than a date.
        (&[("none", "\"b\""), ("modified", NEW)], strong, Answered),
        (&[("modified", OLD)], strong, NotModified),
        (&[("modified", NEW)], strong, NotModified),
        (&[("modified", "Mon, 13 Nov 2023 22:13:20 GMT")], strong, Answered),
        (&[("modified", "yesterday")], strong, Answered),
        (&[("match", "\"a\"")], strong, Answered),
        (&[("match", "*")], strong, Answered),
        (&[("match", "\"b\"")], strong, Failed),
        (&[("match", "W/\"a\"")], weak, Failed),
        (&[("match", "\"b\"")], None, Answered),
        (&[("match", "\"a\""), ("none", "\"a\"")], strong, NotModified),
        (&[("match", "\"b\""), ("none", "\"a\"")], strong, Failed),
        (&[("unmodified", OLD)], strong, Answered),
        (&[("unmodified", "Mon, 13 Nov 2023 22:13:20 GMT")], strong, Failed),
    ] {
        assert_eq!(verdict(fields, tag), expected, "{fields:?} {tag:?}");
    }
}

#[test]
fn a_server_that_answered_a_later_date_is_only_known_by_its_own() {
    let conditions = |date: &str| Conditions { modified_since: Some(date.into()), ..Conditions::default() };
    let validators = Validators { tag: None, last_modified: Some(OLD.into()) };
    assert_eq!(conditions(NEW).verdict(&validators, Since::Recorded), Verdict::Answered);
    assert_eq!(conditions(OLD).verdict(&validators, Since::Recorded), Verdict::NotModified);
}

#[test]
fn a_range_is_only_of_the_content_that_it_names() {
    let validators = Validators { tag: Some("\"a\"".into()), last_modified: Some(OLD.into()) };
    for (validator, moved, expected) in [
        ("\"a\"", 0, true),
        ("W/\"a\"", 0, false),
        ("\"b\"", 0, false),
        (OLD, 0, true),
        (NEW, 0, false),
        (NEW, 86_400, true),
        ("Mon, 13 Nov 2023 22:13:20 GMT", 86_400, false),
    ] {
        assert_eq!(is_in_range(validator.as_bytes(), &validators, moved), expected, "{validator}");
    }
    assert!(!is_in_range(b"\"a\"", &Validators::default(), 0));
}
