//! The cases that describe refreshing as data.

use refresher::refresh_fields;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    recorded: f64,
    now: f64,
    before: Vec<(String, String)>,
    expect: Vec<(String, String)>,
}

#[test]
fn every_vector_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/refresh.json");
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vectors = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for case in vectors.cases {
        let mut fields = case.before;
        for edit in refresh_fields(&fields, case.now - case.recorded) {
            fields[edit.line].1 = String::from_utf8(edit.value).unwrap();
        }
        if fields != case.expect {
            wrong.push((case.id, fields));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
