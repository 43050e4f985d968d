//! Any requests against any recordings, under every mode of reuse, get what a slow reference says.

mod model;

use std::thread;

use model::{Answer, Index, REUSES, Reference, Request};
use proptest::prelude::*;
use serverreplay::options::{Miss, Reuse};

fn requests(most: usize) -> impl Strategy<Value = Vec<Request>> {
    let query = prop::collection::vec((any::<bool>(), 0..2u8), 0..3);
    let request = (0..2u8, query, 0..2u8).prop_map(|(path, query, content)| Request { path, query, content });
    prop::collection::vec(request, 0..most)
}

fn misses() -> impl Strategy<Value = Miss> {
    prop::sample::select(&[Miss::Forward, Miss::Kill, Miss::Status(404)][..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn answers_are_those_of_the_reference(recorded in requests(12), live in requests(24), miss in misses()) {
        for reuse in REUSES {
            let index = Index::new(&recorded);
            let mut reference = Reference::new(&recorded);
            for request in &live {
                prop_assert_eq!(index.answer(request, reuse, miss), reference.answer(request, reuse, miss), "{:?}", reuse);
            }
        }
    }

    #[test]
    fn at_once_the_same_are_handed_out(recorded in requests(12), live in requests(24), miss in misses()) {
        for reuse in REUSES {
            let mut reference = Reference::new(&recorded);
            let mut expected: Vec<Answer> = live.iter().map(|request| reference.answer(request, reuse, miss)).collect();
            expected.sort();
            let mut found = at_once(&Index::new(&recorded), &live, reuse, miss);
            found.sort();
            prop_assert_eq!(found, expected, "{:?}", reuse);
        }
    }
}

/// The answers to requests of four clients.
fn at_once(index: &Index, live: &[Request], reuse: Reuse, miss: Miss) -> Vec<Answer> {
    thread::scope(|scope| {
        let client = |first: usize| {
            let requests = live.iter().skip(first).step_by(4);
            scope.spawn(move || requests.map(|request| index.answer(request, reuse, miss)).collect::<Vec<_>>())
        };
        let clients: Vec<_> = (0..4).map(client).collect();
        clients.into_iter().flat_map(|client| client.join().expect("no client panics")).collect()
    })
}
