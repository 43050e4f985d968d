//! What errors say to people: each level once, and the cause at the end.

use std::{error::Error, io};

use recording::{RecorderError, RecordingError};

/// Checks what whoever prints an error and its causes makes of it.
fn assert_said_once(error: &dyn Error, expected: &str) {
    let levels: Vec<String> = oneline::levels(error).collect();
    for (depth, level) in levels.iter().enumerate() {
        let repeated = levels.iter().skip(depth + 1).find(|below| level.contains(below.as_str()));
        assert_eq!(repeated, None, "`{level}` says it as well");
    }
    assert_eq!(oneline::chain(error), expected);
}

fn denied() -> io::Error {
    io::ErrorKind::PermissionDenied.into()
}

#[test]
fn a_recording_that_cannot_be_read() {
    let path = || "a.mitm".into();
    let error = RecordingError::Open { path: path(), source: denied() };
    assert_said_once(&error, "cannot open recording `a.mitm`: permission denied");
    let error = RecordingError::Read { path: path(), offset: 7, source: denied() };
    assert_said_once(&error, "cannot read recording `a.mitm` at byte 7: permission denied");
}

#[test]
fn a_target_that_cannot_be_recorded_to() {
    let path = || "a.mitm".into();
    let unread = RecordingError::Read { path: path(), offset: 7, source: denied() };
    let cases = [
        (
            RecorderError::Har { path: path(), source: denied().into() },
            "cannot append to `a.mitm`: it cannot be read and written",
        ),
        (RecorderError::Folder { folder: "b".into(), source: denied() }, "cannot create folder `b` for the recording"),
        (RecorderError::Open { path: path(), source: denied() }, "cannot open recording `a.mitm` for writing"),
        (
            RecorderError::Lock { path: path(), source: denied() },
            "cannot lock recording `a.mitm`: take a file on a disk that has locks",
        ),
        (
            RecorderError::Read { path: path(), source: unread },
            "cannot append to `a.mitm`: cannot read recording `a.mitm` at byte 7",
        ),
        (
            RecorderError::Cut { path: path(), offset: 7, source: denied() },
            "cannot cut recording `a.mitm` off at byte 7",
        ),
        (RecorderError::Thread { source: denied() }, "cannot start a thread for the recorder"),
    ];
    for (error, expected) in cases {
        assert_said_once(&error, &format!("{expected}: permission denied"));
    }
}
