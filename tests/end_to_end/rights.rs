//! Which files an addon may use: those that its user set its options to, and no other.

use std::{fs, path::Path};

use crate::harness::{Proxyhost, RecordingFile, Start, component, get, recording};

const CONTENT: &[u8] = b"what must not be lost";

/// A proxy with the probe and what it does while it is configured.
fn configuring(instruction: &str) -> Start {
    let probe = Proxyhost::with(["--listen", "127.0.0.1:0", "--addon"]).arg(component("probe"));
    probe.set("probe", &format!("configure {instruction}"))
}

fn not_readable(file: &str) -> String {
    format!("error: addon `probe`: cannot open recording `{file}`: the user set no `files` option of the addon to it\n")
}

fn not_writable(file: &str) -> String {
    format!("error: addon `probe`: cannot record to `{file}`: the user set no `output` option of the addon to it\n")
}

/// A file that somebody needs, and its path.
fn victim() -> (RecordingFile, String) {
    let file = RecordingFile::of_bytes(CONTENT);
    let path = file.path().display().to_string();
    (file, path)
}

#[track_caller]
fn is_whole(path: impl AsRef<Path>) {
    assert_eq!(fs::read(path).expect("the file is there"), CONTENT);
}

#[test]
fn a_default_that_names_a_file_gives_no_right_to_it() {
    let said = configuring("load-of probe_default_files").file("default.flows", CONTENT).refusal();
    assert_eq!(said, not_readable("default.flows"));
    let said = configuring("record-to-that-of probe_default_output").file("default.flows", CONTENT).refusal();
    assert_eq!(said, not_writable("default.flows"));
}

#[test]
fn a_text_that_names_a_file_gives_no_right_to_it() {
    let (file, path) = victim();
    let with_text = |instruction: &str| configuring(instruction).set("probe_text", &path);
    assert_eq!(with_text("record-to-that-of probe_text").refusal(), not_writable(&path));
    assert_eq!(with_text(&format!("load {path}")).refusal(), not_readable(&path));
    assert_eq!(with_text(&format!("exists {path}")).refusal(), "error: addon `probe`: exists: false\n");
    is_whole(file.path());
}

#[test]
fn knowing_another_addons_file_gives_no_right_to_it() {
    let (file, path) = victim();
    let said = configuring("load-of server_replay").replay(&file).refusal();
    assert_eq!(said, not_readable(&path));
    let said = configuring("record-to-that-of save_stream_file").arg("-w").arg(file.path()).refusal();
    assert_eq!(said, not_writable(&path));
    let appended = format!("+{path}");
    let said = configuring("record-to-that-of save_stream_file").arg("-w").arg(&appended).refusal();
    assert_eq!(said, not_writable(&appended));
    is_whole(file.path());
}

#[test]
fn reading_writing_and_appending_are_rights_of_their_own() {
    let (file, path) = victim();
    let appended = format!("+{path}");
    for (option, value, instruction, refused) in [
        ("probe_files", &path, format!("record-to {path}"), not_writable(&path)),
        ("probe_files", &path, format!("record-to {appended}"), not_writable(&appended)),
        ("probe_output", &path, format!("record-to {appended}"), not_writable(&appended)),
        ("probe_output", &path, format!("load {path}"), not_readable(&path)),
        ("probe_output", &appended, format!("record-to {path}"), not_writable(&path)),
        ("probe_output", &appended, format!("load {path}"), not_readable(&path)),
        ("probe_output", &appended, format!("load {appended}"), not_readable(&appended)),
    ] {
        assert_eq!(configuring(&instruction).set(option, value).refusal(), refused, "{option}={value}");
    }
    is_whole(file.path());
}

#[tokio::test]
async fn what_the_user_names_may_be_used_as_the_option_says() {
    let known = recording([get("http://shop.example/")]);
    let path = known.path().display().to_string();
    let before = fs::read(known.path()).expect("a recording");
    configuring(&format!("load {path}")).set("probe_files", &path).listeners(2).start().await;
    let appended = format!("+{path}");
    configuring(&format!("record-to {appended}")).set("probe_output", &appended).listeners(2).start().await;
    assert_eq!(fs::read(known.path()).expect("a recording"), before);
    let said = configuring(&format!("record-to {path}")).set("probe_output", &path).refusal();
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(fs::read(known.path()).expect("a recording"), before);
    configuring(&format!("record-to {path}")).arg("--force").set("probe_output", &path).listeners(2).start().await;
    assert_eq!(fs::read(known.path()).expect("a recording"), b"");
}
