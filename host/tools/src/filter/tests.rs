use crate::samples::{Folder, edited, example_bytes, flows, printed, read};

/// The numbers of the flows of an example that match.
fn numbers(example: &str, expression: &str) -> Vec<u64> {
    let out = printed(&["filter", "--json", expression, &format!("@{example}")]);
    out.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["number"].as_u64().unwrap())
        .collect()
}

#[test]
fn matching_flows_are_listed() {
    assert_eq!(numbers("shop.mitm", "~m POST & ~u /login"), [7]);
    assert_eq!(numbers("shop.mitm", "~c 404 | ~bq .+"), [6, 7, 9]);
    assert_eq!(numbers("gzip.mitm", "~bs 'text compressed'"), [1, 2]);
    assert_eq!(numbers("errors.mitm", "~e ~s"), [3, 4]);
    assert_eq!(numbers("http2.mitm", "~d localhost ~u ':18443/h2' ~dst 18443"), [1, 2]);
    assert_eq!(numbers("synth_tcp_udp_dns.mitm", "~tcp | ~dns"), [1, 3, 4]);
    assert_eq!(numbers("synth_tcp_udp_dns.mitm", "dns.google ~s"), [3]);
    assert_eq!(numbers("websocket.mitm", "~websocket ~bs bye"), [1]);
    assert_eq!(numbers("har/chrome_h2_pseudo_headers.har", "~http"), [1]);
    assert_eq!(numbers("shop.mitm", "~c 418"), [0; 0]);
    let inverted = printed(&["filter", "-v", "~u shop", "@shop.mitm"]);
    assert_eq!(inverted, "");
}

#[test]
fn messages_of_old_websockets_belong_to_their_handshake() {
    assert_eq!(numbers("old-versions/dumpfile-7-websocket.mitm", "~u encoding"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(numbers("old-versions/dumpfile-7-websocket.mitm", "~bq ."), [2, 3, 5]);
}

#[test]
fn matching_flows_are_copied() {
    let folder = Folder::new();
    for example in ["shop.mitm", "synth_tcp_udp_dns.mitm", "old-versions/dumpfile-7-websocket.mitm"] {
        let whole = example_bytes(example);
        let [found, rest] = ["found", "rest"].map(|name| folder.path(name));
        let input = format!("@{example}");
        printed(&["filter", "--force", "~c 200 | ~tcp | ~bq .", &input, &found]);
        printed(&["filter", "--force", "-v", "~c 200 | ~tcp | ~bq .", &input, &rest]);
        let (found, rest) = (read(&found), read(&rest));
        assert!(!found.is_empty() && !rest.is_empty(), "{example}");
        assert_eq!(found.len() + rest.len(), whole.len());
        // Both are what is left of the whole without the other.
        let (mut found, mut rest) = (&found[..], &rest[..]);
        let mut left = &whole[..];
        while !left.is_empty() {
            let len = flow_len(left);
            let (flow, others) = left.split_at(len);
            left = others;
            match found.strip_prefix(flow) {
                Some(others) => found = others,
                None => rest = rest.strip_prefix(flow).unwrap(),
            }
        }
    }
}

fn flow_len(bytes: &[u8]) -> usize {
    let colon = bytes.iter().position(|byte| *byte == b':').unwrap();
    let len: usize = str::from_utf8(&bytes[..colon]).unwrap().parse().unwrap();
    colon + 1 + len + 1
}

#[test]
fn har_takes_exchanges_only() {
    let folder = Folder::new();
    let out = folder.path("out.har");
    let ran = flows(&["filter", "~all", "@synth_tcp_udp_dns.mitm", &out]);
    let err = "warning: `@synth_tcp_udp_dns.mitm`: left out: 4 flows of other protocols, which HAR has no place for\n";
    assert_eq!((ran.code, ran.out, ran.err.as_str()), (0, format!("{out}: 0 flows\n"), err));
    assert_eq!(read(&out), b"end\n");
}

#[test]
fn damaged_flows_never_match() {
    let folder = Folder::new();
    let path = folder.file("damaged", &edited(example_bytes("simple_get.mitm"), "3:200#", "3:2x0#"));
    for arguments in [&["filter", "--json", "~all", &path][..], &["filter", "--json", "-v", "~q", &path]] {
        let ran = flows(arguments);
        let err = format!("warning: `{path}`: left out: 1 flow that cannot be read; `flows check` says why\n");
        assert_eq!((ran.code, ran.out.lines().count(), ran.err), (0, 9, err));
    }
}

#[test]
fn a_wrong_expression_is_shown_with_its_place() {
    let folder = Folder::new();
    let out = folder.path("out");
    let ran = flows(&["filter", "~m GET & (~c 20x)", "@shop.mitm", &out]);
    let err =
        "error: cannot read filter `~m GET & (~c 20x)`: at character 16, `~c` needs a status code such as `404`\n";
    assert_eq!((ran.code, ran.err.as_str()), (2, err));
    assert_eq!(folder.names(), [""; 0]);
}
