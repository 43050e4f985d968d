use crate::samples::{Folder, example_bytes, flows, printed, read};

#[test]
fn a_flow_file_is_copied_to_a_flow_file() {
    let folder = Folder::new();
    let out = folder.path("out.mitm");
    assert_eq!(printed(&["convert", "@synth_tcp_udp_dns.mitm", &out]), format!("{out}: 4 flows\n"));
    assert_eq!(read(&out), example_bytes("synth_tcp_udp_dns.mitm"));
}

#[test]
fn exchanges_are_written_with_their_bodies() {
    let folder = Folder::new();
    let (har, again) = (folder.path("out.HAR"), folder.path("again"));
    printed(&["convert", "@post_json.mitm", &har]);
    let expected = "har POST 127.0.0.1:18080/echo `{\"a\":1,\"b\":[2,3]}` 200 `POST /echo\\n{\"a\":1,\"b\":[2,3]}` from \
                    127.0.0.1:18080\nend\n";
    assert_eq!(String::from_utf8(read(&har)).unwrap().replace("\\\"", "\""), expected);
    printed(&["convert", "@errors.mitm", &folder.path("errors.har")]);
    let written = String::from_utf8(read(folder.path("errors.har"))).unwrap();
    assert!(written.contains("/trunc `` 200 none from 127.0.0.1:18080 (HTTP/1 protocol error"), "{written}");
    printed(&["convert", "@har/head-content-length.har", &again]);
    let written = String::from_utf8(read(&again)).unwrap();
    assert!(written.starts_with("flow HEAD ") && written.ends_with("\nend\n"), "{written}");
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let folder = Folder::new();
    for (input, out) in [("@old-versions/dumpfile-010.mitm", "out.har"), ("@har/broken_headers.har", "out")] {
        let ran = flows(&["convert", input, &folder.path(out)]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert_eq!(folder.names(), [""; 0]);
    }
}
