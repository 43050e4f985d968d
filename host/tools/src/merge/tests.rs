use crate::samples::{Folder, Ran, example_bytes, flows, printed, read};

#[test]
fn flows_are_copied_one_recording_after_the_other() {
    let folder = Folder::new();
    let out = folder.path("out");
    let inputs = ["shop.mitm", "synth_tcp_udp_dns.mitm", "old-versions/dumpfile-018.mitm", "shop.mitm"];
    let named = inputs.map(|name| format!("@{name}"));
    let arguments = [vec!["merge", &out], named.iter().map(String::as_str).collect()].concat();
    assert_eq!(printed(&arguments), format!("{out}: 25 flows\n"));
    assert_eq!(read(&out), inputs.map(example_bytes).concat());
    assert!(printed(&["check", &out]).contains(": ok, 21 exchanges"));
}

#[test]
fn a_broken_end_is_left_out() {
    let folder = Folder::new();
    let out = folder.path("out");
    let Ran { code, out: printed, err } = flows(&["merge", &out, "@truncated.mitm", "@etag304.mitm"]);
    assert_eq!((code, printed), (0, format!("{out}: 10 flows\n")));
    assert!(err.starts_with("warning: `@truncated.mitm`: left out: the last 1823 bytes, from byte 16810 on"), "{err}");
    let expected = [&example_bytes("truncated.mitm")[..16810], &example_bytes("etag304.mitm")].concat();
    assert_eq!(read(&out), expected);
}

#[test]
fn what_is_in_another_format_is_written_in_between() {
    let folder = Folder::new();
    let out = folder.path("out");
    printed(&["merge", &out, "@etag304.mitm", "@har/chrome_h2_pseudo_headers.har", "@etag304.mitm"]);
    let bytes = read(&out);
    let copied = example_bytes("etag304.mitm");
    let written = bytes.strip_prefix(&copied[..]).unwrap().strip_suffix(&copied[..]).unwrap();
    let written = str::from_utf8(written).unwrap();
    assert!(written.starts_with("flow GET ") && written.ends_with("\nend\n"), "{written}");
}

#[test]
fn an_output_in_har_takes_the_exchanges() {
    let folder = Folder::new();
    let out = folder.path("out.har");
    let ran = flows(&["merge", &out, "@synth_tcp_udp_dns.mitm", "@redirects.mitm", "@websocket.mitm"]);
    assert_eq!((ran.code, ran.out, ran.err.lines().count()), (0, format!("{out}: 2 flows\n"), 3));
    let expected = "har GET 127.0.0.1:18080/redirect `` 302 `` from 127.0.0.1:18080\n\
                    har GET 127.0.0.1:18090/chat?room=1 `` 101 `` true:`hello` false:`hello` true:`\\x00\\x01\\x02` \
                    false:`\\x02\\x01\\x00` true:`bye` false:`bye` from 127.0.0.1:18090\n\
                    end\n";
    assert_eq!(String::from_utf8(read(&out)).unwrap(), expected);
}

#[test]
fn nothing_is_replaced_by_mistake() {
    let folder = Folder::new();
    let (input, other) = (folder.file("in", &example_bytes("etag304.mitm")), folder.file("other", b"other"));
    let ran = flows(&["merge", "--force", &input, "@shop.mitm", &input]);
    assert_eq!((ran.code, read(&input)), (2, example_bytes("etag304.mitm")));
    let ran = flows(&["merge", &other, &input]);
    let message = format!("error: `{other}` exists already: give another name, or `--force` to replace it\n");
    assert_eq!((ran.code, ran.err, read(&other)), (2, message, b"other".to_vec()));
    let ran = flows(&["merge", "--force", &other, &input, &folder.path("missing")]);
    assert_eq!((ran.code, read(&other)), (2, b"other".to_vec()));
    assert_eq!(folder.names(), ["in", "other"]);
    printed(&["merge", "--force", &other, &input]);
    assert_eq!(read(&other), example_bytes("etag304.mitm"));
}
