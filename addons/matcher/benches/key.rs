//! What a key costs.

use divan::{Bencher, black_box};
use matcher::{JsonPointer, Options, key};
use request::Request;

#[path = "../tests/request/mod.rs"]
#[expect(dead_code, reason = "tests compare requests")]
mod request;

fn main() {
    divan::main();
}

#[divan::bench]
fn query(bencher: Bencher<'_, '_>) {
    measure(bencher, &browser("GET", "/search?q=red+shoes&page=2&sort=price&session=7f3a", ""), &Options::default());
}

/// Of a body that counts by its values.
#[divan::bench]
fn json(bencher: Bencher<'_, '_>) {
    let body = r#"{"order": 1042, "items": [{"id": 7, "count": 2, "note": "red"}, {"id": 9, "count": 1, "note": null}],
        "sent_at": "2023-11-14T22:13:20Z", "customer": {"name": "Ada", "mail": "ada@shop.example"}}"#;
    let ignored = JsonPointer::parse("/sent_at").into_iter().collect();
    measure(bencher, &browser("POST", "/orders", body), &Options { ignore_json: ignored, ..Options::default() });
}

fn measure(bencher: Bencher<'_, '_>, request: &Request, options: &Options) {
    // What the first one makes ready is not what each costs.
    assert!(key(request, options).is_some(), "everything of it can be read");
    bencher.bench_local(|| counted(black_box(request), options));
}

/// What is measured. Its name is how counters of instructions find it.
#[inline(never)]
fn counted(request: &Request, options: &Options) -> Option<Vec<u8>> {
    key(request, options)
}

/// A request with the fields that browsers send.
fn browser(method: &str, path: &str, body: &str) -> Request {
    let fields = [
        ("Host", "example.com"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("Accept", "application/json, text/plain, */*"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Content-Type", "application/json"),
        ("Referer", "http://example.com/"),
        ("Cookie", "session=7f3a; theme=dark"),
        ("Connection", "keep-alive"),
        ("Pragma", "no-cache"),
    ];
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: body.to_owned(),
        ..Request::default()
    }
}
