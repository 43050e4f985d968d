//! The cases that describe server replay as data.

mod request;

use matcher::{NameList, Options};
use request::{Request, same};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    options: Names,
    recorded: Request,
    incoming: Request,
    expect: bool,
}

/// The options by the names that users know.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Names {
    server_replay_use_headers: Vec<String>,
    server_replay_ignore_content: bool,
    server_replay_ignore_params: Vec<String>,
    server_replay_ignore_payload_params: Vec<String>,
    server_replay_ignore_host: bool,
    server_replay_ignore_port: bool,
}

impl From<Names> for Options {
    fn from(names: Names) -> Self {
        Self {
            use_headers: names.server_replay_use_headers,
            ignore_content: names.server_replay_ignore_content,
            ignore_params: NameList::new(names.server_replay_ignore_params),
            ignore_payload_params: NameList::new(names.server_replay_ignore_payload_params),
            ignore_host: names.server_replay_ignore_host,
            ignore_port: names.server_replay_ignore_port,
            ..Self::default()
        }
    }
}

#[test]
fn every_vector_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/match.json");
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vectors = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for case in vectors.cases {
        if same(&case.recorded, &case.incoming, &case.options.into()) != case.expect {
            wrong.push(case.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
