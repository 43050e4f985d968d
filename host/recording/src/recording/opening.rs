//! Opening: what is refused and how.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    process::Command,
};

use super::*;
use crate::samples;

/// The message for `path`, with the path in it replaced by `it`.
fn message(path: &Path) -> String {
    let error = Recording::open(path, &mut |_| {}).unwrap_err();
    error.to_string().replace(path.to_str().unwrap(), "it")
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let is = |kind: &str| format!("cannot open recording `it`: it is {kind}, and a recording is a regular file");
    assert_eq!(message(folder.path()), is("a folder without `mappings` or `.json` files in it"));
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert_eq!(message(&fifo), is("a FIFO"));
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert_eq!(message(&socket), is("a socket"));
    assert_eq!(message(Path::new("/dev/zero")), is("a device"));
}

#[test]
fn a_missing_or_unreadable_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert_eq!(message(&missing), "cannot open recording `it`");
    let unreadable = folder.path().join("unreadable");
    fs::write(&unreadable, samples::flow().write()).unwrap();
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    if File::open(&unreadable).is_err() {
        assert_eq!(message(&unreadable), "cannot open recording `it`");
    }
}

#[test]
fn an_empty_file_is_a_flow_file_without_flows() {
    let file = samples::file(b"");
    let recording = Recording::open(&file.path, &mut |_| {}).unwrap();
    assert_eq!((recording.format(), recording.exchanges().len()), (Format::FlowFile, 0));
    assert!(recording.flow_file().unwrap().unwrap().frames().advance().unwrap().is_none());
    assert!(FlowFile::open(&file.path).unwrap().is_some());
}

#[test]
fn the_content_decides_on_the_format() {
    let message = |bytes: &[u8]| message(&samples::file(bytes).path);
    let json = "recording `it` is JSON, but no HAR file, no Web Page Replay archive and no WireMock stubs:";
    let none = "none of `log`, `Requests`, `mappings` and `request` with `response`";
    for (start, found) in [
        (&b"{\"log\": {}}"[..], "its `log` is empty"),
        (b"\xef\xbb\xbf{}", "it is empty"),
        (b" \n{\"a\": 1, \"b\": {\"c\": 2}}", &format!("it has {none}, but `a`, `b`")),
        (b"{\"request\": {}}", &format!("it has {none}, but `request`")),
        (b"{\"Requests\": []}", "found sequence, expected an object as `Requests`"),
        (b"{\"mappings\": {}}", "found map, expected a list as `mappings`"),
        (b"                      {\"log\": {\"version\": \"1.2\"}}", "its `log` has no `entries`, but `version`"),
        (b"[1]", "found sequence, expected an object"),
        (b"{\"log\": 1}", "found integer `1`, expected an object as `log`"),
        (b"{\"log\": {\"entries\": {}}}", "found map, expected a list as `log.entries`"),
        (b"{\"log\": {\"entries\": null}}", "found null, expected a list as `log.entries`"),
    ] {
        assert_eq!(message(start), format!("{json} {found}"));
    }
    let utf16 = "recording `it` is text in UTF-16, and JSON is read in UTF-8 only: convert it, such as with `iconv -f \
                 UTF-16 -t UTF-8`";
    for start in [&b"\xff\xfe{\0"[..], b"\xfe\xff\0{", b"{\0\"\0", b"\0{\0\""] {
        assert_eq!(message(start), utf16);
    }
    let other = "recording `it` is of no known format: it starts with `GET / HTTP/1.1\\r\\n`, and not with a length such as \
                 `1852:` as mitmproxy's flow files do, or with `{` as HAR files, Web Page Replay archives and WireMock \
                 stubs do";
    assert_eq!(message(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"), other);
    assert_eq!(message(b"1"), "recording `it` holds no whole flow: at byte 0, the length is cut off");
}

#[test]
fn a_recording_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Recording>();
    is_shared::<RecordingError>();
}
