use serde_json::Value;

use crate::samples::{Ran, flows, flows_on, printed};

#[test]
fn a_table_is_aligned() {
    let expected = concat!(
        "#  time (UTC)               method  url                            status  type  size   took\n",
        "1  2026-11-23 06:34:54.400  GET     http://127.0.0.1:1/refused     failed  -        -      -\n",
        "2  2026-11-23 06:34:54.448  GET     http://127.0.0.1:18080/drop    failed  -        -      -\n",
        "3  2026-11-23 06:34:54.492  GET     http://127.0.0.1:18080/trunc   200!    -        -  12 ms\n",
        "4  2026-11-23 06:34:54.492  GET     http://127.0.0.1:18080/trunc   200!    -        -  12 ms\n",
        "5  2026-11-23 06:34:54.528  GET     http://no-such-host.invalid/x  failed  -        -      -\n",
    );
    assert_eq!(printed(&["list", "@errors.mitm"]), expected);
}

#[test]
fn a_table_is_cut_to_the_terminal() {
    let line = |width| {
        let Ran { out, .. } = flows_on(&["list", "@browser.mitm"], Some(width));
        assert!(out.lines().all(|line| line.chars().count() <= width), "{out}");
        out.lines().nth(14).unwrap().to_owned()
    };
    // What says least goes first, and the path stays.
    let wide = "14  11-24 08:59:53  GET     https://localhost:18443/api/items?page=1  200     application/json         17 B  51 ms";
    assert_eq!(line(120), wide);
    let path = "https://localhost:18443/api/items?page=1";
    assert_eq!(line(100), format!("14  11-24 08:59:53  GET     {path}  200      17 B  51 ms"));
    assert_eq!(line(80), format!("14  08:59:53  GET     {path}  200      17 B"));
    assert_eq!(line(64), format!("14  GET     {path}  200"));
    assert_eq!(line(40), "14  GET     localhost…/api…tems…  200");
    let Ran { out, .. } = flows_on(&["list", "@browser.mitm"], Some(10));
    assert!(out.lines().all(|line| line.chars().count() <= 10));
}

#[test]
fn several_files_are_told_apart() {
    let out = printed(&["list", "@redirects.mitm", "@etag304.mitm"]);
    let headings: Vec<&str> = out.lines().filter(|line| !line.starts_with([' ', '#', '1'])).collect();
    assert_eq!(headings, ["@redirects.mitm:", "", "@etag304.mitm:"]);
}

#[test]
fn json_has_an_object_a_line() {
    let out = printed(&["list", "--json", "@shop.mitm", "@har/postdata.har"]);
    let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 11);
    let row = &rows[8];
    assert_eq!(row["file"], "@shop.mitm");
    assert_eq!((&row["number"], &row["method"], &row["status"]), (&9.into(), &"POST".into(), &201.into()));
    assert_eq!(row["url"], "https://shop.example/api/cart");
    assert_eq!((&row["content_type"], &row["response_size"]), (&"application/json".into(), &40.into()));
    assert_eq!(rows[10]["number"], 1);
}

#[test]
fn what_is_left_out_is_said_apart() {
    let ran = flows(&["list", "@synth_tcp_udp_dns.mitm"]);
    let err = "warning: `@synth_tcp_udp_dns.mitm`: left out: 2 TCP flows\n\
               warning: `@synth_tcp_udp_dns.mitm`: left out: 1 UDP flow\n\
               warning: `@synth_tcp_udp_dns.mitm`: left out: 1 DNS flow\n";
    assert_eq!(ran, Ran { code: 0, out: String::new(), err: err.to_owned() });
    let ran = flows(&["list", "@truncated.mitm"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 10));
    let err = "warning: `@truncated.mitm`: the last 1823 bytes, from byte 16810 on, are no whole flow: 1917 bytes and a type \
               should follow, and only 1818 bytes are left; `flows repair` cuts them off\n";
    assert_eq!(ran.err, err);
}
