//! Requests against recordings, under every mode of reuse: they get what a slow reference says, the same one as in the
//! property tests of `serverreplay`.

#![no_main]

#[path = "../../../addons/serverreplay/tests/model/mod.rs"]
mod model;

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use model::{Index, REUSES, Reference, Request};
use serverreplay::options::Miss;

type Written = (u8, Vec<(bool, u8)>, u8);

#[derive(Arbitrary, Debug)]
struct Session {
    status: Option<u16>,
    kills: bool,
    recorded: Vec<Written>,
    live: Vec<Written>,
}

fuzz_target!(|session: Session| {
    let miss = match session.status {
        _ if session.kills => Miss::Kill,
        Some(status) => Miss::Status(status),
        None => Miss::Forward,
    };
    let [recorded, live] = [session.recorded, session.live].map(|written| requests(&written));
    for reuse in REUSES {
        let index = Index::new(&recorded);
        let mut reference = Reference::new(&recorded);
        for request in &live {
            assert_eq!(index.answer(request, reuse, miss), reference.answer(request, reuse, miss), "{reuse:?}");
        }
    }
});

/// Few of each kind, so that many are the same.
fn requests(written: &[Written]) -> Vec<Request> {
    let pairs = |query: &[(bool, u8)]| query.iter().take(3).map(|&(is_ignored, value)| (is_ignored, value % 2)).collect();
    let written = written.iter().take(64);
    written.map(|(path, query, content)| Request { path: path % 3, query: pairs(query), content: content % 2 }).collect()
}
