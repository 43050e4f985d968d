//! What refreshing costs.

use divan::{Bencher, black_box};
use refresher::{Edit, refresh_fields};

/// The fields of a response, of which four have a date.
const FIELDS: [(&str, &str); 10] = [
    ("Date", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ("Server", "nginx"),
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Length", "1024"),
    ("Cache-Control", "max-age=600"),
    ("Expires", "Tue, 14 Nov 2023 22:23:20 GMT"),
    ("Last-Modified", "Mon, 13 Nov 2023 08:00:00 GMT"),
    ("ETag", "\"5f3a-1\""),
    ("Set-Cookie", "session=7f3a; Path=/; Expires=Wed, 15 Nov 2023 22:13:20 GMT; HttpOnly"),
    ("Vary", "Accept-Encoding"),
];

fn main() {
    divan::main();
}

#[divan::bench]
fn response(bencher: Bencher<'_, '_>) {
    assert_eq!(refresh_fields(&FIELDS, SECONDS).len(), 4, "dates move");
    bencher.bench(|| counted(black_box(&FIELDS)));
}

/// How far the dates move.
const SECONDS: f64 = 86_400.5;

/// What is measured. Its name is how counters of instructions find it.
#[inline(never)]
fn counted(fields: &[(&str, &str)]) -> Vec<Edit> {
    refresh_fields(fields, SECONDS)
}
