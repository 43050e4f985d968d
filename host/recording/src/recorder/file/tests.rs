use std::{os::unix::fs::PermissionsExt, process::Command, sync::Arc};

use super::{super::target::Target, *};
use crate::{
    Recording, Source,
    samples::{self, answered, written},
};

/// Opens `path`, after a `+` if flows are to be appended.
fn open(plus: &str, path: &Path) -> Result<(RecordingFile, Option<String>), RecorderError> {
    let target = Target::parse(&format!("{plus}{}", path.display())).unwrap();
    RecordingFile::open(path, target.encoding, target.opening)
}

/// The message of a refusal, with the path in it replaced by `it`.
fn refusal(plus: &str, path: &Path) -> String {
    open(plus, path).unwrap_err().to_string().replace(path.to_str().unwrap(), "it")
}

#[test]
fn a_new_file_is_its_owners_alone_and_its_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/new.mitm");
    for plus in ["", "+"] {
        let (mut file, notice) = open(plus, &path).unwrap();
        assert_eq!(notice, None);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        file.write(&answered("hello")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), written(&[answered("hello")]));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn without_a_plus_what_was_there_is_replaced() {
    let old = samples::file(b"anything");
    let (mut file, notice) = open("", &old.path).unwrap();
    assert!(notice.unwrap().ends_with("replaced what was there, 8 bytes"));
    assert_eq!(fs::read(&old.path).unwrap(), b"");
    file.write(&answered("new")).unwrap();
    assert_eq!(fs::read(&old.path).unwrap(), written(&[answered("new")]));
}

#[test]
fn with_a_plus_flows_follow_those_that_were_there() {
    let old = samples::file(&written(&[answered("1"), answered("2")]));
    let (mut file, notice) = open("+", &old.path).unwrap();
    assert_eq!(notice, None);
    file.write(&answered("3")).unwrap();
    assert_eq!(fs::read(&old.path).unwrap(), written(&[answered("1"), answered("2"), answered("3")]));
}

#[test]
fn a_broken_tail_is_cut_off_before_flows_follow() {
    let (first, second) = (written(&[answered("1")]), written(&[answered("2")]));
    for (whole, stay) in [(first.clone(), "1 whole flow stays"), (first.repeat(2), "2 whole flows stay")] {
        for cut in [1, 2, 5, second.len() - 1] {
            let old = samples::file(&[&whole[..], &second[..cut]].concat());
            let (mut file, notice) = open("+", &old.path).unwrap();
            let expected = format!(
                "recording `{}`: cut off {cut} bytes from byte {} on, which are no whole flow; {stay}",
                old.path.display(),
                whole.len()
            );
            assert_eq!(notice.as_deref(), Some(&*expected));
            file.write(&answered("3")).unwrap();
            let all = [&whole[..], &written(&[answered("3")])].concat();
            assert_eq!(fs::read(&old.path).unwrap(), all);
            assert!(Recording::open(&old.path, &mut |_| {}).unwrap().warning().is_none());
        }
    }
}

#[test]
fn what_is_no_flow_file_is_not_appended_to_and_stays_as_it_is() {
    for (bytes, reason) in [
        (&b"#!/bin/sh\n"[..], "a length such as `1852:` should be, found `#!/bin/sh\\n`"),
        (b"{\"log\": {}}", "a length such as `1852:` should be, found `{\\\"log\\\": {}}`"),
        (b"5:hello,", "a flow should be a dict, found bytes"),
        (b"10:30: a meeting", "a type should be, found `i`"),
        (b"100:4:type;", "100 bytes and a type should follow, and only 7 bytes are left"),
    ] {
        let old = samples::file(bytes);
        let expected =
            format!("cannot append to `it`: it holds no whole flow ({reason}); remove it, or take another file");
        assert_eq!(refusal("+", &old.path), expected);
        assert_eq!(fs::read(&old.path).unwrap(), bytes);
    }
}

#[test]
fn a_file_has_one_recorder() {
    let old = samples::file(&written(&[answered("1")]));
    let first = open("+", &old.path).unwrap();
    let locked = "recording `it` is being written already: stop the other recorder, or take another file";
    assert_eq!(refusal("+", &old.path), locked);
    assert_eq!(refusal("", &old.path), locked);
    assert_eq!(fs::read(&old.path).unwrap(), written(&[answered("1")]));
    drop(first);
    open("", &old.path).unwrap();
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let is = |kind: &str| format!("cannot record to `it`: it is {kind}, and a recording is a regular file");
    assert_eq!(refusal("", folder.path()), is("a directory"));
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert_eq!(refusal("+", &fifo), is("a FIFO"));
    assert_eq!(refusal("", Path::new("/dev/full")), is("a device"));
}

#[test]
fn folders_that_cannot_be_are_named() {
    let file = samples::file(b"");
    let path = file.path.join("a.mitm");
    let error = open("", &path).unwrap_err();
    let expected = format!("cannot create folder `{}` for the recording", file.path.display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_first_flow_that_was_cut_off_makes_way_for_others() {
    let flow = written(&[answered("1")]);
    let old = samples::file(&flow[..flow.len() - 1]);
    let (mut file, notice) = open("+", &old.path).unwrap();
    assert!(notice.unwrap().ends_with("0 whole flows stay"));
    file.write(&answered("2")).unwrap();
    assert_eq!(fs::read(&old.path).unwrap(), written(&[answered("2")]));
}

#[test]
fn a_har_file_is_written_by_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    for plus in ["", "+"] {
        let (mut file, notice) = open(plus, &path).unwrap();
        assert_eq!(notice, None);
        file.write(&answered("1")).unwrap();
    }
    assert_eq!(Recording::open(&path, &mut |_| {}).unwrap().exchanges().len(), 2);
    fs::write(&path, "{}").unwrap();
    assert_eq!(refusal("+", &path), "cannot append to `it`");
    assert_eq!(fs::read(&path).unwrap(), b"{}");
}

#[test]
fn a_failed_write_leaves_whole_flows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let (mut file, _) = open("", &path).unwrap();
    file.write(&answered("1")).unwrap();
    let short = samples::file(&[b'x'; 500_000]);
    let short = Arc::new(File::open(&short.path).unwrap());
    let mut flow = answered("2");
    flow.request.content = Source::File { file: short, offset: 0, len: 500_001 };
    // Almost half a megabyte of it was written by then.
    assert!(file.write(&flow).is_err());
    assert_eq!(fs::read(&path).unwrap(), written(&[answered("1")]));
    file.write(&answered("3")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), written(&[answered("1"), answered("3")]));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let error = RecordingFile::Flows { file: full, size: 0 }.write(&answered("1")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn flows_stay_whole_when_someone_empties_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let (mut file, _) = open("", &path).unwrap();
    file.write(&answered("1")).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    file.write(&answered("2")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), written(&[answered("2")]));
}

#[test]
fn what_others_do_to_the_file_is_told() {
    type Act = fn(&Path);
    let acts: [(Act, Option<Change>); 7] = [
        (|_| (), None),
        (|path| fs::remove_file(path).unwrap(), Some(Change::Removed)),
        (|path| fs::remove_dir_all(path.parent().unwrap()).unwrap(), Some(Change::Removed)),
        (|path| fs::rename(path, path.with_extension("1")).unwrap(), Some(Change::Renamed)),
        (
            |path| {
                fs::rename(path, path.with_extension("1")).unwrap();
                fs::write(path, "").unwrap();
            },
            Some(Change::Replaced),
        ),
        (
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
            Some(Change::Removed),
        ),
        (|path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap(), None),
    ];
    for name in ["a.mitm", "a.har"] {
        for (index, (act, expected)) in acts.iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("in").join(name);
            let (mut file, _) = open("", &path).unwrap();
            file.write(&answered("1")).unwrap();
            let size = fs::metadata(&path).unwrap().len();
            act(&path);
            let resized = (index == 6).then_some(Change::Resized { from: size, to: size + 1 });
            assert_eq!(file.change(&path), expected.or(resized), "{name}, act {index}");
        }
    }
}
