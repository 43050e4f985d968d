//! Which responses are pages, and the banner in them: plain functions on plain data.

/// What the decision depends on; a field that is absent is empty.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The status code.
    pub status: u16,
    /// The field `content-type`.
    pub content_type: &'a [u8],
    /// The field `content-encoding`.
    pub content_encoding: &'a [u8],
    /// The field `cache-control`.
    pub cache_control: &'a [u8],
}

/// Whether this is the head of a whole HTML page in plain bytes, which may be changed.
pub fn is_editable(head: &Head<'_>) -> bool {
    let is = |value: &[u8], word: &str| value.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
    let media_type = head.content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    let is_plain = is(head.content_encoding, "") || is(head.content_encoding, "identity");
    let is_protected = head.cache_control.split(|&byte| byte == b',').any(|directive| is(directive, "no-transform"));
    // A part of a page (206) has no place for a banner, or has it somewhere else.
    head.status != 206 && is(media_type, "text/html") && is_plain && !is_protected
}

/// The page with a banner at the top of its body; nothing when it has no `<body>` tag.
pub fn banner(page: &[u8], text: &str) -> Option<Vec<u8>> {
    let (before, after) = page.split_at_checked(body_start(page)?)?;
    Some([before, b"<p role=\"status\">", escape(text).as_bytes(), b"</p>", after].concat())
}

/// The position behind the first `<body …>` tag.
fn body_start(page: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"<body";
    let is_tag = |window: &[u8]| {
        let (name, end) = window.split_at(NAME.len());
        name.eq_ignore_ascii_case(NAME) && end.iter().all(|byte| byte.is_ascii_whitespace() || b">/".contains(byte))
    };
    let tag = page.windows(NAME.len() + 1).position(is_tag)?;
    let mut quote = None;
    for (position, &byte) in page.iter().enumerate().skip(tag + NAME.len()) {
        match (quote, byte) {
            (None, b'>') => return Some(position + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The text for HTML in whatever encoding of ASCII the page has.
fn escape(text: &str) -> String {
    let escape = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        ascii if ascii.is_ascii() => ascii.to_string(),
        other => format!("&#{};", u32::from(other)),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Head<'_> = Head { status: 200, content_type: b"text/html", content_encoding: b"", cache_control: b"" };

    fn with_banner(page: &str, text: &str) -> Option<String> {
        banner(page.as_bytes(), text).map(|page| String::from_utf8(page).expect("it was UTF-8"))
    }

    #[test]
    fn html_in_plain_bytes_is_editable() {
        assert!(is_editable(&PAGE));
        assert!(is_editable(&Head { status: 404, ..PAGE }));
        assert!(is_editable(&Head { content_type: b"Text/HTML ; charset=utf-8", ..PAGE }));
        assert!(is_editable(&Head { content_encoding: b"identity", ..PAGE }));
        assert!(is_editable(&Head { cache_control: b"max-age=60, private", ..PAGE }));
    }

    #[test]
    fn everything_else_is_not() {
        assert!(!is_editable(&Head { status: 206, ..PAGE }));
        assert!(!is_editable(&Head { content_type: b"", ..PAGE }));
        assert!(!is_editable(&Head { content_type: b"application/json", ..PAGE }));
        assert!(!is_editable(&Head { content_type: b"text/html-sandboxed", ..PAGE }));
        assert!(!is_editable(&Head { content_encoding: b"gzip", ..PAGE }));
        assert!(!is_editable(&Head { cache_control: b"private, No-Transform", ..PAGE }));
    }

    #[test]
    fn the_banner_stands_at_the_top_of_the_body() {
        let cases = [
            ("<body>x</body>", "<body><p role=\"status\">soon</p>x</body>"),
            ("<html><BODY class='a>b' id=c>x", "<html><BODY class='a>b' id=c><p role=\"status\">soon</p>x"),
            ("<tbody><body\n>", "<tbody><body\n><p role=\"status\">soon</p>"),
        ];
        for (page, expected) in cases {
            assert_eq!(with_banner(page, "soon").as_deref(), Some(expected), "{page}");
        }
    }

    #[test]
    fn a_page_without_a_body_tag_stays() {
        for page in ["", "<", "<body", "<body class=\"x>", "<bodyguard>", "<p>body</p>"] {
            assert_eq!(with_banner(page, "soon"), None, "{page}");
        }
    }

    #[test]
    fn the_text_is_no_markup_and_fits_any_encoding() {
        let page = with_banner("<body>", "<b>5 & 6</b> o’clock");
        assert_eq!(page.as_deref(), Some("<body><p role=\"status\">&lt;b&gt;5 &amp; 6&lt;/b&gt; o&#8217;clock</p>"));
    }
}
