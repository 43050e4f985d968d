//! Secrets in header fields.

use crate::{NameList, REPLACEMENT, Rules, bytes::split_once, edit::Edit, query};

/// Fields without which a message could not be read, or not be told from another, in lower case.
const KEPT: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that hold a URL, in lower case.
const URLS: [&str; 5] = ["content-location", "location", "referer", "x-original-url", "x-rewrite-url"];

/// Fields that hold URLs among other things, in lower case.
const WITH_URLS: [&str; 2] = ["link", "refresh"];

/// Whether a field is never redacted. The name is in lower case.
pub(crate) fn is_kept(name: &str) -> bool {
    KEPT.contains(&name)
}

/// Replaces what is secret of a field's value. The name is in lower case.
pub(crate) fn edits(rules: &Rules, name: &str, value: &[u8]) -> Vec<Edit> {
    if is_kept(name) {
        return Vec::new();
    }
    if rules.fields.contains(name.as_bytes()) {
        return vec![Edit { range: 0..value.len(), with: REPLACEMENT }];
    }
    match name {
        "cookie" => {
            let mut next = 0;
            let cookies = value.split(|&byte| byte == b';').filter_map(|pair| {
                let start = next;
                next += pair.len() + 1;
                cookie(pair, start, &rules.cookies)
            });
            cookies.collect()
        }
        "set-cookie" => {
            let pair = value.split(|&byte| byte == b';').next().unwrap_or(value);
            cookie(pair, 0, &rules.cookies).into_iter().collect()
        }
        _ if URLS.contains(&name) => query::url_edits(value, &rules.query),
        _ if WITH_URLS.contains(&name) => {
            let mut next = 0;
            let pieces = value.split(|byte| b" \t,;<>\"'".contains(byte)).flat_map(|piece| {
                let start = next;
                next += piece.len() + 1;
                query::url_edits(piece, &rules.query).into_iter().map(move |mut edit| {
                    edit.range = edit.range.start + start..edit.range.end + start;
                    edit
                })
            });
            pieces.collect()
        }
        _ => Vec::new(),
    }
}

/// Replaces the value of a pair that begins at a position of its text, but not the white space around it.
fn cookie(pair: &[u8], start: usize, names: &NameList) -> Option<Edit> {
    let (name, value) = split_once(pair, b"=")?;
    if !names.contains(name.trim_ascii()) {
        return None;
    }
    let end = start + pair.trim_ascii_end().len();
    let start = start + pair.len() - value.trim_ascii_start().len();
    (start < end).then_some(Edit { range: start..end, with: REPLACEMENT })
}

#[cfg(test)]
mod tests {
    use crate::Rules;

    #[test]
    fn fields_cookies_and_urls_are_redacted() {
        let texts = ["field:Authorization", "field:glob:X-*-Key", "field:glob:*-length", "cookie:id", "query:code"];
        let rules = Rules::parse(&texts.map(str::to_owned)).unwrap();
        for (name, value, expected) in [
            ("authorization", "Bearer x, y", "redacted"),
            ("AUTHORIZATION", "", ""),
            ("x-api-key", "1", "redacted"),
            ("content-length", "1", "1"),
            ("x-other", "id=1", "id=1"),
            ("Cookie", "a=1; id = \"x=y\" ;ID=2;id=3", "a=1; id = redacted ;ID=2;id=redacted"),
            ("cookie", "id", "id"),
            ("cookie", "id= ; x=id=1", "id= ; x=id=1"),
            ("Set-Cookie", "id=x y; Path=/; id=1", "id=redacted; Path=/; id=1"),
            ("set-cookie", "a=1; id=2", "a=1; id=2"),
            ("Location", "/cb?state=1&code=2#code=3", "/cb?state=1&code=redacted#code=redacted"),
            ("referer", "https://a/?code=1", "https://a/?code=redacted"),
            ("content-location", "?code=1", "?code=redacted"),
            ("x-original-url", "/a?code=1", "/a?code=redacted"),
            (
                "link",
                "</a?code=1>; rel=\"next\", </b?x=1&code=2>",
                "</a?code=redacted>; rel=\"next\", </b?x=1&code=redacted>",
            ),
            ("refresh", "5; url=/a?code=1", "5; url=/a?code=redacted"),
            ("origin", "https://a?code=1", "https://a?code=1"),
        ] {
            for value in [value, expected] {
                let redacted = rules.field(name, value.as_bytes());
                assert_eq!(String::from_utf8_lossy(&redacted), expected, "{name}: {value}");
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept() {
        let rules = Rules::parse(&["cookie:id".to_owned()]).unwrap();
        assert_eq!(*rules.field("cookie", b"a=\xff; id=\xfe"), *b"a=\xff; id=redacted");
    }
}
