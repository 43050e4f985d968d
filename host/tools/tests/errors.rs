//! What errors say to people: each level once, and the cause at the end.

use std::{error::Error, io};

use recording::RecordingError;
use tools::FlowsError;

/// Checks what whoever prints an error and its causes makes of it.
fn assert_said_once(error: &dyn Error, expected: &str) {
    let levels: Vec<String> = oneline::levels(error).collect();
    for (depth, level) in levels.iter().enumerate() {
        let repeated = levels.iter().skip(depth + 1).find(|below| level.contains(below.as_str()));
        assert_eq!(repeated, None, "`{level}` says it as well");
    }
    assert_eq!(oneline::chain(error), expected);
}

#[test]
fn a_command_that_cannot_do_its_work() {
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let path = || "a.mitm".into();
    let unread = RecordingError::Open { path: path(), source: denied() };
    let filter =
        flowfilter::ParseError { expression: "~q ~".to_owned(), character: 4, what: "a name is missing".to_owned() };
    let cases: [(FlowsError, &str); 4] = [
        (unread.into(), "cannot open recording `a.mitm`: permission denied"),
        (filter.into(), "cannot read filter `~q ~`: at character 4, a name is missing"),
        (FlowsError::Write { path: path(), source: denied() }, "cannot write `a.mitm`: permission denied"),
        (FlowsError::Output(denied()), "cannot write to standard output: permission denied"),
    ];
    for (error, expected) in cases {
        assert_said_once(&error, expected);
    }
}
