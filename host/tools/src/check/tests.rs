use crate::samples::{Folder, Ran, edited, example_bytes, flows, printed};

#[test]
fn whole_recordings_are_ok() {
    let out = printed(&["check", "@shop.mitm", "@synth_tcp_udp_dns.mitm", "@har/firefox.har"]);
    let expected = "@shop.mitm: ok, 10 exchanges\n\
                    @synth_tcp_udp_dns.mitm: ok, 0 exchanges, 2 TCP flows, 1 UDP flow, 1 DNS flow\n\
                    @har/firefox.har: ok, 14 exchanges; 9 can be replayed, 5 cannot: no content of its response (flows 2, \
                    3, 4, 5, 6)\n";
    assert_eq!(out, expected);
}

#[test]
fn requests_without_their_content_are_named() {
    let entry = |method: &str| {
        let request = format!(r#"{{"method": "{method}", "url": "http://a/", "headers": [], "bodySize": -1}}"#);
        format!(r#"{{"request": {request}, "response": {{"status": 204, "headers": []}}}}"#)
    };
    let har = |entries: &[String]| format!(r#"{{"log": {{"entries": [{}]}}}}"#, entries.join(","));
    let folder = Folder::new();
    let lacking = |flows: &str| format!("no content of the request, which matches nothing ({flows})");
    let few = folder.file("few.har", har(&[entry("GET"), entry("POST")]).as_bytes());
    assert_eq!(printed(&["check", &few]), format!("{few}: ok, 2 exchanges; {}\n", lacking("flow 2")));
    let many = folder.file("many.har", har(&vec![entry("POST"); 11]).as_bytes());
    let expected = format!("{many}: ok, 11 exchanges; {}\n", lacking("flows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"));
    assert_eq!(printed(&["check", &many]), expected);
}

#[test]
fn every_defect_has_a_line() {
    let folder = Folder::new();
    let path = folder.file("damaged", &edited(example_bytes("truncated.mitm"), "3:200#", "3:2x0#"));
    let Ran { code, out, err } = flows(&["check", &path, "@shop.mitm", "@old-versions/dumpfile-010.mitm"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, err.as_str(), lines.len()), (1, "", 4), "{out}");
    assert!(lines[0].starts_with(&format!("{path}: flow 1, byte ")), "{out}");
    assert!(lines[0].ends_with(": the response's status should be a number, found `2x0`"), "{out}");
    assert!(
        lines[1].starts_with(&format!("{path}: the last 1823 bytes, from byte 16810 on, are no whole flow")),
        "{out}"
    );
    assert_eq!(lines[2], "@shop.mitm: ok, 10 exchanges");
    assert!(lines[3].contains("has format version 0.10, supported are 0.11 to 21"), "{out}");
}

#[test]
fn what_is_no_recording_is_a_defect() {
    let folder = Folder::new();
    for content in ["GET / HTTP/1.1", "{}", "12:abc"] {
        let ran = flows(&["check", &folder.file("file", content.as_bytes())]);
        assert_eq!((ran.code, ran.out.lines().count(), ran.err.as_str()), (1, 1, ""), "{content}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let folder = Folder::new();
    let ran = flows(&["check", &folder.path("missing")]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: cannot open recording"), "{}", ran.err);
}
