use std::fs;

use serde_json::{Value, json};

use crate::{
    Content, Recording,
    har::samples::{exchange, gzip, har, held, invalid, response, set, with},
    samples::shown,
};

#[test]
fn base64_is_decoded_and_may_have_lines_or_no_padding() {
    let body = |text: &str| {
        with("/response/content", json!({"size": 5, "mimeType": "image/png", "encoding": "base64", "text": text}))
    };
    for text in ["aGVsbG8=", "aGVsbG8", "aGVs\r\nbG8=\n"] {
        assert_eq!(held(&response(&body(text)).content), b"hello");
    }
    let garbage = invalid(&body("a!"));
    assert_eq!(garbage, "`response.content.text` is not base64: Invalid symbol 33, offset 1.");
}

#[test]
fn a_text_is_bytes_where_its_size_says_so() {
    let body = |text: &str, size: i64| {
        let content = json!({"size": size, "text": text});
        let fields = json!([["Content-Type", "text/html; charset=iso-8859-1"]]);
        let found = response(&set(with("/response/content", content), "/response/headers", fields));
        (held(&found.content).to_vec(), found.fields.get("content-type").unwrap().ends_with(b"iso-8859-1"))
    };
    assert_eq!(body("caf\u{e9}\u{80}", 5), (b"caf\xe9\x80".to_vec(), true));
    assert_eq!(body("caf\u{e9}\u{80}", 7), ("caf\u{e9}\u{80}".into(), false));
    assert_eq!(body("caf\u{e9}\u{80}", -1), ("caf\u{e9}\u{80}".into(), false));
    assert_eq!(body("caf\u{20ac}", 4), ("caf\u{20ac}".into(), false));
    let request = set(with("/request/postData", json!({"text": "\u{ff}"})), "/request/bodySize", 1.into());
    assert_eq!(held(&exchange(&request).request.content), b"\xff");
}

#[test]
fn a_text_is_bytes_where_the_server_sent_as_many() {
    // Chromium takes windows-1252 for a text without a charset. A length in characters is the one of such bytes.
    let content = |text: &str, size: i64, length: &str| {
        let content = json!({"size": size, "text": text});
        let fields = json!([["Content-Type", "text/plain"], ["Content-Length", length]]);
        response(&set(with("/response/content", content), "/response/headers", fields)).content
    };
    let body = |text: &str, size, length: &str| held(&content(text, size, length)).to_vec();
    let long = "\u{e2}\u{20ac}\u{a8}".repeat(500);
    assert_eq!(body("d\u{e2}\u{20ac}\u{a8}e", 9, "5"), b"d\xe2\x80\xa8e");
    assert_eq!((long.len(), content(&long, 3500, "1500").size()), (3500, Some(1500)));
    assert_eq!(body("d\u{2019}e", 5, "5"), "d\u{2019}e".as_bytes());
    assert_eq!(body("d\u{2019}e", 3, "5"), "d\u{2019}e".as_bytes());
    assert_eq!(body("d\u{142}e", 4, "3"), "d\u{142}e".as_bytes());
    let wide = with("/response/content", json!({"size": 8, "text": "café", "mimeType": "text/plain; charset=utf-16"}));
    assert_eq!(held(&response(&wide).content), "café".as_bytes());
    // chrome-har counts the text and the bytes.
    assert_eq!(body("zw\u{c3}\u{b6}lf", 12, ""), "zwölf".as_bytes());
}

#[test]
fn a_request_that_is_no_text_is_bytes() {
    // Chromium writes a character for each byte, and chrome-har-capturer no size.
    let request = |text: &str| {
        let entry = set(with("/request/postData", json!({"text": text})), "/request/bodySize", (-1).into());
        exchange(&entry).flow.request.content
    };
    let (bytes, text) = ("\u{0}\u{1f}\u{ff}", "K\u{e4}se\n\t");
    assert_eq!(held(&request(bytes)), b"\0\x1f\xff");
    assert_eq!(held(&request(text)), text.as_bytes());
    assert_eq!(request(&bytes.repeat(1000)).size(), Some(3000));
    assert_eq!(request(&text.repeat(1000)).size(), Some(7000));
}

#[test]
fn a_wide_charset_is_not_the_one_of_a_text() {
    let kind = |charset: &str, text: &str| {
        let fields = json!([["Content-Type", format!("text/plain; charset={charset}")]]);
        let content = json!({"size": -1, "text": text});
        let found = response(&set(with("/response/content", content), "/response/headers", fields));
        String::from_utf8(found.fields.get("content-type").unwrap().to_vec()).unwrap()
    };
    for charset in ["utf-16le", "UTF-16", "utf-32", "unicode"] {
        assert_eq!(kind(charset, "cafe"), "text/plain; charset=utf-8");
    }
    assert_eq!(kind("iso-8859-1", "cafe"), "text/plain; charset=iso-8859-1");
    assert_eq!(kind("iso-8859-1", "caf\u{142}"), "text/plain; charset=utf-8");
    assert_eq!(kind("utf-16", ""), "text/plain; charset=utf-16");
}

#[test]
fn a_text_in_a_file_of_its_own_may_be_recoded() {
    // Playwright has there what Chromium shows, which is UTF-8 if it is text.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.har");
    let body = |bytes: &[u8], kind: &str, length: &str| {
        fs::write(folder.path().join("body"), bytes).unwrap();
        let content = json!({"size": bytes.len(), "_file": "body"});
        let fields = json!([["Content-Type", kind], ["Content-Length", length]]);
        fs::write(&path, har(&[set(with("/response/content", content), "/response/headers", fields)])).unwrap();
        let recording = Recording::open(&path, &mut |_| {}).unwrap();
        let found = recording.exchanges()[0].flow.response.clone().unwrap();
        (held(&found.content).to_vec(), String::from_utf8(found.fields.get("content-type").unwrap().to_vec()).unwrap())
    };
    let (latin1, utf16) = ("text/plain; charset=iso-8859-1", "text/plain; charset=utf-16le");
    let utf8 = "text/plain; charset=utf-8".to_owned();
    assert_eq!(body("café".as_bytes(), latin1, "4"), (b"caf\xe9".to_vec(), latin1.to_owned()));
    assert_eq!(body("café".as_bytes(), latin1, ""), ("café".into(), utf8.clone()));
    assert_eq!(body("café".as_bytes(), utf16, "8"), ("café".into(), utf8));
    assert_eq!(body("c\0é".as_bytes(), "text/plain", "3"), (b"c\0\xe9".to_vec(), "text/plain".to_owned()));
    assert_eq!(body(b"c\0a\0", utf16, "4"), (b"c\0a\0".to_vec(), utf16.to_owned()));
    assert_eq!(body(b"caf\xe9", latin1, "4"), (b"caf\xe9".to_vec(), latin1.to_owned()));
}

#[test]
fn json_of_which_there_are_the_members_only_has_them_at_least() {
    let params = json!([
        {"name": "id", "value": 1}, {"name": "of", "value": {"a": null}}, {"name": "list", "value": "x"},
        {"name": "list", "value": true}, {"name": "none"},
    ]);
    let found = exchange(&with("/request/postData", json!({"mimeType": "application/json", "params": params})));
    assert_eq!(found.flow.request.content, Content::NotRecorded);
    let comparison = found.comparison.unwrap();
    let least: Value = serde_json::from_slice(comparison.at_least.as_deref().unwrap()).unwrap();
    assert_eq!(least, json!({"id": 1, "list": ["x", true], "none": null, "of": {"a": null}}));
    assert_eq!(comparison.media_type, "application/json");
}

#[test]
fn a_missing_body_is_not_an_empty_one() {
    let content = |value: Value| response(&with("/response/content", value)).content;
    for missing in [json!({"size": 5}), json!({"size": 5, "text": ""}), json!({"size": -1}), json!({}), Value::Null] {
        assert_eq!(content(missing.clone()), Content::NotRecorded, "{missing}");
        let found = exchange(&set(with("/request/method", "HEAD".into()), "/response/content", missing.clone()));
        assert!(found.is_answered() && held(&found.flow.response.unwrap().content).is_empty());
    }
    for empty in [json!({"size": 0}), json!({"size": 0, "text": ""}), json!({"size": -1, "text": ""})] {
        assert_eq!(held(&content(empty)), b"");
    }
    let transferred = set(with("/response/content", json!({"size": 0})), "/response/bodySize", 7.into());
    assert!(!exchange(&transferred).is_answered());
}

#[test]
fn an_empty_body_with_a_length_was_not_recorded() {
    let cut = set(
        with("/response/content", json!({"size": 0, "text": ""})),
        "/response/headers",
        json!([["Content-Length", "9"]]),
    );
    assert!(!exchange(&cut).is_answered());
    // What gzip makes of nothing is longer.
    let coded = set(cut.clone(), "/response/headers", json!([["Content-Length", "20"], ["Content-Encoding", "gzip"]]));
    assert!(exchange(&coded).is_answered());
    let redirect = set(
        set(cut, "/response/status", 302.into()),
        "/response/headers",
        json!([["Content-Length", "9"], ["Location", "/"]]),
    );
    assert!(exchange(&redirect).is_answered());
}

#[test]
fn what_has_no_body_keeps_its_fields() {
    let head = set(
        with("/request/method", "HEAD".into()),
        "/response/headers",
        json!([["content-length", "9"], ["content-encoding", "gzip"]]),
    );
    assert_eq!(shown(&response(&head).fields), ["content-length: 9", "content-encoding: gzip"]);
    // Browsers show the body of their cache, which is not coded.
    let cached = set(
        with("/response/status", 304.into()),
        "/response/headers",
        json!([["ETag", "a"], ["content-encoding", "gzip"]]),
    );
    let cached = response(&set(cached, "/response/content", json!({"text": "hello", "mimeType": "text/css"})));
    assert_eq!(held(&cached.content), b"hello");
    assert_eq!(shown(&cached.fields), ["ETag: a", "Content-Type: text/css"]);
    let forgotten = response(&set(with("/response/status", 304.into()), "/response/content", json!({})));
    assert_eq!(held(&forgotten.content), b"");
}

#[test]
fn a_coding_that_the_body_does_not_have_is_dropped() {
    use base64::Engine;
    let fields = |coding: &str, body: Value| {
        let fields = json!([["transfer-encoding", "chunked"], ["Content-Encoding", coding], ["content-length", "99"]]);
        shown(&response(&set(with("/response/headers", fields), "/response/content", body)).fields)
    };
    let encoded =
        |bytes: &[u8]| json!({"encoding": "base64", "text": base64::engine::general_purpose::STANDARD.encode(bytes)});
    let plain = json!({"text": "hello"});
    for coding in ["gzip", "br", "zstd", "deflate", "gzip, br"] {
        assert_eq!(fields(coding, plain.clone()), ["content-length: 99"]);
        assert_eq!(fields(coding, encoded(b"hello")), ["content-length: 99"]);
    }
    let kept = |coding: &str| [format!("Content-Encoding: {coding}"), "content-length: 99".into()];
    assert_eq!(fields("gzip", encoded(&gzip(b"hello"))), kept("gzip"));
    assert_eq!(fields("br, X-GZIP", encoded(&gzip(b"hello"))), kept("br, X-GZIP"));
    assert_eq!(fields("zstd", encoded(b"\x28\xb5\x2f\xfd...")), kept("zstd"));
}

#[test]
fn a_body_recoded_to_utf8_says_so() {
    let kind = |kind: &str, text: &str| {
        let entry =
            set(with("/response/headers", json!([["Content-Type", kind]])), "/response/content/text", text.into());
        response(&entry).fields.get("content-type").unwrap().clone()
    };
    assert_eq!(kind("text/html; charset=ISO-8859-1", "é"), "text/html; charset=utf-8");
    assert_eq!(kind("text/html; Charset=\"Shift_JIS\" ; a=b", "é"), "text/html; Charset=\"utf-8\" ; a=b");
    assert_eq!(kind("text/html; charset=UTF-8", "é"), "text/html; charset=UTF-8");
    assert_eq!(kind("text/html", "é"), "text/html");
    assert_eq!(kind("text/html; charset=ISO-8859-1", "e"), "text/html; charset=ISO-8859-1");
}

#[test]
fn a_request_has_its_text_or_what_its_parameters_make() {
    let body = |data: Value| held(&exchange(&with("/request/postData", data)).request.content).to_vec();
    assert_eq!(body(json!({"mimeType": "text/plain", "text": "a", "params": [{"name": "b"}]})), b"a");
    assert_eq!(body(json!({"text": "aGVsbG8=", "_encoding": "base64"})), b"hello");
    assert_eq!(body(json!({"text": "aGVsbG8=", "encoding": "base64"})), b"hello");
    let params = json!([{"name": "a b", "value": "é&+~"}, {"name": "c"}]);
    let form = json!({"mimeType": "application/x-www-form-urlencoded", "params": params});
    assert_eq!(body(form), b"a+b=%C3%A9%26%2B%7E&c=");
    let params = json!([
        {"name": "a", "value": "1"},
        {"name": "f\"", "fileName": "x.txt", "contentType": "text/plain", "value": "two\r\n"},
    ]);
    let form = json!({"mimeType": "multipart/form-data; boundary=\"xyz\"", "text": "", "params": params});
    let expected = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xyz\r\nContent-Disposition: \
                    form-data; name=\"f%22\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\ntwo\r\n\r\n--xyz--\r\n";
    assert_eq!(body(form), expected.as_bytes());
    let content = |data| exchange(&with("/request/postData", data)).flow.request.content;
    let unbound = json!({"mimeType": "multipart/form-data", "params": [{"name": "a", "value": "1"}]});
    let expected = "------form\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n------form--\r\n";
    assert_eq!(content(unbound), Content::Held(expected.into()));
    assert_eq!(exchange(&with("/request/bodySize", 3.into())).request.content, Content::NotRecorded);
    let bad = invalid(&with("/request/postData", json!({"params": [{"name": 1}]})));
    assert_eq!(bad, "`request.postData.params[0].name` should be a string, found a number");
}

#[test]
fn a_body_may_be_in_a_file_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.har");
    fs::write(folder.path().join("body.bin"), b"\x00attached").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link")).unwrap();
    fs::create_dir_all(folder.path().join("res/deep")).unwrap();
    fs::write(folder.path().join("res/deep/body.bin"), b"\x00attached").unwrap();
    std::os::unix::fs::symlink("/etc", folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink("deep", folder.path().join("res/in")).unwrap();
    let found = ["body.bin", "body.bin", "res/deep/body.bin", "./res/./deep/body.bin", "res\\in\\body.bin"];
    let refused =
        ["../x.har", "res/../body.bin", "/etc/hostname", "..\\x.har", "link", "out/hostname", "missing", "res", ""];
    let names = [&found[..], &refused].concat();
    let entries: Vec<_> =
        names.iter().map(|name| with("/response/content", json!({"_file": name, "size": 9}))).collect();
    fs::write(&path, har(&entries)).unwrap();
    let recording = Recording::open(&path, &mut |_| {}).unwrap();
    let bodies: Vec<_> =
        recording.exchanges().iter().map(|exchange| &exchange.response.as_ref().unwrap().content).collect();
    assert_eq!(bodies.len(), found.len());
    assert!(bodies.iter().all(|content| held(content) == b"\x00attached"));
    let reasons: Vec<_> = recording.skipped().invalid.iter().map(|invalid| &invalid.reason[..]).collect();
    assert_eq!(
        reasons,
        [
            "the body's file `../x.har` is not in the recording's folder",
            "the body's file `res/../body.bin` is not in the recording's folder",
            "the body's file `/etc/hostname` is not in the recording's folder",
            "the body's file `..\\\\x.har` is not in the recording's folder",
            "the body's file `link` cannot be read: it is not a regular file",
            "the body's file `out/hostname` cannot be read: a link leads out of the recording's folder",
            "the body's file `missing` cannot be read: No such file or directory (os error 2)",
            "the body's file `res` cannot be read: it is not a regular file",
            "the body's file `` is not in the recording's folder",
        ]
    );
}

#[test]
fn a_body_may_be_in_a_member_of_the_recorders_own() {
    let asked = |key: &str, value: Value| {
        let entry = set(with("/request/method", "POST".into()), "/request/bodySize", 6.into());
        exchange(&set(entry, &format!("/request/{key}"), value)).flow.request.content
    };
    let coded = json!({"text": "AAH//goA", "size": 6, "encoding": "base64"});
    for key in ["_content", "_postData"] {
        assert_eq!(held(&asked(key, coded.clone())), b"\x00\x01\xff\xfe\x0a\x00");
        assert_eq!(held(&asked(key, json!({"text": "caf\u{e9}", "size": 4}))), b"caf\xe9");
        for other in [json!({}), json!("x"), json!(1)] {
            assert_eq!(asked(key, other), Content::NotRecorded);
        }
    }
    // What HAR has a place for counts more.
    let both = json!({"postData": {"text": "a"}, "_content": {"text": "b"}, "method": "POST", "url": "http://a/"});
    assert_eq!(held(&exchange(&with("/request", both)).request.content), b"a");
    let answered = json!({"status": 200, "headers": [], "content": {"size": 1}, "_content": {"text": "b"}});
    assert_eq!(held(&response(&with("/response", answered)).content), b"b");
}

#[test]
fn parameters_are_escaped_already_where_that_makes_up_the_size() {
    let body = |value: &str, size: i64, length: &str| {
        let params = json!([{"name": "a", "value": value}, {"name": "b", "value": ""}]);
        let data = json!({"mimeType": "application/x-www-form-urlencoded", "params": params});
        let entry = set(with("/request/postData", data), "/request/bodySize", size.into());
        let fields = json!([["Content-Type", "application/x-www-form-urlencoded"], ["Content-Length", length]]);
        String::from_utf8(held(&exchange(&set(entry, "/request/headers", fields)).request.content).to_vec()).unwrap()
    };
    for (value, size, length, expected) in [
        ("%2Fx", 9, "9", "a=%2Fx&b="),
        ("%2Fx", -1, "9", "a=%2Fx&b="),
        ("%2Fx", 11, "11", "a=%252Fx&b="),
        ("%2Fx", -1, "", "a=%252Fx&b="),
        ("x y", 8, "8", "a=x+y&b="),
    ] {
        assert_eq!(body(value, size, length), expected, "{value} {size} {length}");
    }
}

#[test]
fn what_post_data_alone_tells_says_how_a_body_is_compared() {
    let told = |fields: Value, data: Value| {
        let found = exchange(&set(with("/request/headers", fields), "/request/postData", data));
        let kind = found.request.fields.get("content-type").map(|kind| String::from_utf8_lossy(kind).into_owned());
        (kind, found.comparison.map(|comparison| (comparison.media_type, comparison.at_least.is_some())))
    };
    let text = |kind: &str| json!({"mimeType": kind, "text": "{}"});
    let kept = |kind: &str| Some(kind.to_owned());
    for (kind, known) in [
        ("application/json; charset=utf-8", Some("application/json")),
        ("application/vnd.api+json", Some("application/json")),
        ("application/x-www-form-urlencoded", Some("application/x-www-form-urlencoded")),
        ("Multipart/Related; boundary=A", Some("multipart/mixed")),
        ("text/plain", None),
        ("", None),
    ] {
        let expected = (known.and(kept(kind)), known.map(|known| (known, false)));
        assert_eq!(told(json!([]), text(kind)), expected, "{kind}");
        // What a field says is not told again.
        assert_eq!(told(json!([["content-type", "a/b"]]), text(kind)), (kept("a/b"), None), "{kind}");
    }
    assert_eq!(told(json!([]), json!({"mimeType": "application/json", "text": ""})), (None, None));
    let form =
        |value: Value| json!({"mimeType": "multipart/form-data", "params": [value, {"name": "b", "value": "1"}]});
    let kind = kept("multipart/form-data; boundary=----form");
    let whole = form(json!({"name": "a", "value": ""}));
    assert_eq!(told(json!([]), whole), (kind, Some(("multipart/form-data", false))));
    // The file is not there.
    let (_, compared) = told(json!([]), form(json!({"name": "a", "fileName": "a.txt"})));
    assert_eq!(compared, Some(("multipart/form-data", true)));
    let params = json!({"params": [{"name": "a", "value": "1"}]});
    let field = json!([["Content-Type", "application/x-www-form-urlencoded"]]);
    assert_eq!(told(field, params).1, Some(("application/x-www-form-urlencoded", false)));
}
