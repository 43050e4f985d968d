use std::os::unix::fs::symlink;

use crate::samples::{Folder, example_bytes, flows, printed, read};

const TAIL: &str = "the last 1823 bytes, from byte 16810 on, are no whole flow: 1917 bytes and a type should follow, and only \
                    1818 bytes are left";

#[test]
fn the_whole_flows_are_written() {
    let folder = Folder::new();
    let out = folder.path("out");
    assert_eq!(printed(&["repair", "@truncated.mitm", &out]), format!("{out}: 9 flows; cut off: {TAIL}\n"));
    assert_eq!(read(&out), example_bytes("truncated.mitm")[..16810]);
    assert_eq!(printed(&["check", &out]), format!("{out}: ok, 9 exchanges\n"));
}

#[test]
fn in_place_nothing_is_lost() {
    let folder = Folder::new();
    let whole = example_bytes("truncated.mitm");
    let file = folder.file("file", &whole);
    let link = folder.path("link");
    symlink(&file, &link).unwrap();
    let out = printed(&["repair", "--in-place", &link]);
    assert_eq!(out, format!("{link}: 9 flows; kept as `{file}.tail`: {TAIL}\n"));
    assert_eq!(folder.names(), ["file", "file.tail", "link"]);
    assert_eq!([read(&file), read(format!("{file}.tail"))].concat(), whole);
    assert_eq!(read(&link), whole[..16810]);
    let out = printed(&["repair", "--in-place", &file]);
    assert_eq!(out, format!("{file}: 9 flows; nothing is broken, and nothing was changed\n"));
}

#[test]
fn an_older_tail_is_kept_unless_it_may_go() {
    let folder = Folder::new();
    let whole = example_bytes("truncated.mitm");
    let file = folder.file("file", &whole);
    let tail = folder.file("file.tail", b"older");
    let ran = flows(&["repair", "--in-place", &file]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.err, format!("error: `{tail}` exists already: give another name, or `--force` to replace it\n"));
    assert_eq!((read(&file), read(&tail)), (whole.clone(), b"older".to_vec()));
    assert_eq!(folder.names(), ["file", "file.tail"]);
    printed(&["repair", "--in-place", "--force", &file]);
    assert_eq!([read(&file), read(&tail)].concat(), whole);
}

#[test]
fn a_whole_file_is_copied() {
    let folder = Folder::new();
    let out = folder.path("out");
    assert_eq!(printed(&["repair", "@shop.mitm", &out]), format!("{out}: 10 flows; nothing was broken\n"));
    assert_eq!(read(&out), example_bytes("shop.mitm"));
}

#[test]
fn what_cannot_be_repaired_is_refused() {
    let folder = Folder::new();
    let file = folder.file("file", &example_bytes("truncated.mitm"));
    for (arguments, message) in [
        (vec![file.as_str()], "nothing says where to write: give OUT, or `--in-place`".to_owned()),
        (vec![&file, &file], format!("`{file}` would be read and written at once: give another name for the output")),
        (
            vec!["@har/chrome.har", "--in-place"],
            "recording `@har/chrome.har` is a HAR file, and only flow files can be repaired: `flows convert` writes what can \
             be read"
                .to_owned(),
        ),
    ] {
        let ran = flows(&[&["repair"], &arguments[..]].concat());
        assert_eq!((ran.code, ran.err), (2, format!("error: {message}\n")));
    }
    assert_eq!(folder.names(), ["file"]);
}
