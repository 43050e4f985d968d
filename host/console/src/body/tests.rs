use proptest::prelude::*;

use super::*;

fn shown(content_type: &str, content: &[u8]) -> String {
    let body = body(Some(content_type), content, Look::default());
    let mut lines = vec![body.title];
    lines.extend(body.lines);
    lines.join("\n")
}

#[test]
fn json_keeps_numbers_and_order() {
    let text = r#" {"b":1.10e5,"a":[{},[ ],{"x":"y\": {"}],"c":12345678901234567890123} "#;
    let expected = "JSON, 70 B
{
  \"b\": 1.10e5,
  \"a\": [
    {},
    [],
    {
      \"x\": \"y\\\": {\"
    }
  ],
  \"c\": 12345678901234567890123
}";
    assert_eq!(shown("application/vnd.api+json; charset=utf-8", text.as_bytes()), expected);
}

#[test]
fn what_is_no_json_is_text() {
    assert_eq!(shown("application/json", b"{\"a\":"), "Text, 5 B\n{\"a\":");
}

#[test]
fn forms_are_decoded() {
    let form = shown("application/x-www-form-urlencoded", b"name=J%C3%BCrgen+M&empty=&flag&odd=%zz%4");
    assert_eq!(form, "Form, 40 B\nname: Jürgen M\nempty: \nflag: \nodd: %zz%4");
}

#[test]
fn parts_are_shown_by_their_types() {
    let content =
        b"--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b\r\nContent-Disposition: form-data; \
name=\"data\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n--b--\r\n";
    let expected = "Multipart, 159 B
--b
Content-Disposition: form-data; name=\"note\"

hello
--b
Content-Disposition: form-data; name=\"data\"
Content-Type: application/json

{
  \"a\": 1
}";
    assert_eq!(shown("multipart/form-data; boundary=\"b\"", content), expected);
}

#[test]
fn markup_is_indented() {
    let html = "<!doctype html><html><head><meta charset=utf-8><title>A &lt; B</title></head>\
<body data-x='a > b'>Hello <b>you</b><br><script>if (a < b) {\n  c()\n}</script></body></html>";
    let expected = "HTML, 169 B
<!doctype html>
<html>
  <head>
    <meta charset=utf-8>
    <title>
      A &lt; B
    </title>
  </head>
  <body data-x='a > b'>
    Hello
    <b>
      you
    </b>
    <br>
    <script>
      if (a < b) {
      c()
      }
    </script>
  </body>
</html>";
    assert_eq!(shown("text/html", html.as_bytes()), expected);
    let xml = "XML, 38 B\n<?xml version=\"1.0\"?>\n<a>\n  <b/>\n  text\n</a>";
    assert_eq!(shown("image/svg+xml", b"<?xml version=\"1.0\"?><a><b/> text </a>"), xml);
}

#[test]
fn images_have_a_kind_and_a_size() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\x02\x58\x08\x06";
    assert_eq!(shown("image/png", png), "PNG image, 800 × 600, 26 B");
    assert_eq!(shown("image/gif", b"GIF89a\x10\0\x20\0"), "GIF image, 16 × 32, 10 B");
    let jpeg = b"\xff\xd8\xff\xe0\0\x04xx\xff\xc0\0\x11\x08\0\x10\0\x20";
    assert_eq!(shown("image/jpeg", jpeg), "JPEG image, 32 × 16, 17 B");
    let webp = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0";
    assert_eq!(shown("image/webp", webp), "WebP image, 16 × 32, 30 B");
    assert_eq!(shown("image/jpeg", b"\xff\xd8\xff"), "JPEG image, 3 B");
}

#[test]
fn grpc_is_shown_by_message() {
    let content = b"\0\0\0\0\x0b\x08\x96\x01\x12\x02hi\x1a\x02\x08\x01\x01\0\0\0\x02ab\0\0";
    let expected = "gRPC, 25 B
message 1, 11 B
  1: 150
  2: \"hi\"
  3:
    1: 1
message 2, 2 B, compressed
  00000000  61 62                                             ab
2 B more, which are no message";
    assert_eq!(shown("application/grpc+proto", content), expected);
}

#[test]
fn other_bytes_are_shown_as_they_are() {
    let expected = "Hex, 18 B
00000000  00 01 02 03 04 05 06 07  ff fe 41 42 43 44 45 46  ..........ABCDEF
00000010  47 48                                             GH";
    assert_eq!(shown("application/octet-stream", b"\0\x01\x02\x03\x04\x05\x06\x07\xff\xfeABCDEFGH"), expected);
}

#[test]
fn a_long_body_is_cut_until_it_is_asked_for_whole() {
    let text = "line\n".repeat(3 * FEW_LINES);
    let few = body(Some("text/plain"), text.as_bytes(), Look::default());
    assert_eq!((few.lines.len(), few.is_cut), (FEW_LINES, true));
    let whole = body(Some("text/plain"), text.as_bytes(), Look { is_whole: true, ..Look::default() });
    assert_eq!((whole.lines.len(), whole.is_cut), (3 * FEW_LINES, false));
}

const TYPES: [&str; 10] = [
    "application/json",
    "text/html",
    "text/xml",
    "image/png",
    "application/grpc",
    "application/x-protobuf",
    "multipart/form-data; boundary=b",
    "application/x-www-form-urlencoded",
    "text/plain; charset=iso-8859-1",
    "",
];

/// What formats begin with, so that more than the first look at them is tried.
const STARTS: [&[u8]; 9] = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"RIFF\0\0\0\0WEBPVP8L",
    b"--b\r\n\r\n",
    b"\0\0\0\0\x08",
    b"<script>",
    b"<!--",
    b"{\"",
];

proptest! {
    #[test]
    fn any_body_of_any_type_becomes_text(start in 0..STARTS.len(), mut content: Vec<u8>) {
        content.splice(..0, STARTS[start].iter().copied());
        for content_type in TYPES {
            prop_assert!(!body(Some(content_type), &content, Look::default()).title.is_empty());
        }
    }

    #[test]
    fn any_text_becomes_text(text in "[<>/a-c \"'{}:,&=%\\-!\\[\\]]{0,40}") {
        for content_type in TYPES {
            prop_assert!(!body(Some(content_type), text.as_bytes(), Look::default()).title.is_empty());
        }
    }
}
