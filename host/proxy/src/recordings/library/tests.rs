use super::*;

fn library(keys: &[&[u8]]) -> Library {
    let mut library = Library::default();
    for (id, key) in (0..).zip(keys) {
        library.places.push((0, id as usize));
        library.answering.push(false);
        library.file(key.to_vec(), id, 1 << 20).expect("there is room");
    }
    let slots = (0..keys.len() as u32).collect();
    let recording = Recording::open(Path::new("../../examples/shop.mitm"), &mut |_| {}).expect("the recording opens");
    library.recordings.push(Loaded { flows: Arc::new(RecordedFlows::new(recording)), slots, stamp: None });
    library
}

fn taken(library: &Library, session: &Session, order: Order, times: usize) -> Vec<Option<u32>> {
    let take = |_| match library.take(session, b"k", order) {
        Taken::Exchange(id) => Some(id),
        Taken::Used(_) | Taken::Unknown => None,
    };
    (0..times).map(take).collect()
}

fn session(name: &str) -> Session {
    Session::named(name).expect("a session's name")
}

#[test]
fn an_index_over_nothing_is_bounded_by_the_addons_memory() {
    let mut library = Library::default();
    let mut filed = 0;
    while library.file(vec![b'a'; 1000], filed, 10_000).is_ok() {
        filed += 1;
    }
    assert!((1000..1250).contains(&filed), "{filed}");
    assert_eq!(library.relate(vec![b'b'; 1000], 0, 10_000), Err(OutOfMemory));
}

#[test]
fn each_order_takes_its_own() {
    let unnamed = Session::default();
    for (order, expected) in [
        (Order::Once, vec![Some(0), Some(1), None, None]),
        (Order::First, vec![Some(0); 4]),
        (Order::Last, vec![Some(1); 4]),
        (Order::Cycle, vec![Some(0), Some(1), Some(0), Some(1)]),
        (Order::Stick, vec![Some(0), Some(1), Some(1), Some(1)]),
    ] {
        assert_eq!(taken(&library(&[b"k", b"k"]), &unnamed, order, 4), expected, "{order:?}");
    }
    assert_eq!(library(&[b"k"]).take(&unnamed, b"other", Order::Once), Taken::Unknown);
}

#[test]
fn sessions_take_apart_and_forget_apart() {
    let library = library(&[b"k", b"k"]);
    let (one, other, unnamed) = (session("one"), session("other"), Session::default());
    assert_eq!(taken(&library, &one, Order::Once, 3), [Some(0), Some(1), None]);
    assert_eq!(taken(&library, &other, Order::Once, 1), [Some(0)]);
    assert_eq!(taken(&library, &unnamed, Order::Once, 1), [Some(0)]);
    assert_eq!((library.hits(Some(&one), 0), library.hits(None, 0), library.hits(None, 1)), (1, 3, 1));
    library.forget(Some(&one));
    assert_eq!(taken(&library, &one, Order::Once, 3), [Some(0), Some(1), None]);
    assert_eq!(taken(&library, &other, Order::Once, 2), [Some(1), None]);
    library.forget(None);
    assert_eq!(library.hits(None, 0), 0);
    assert_eq!(taken(&library, &unnamed, Order::Once, 3), [Some(0), Some(1), None]);
}

#[test]
fn what_was_served_is_not_served_again_under_another_key_or_order() {
    let mut before = library(&[b"k", b"k", b"k"]);
    let session = Session::default();
    assert_eq!(taken(&before, &session, Order::Once, 1), [Some(0)]);
    assert_eq!(taken(&before, &session, Order::Last, 1), [Some(2)]);
    let mut after = library(&[b"k", b"k", b"k"]);
    after.ledger = before.ledger.clone();
    assert_eq!(taken(&after, &session, Order::Once, 2), [Some(1), None]);
    before.index.clear();
    // All three were served once each, so that it is the first one's turn.
    let mut turning = library(&[b"k", b"k", b"k"]);
    turning.ledger = after.ledger.clone();
    assert_eq!(taken(&turning, &session, Order::Cycle, 2), [Some(0), Some(1)]);
}

#[test]
fn it_is_used_up_when_all_answers_were_served() {
    let library = library(&[b"k", b"k"]);
    assert_eq!(library.is_used_up(), Some(false));
    taken(&library, &session("one"), Order::Once, 1);
    assert_eq!(library.is_used_up(), Some(false));
    taken(&library, &session("other"), Order::Last, 1);
    assert_eq!(library.is_used_up(), Some(true));
    library.forget(None);
    assert_eq!(library.is_used_up(), Some(false));
    assert_eq!(Library::default().is_used_up(), None);
}

#[test]
fn many_at_a_time_get_each_once() {
    let keys: Vec<&[u8]> = vec![b"k"; 1000];
    let library = library(&keys);
    let mut all: Vec<Option<u32>> = std::thread::scope(|scope| {
        let take = || taken(&library, &Session::default(), Order::Once, 300);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    all.retain(Option::is_some);
    all.sort_unstable();
    assert_eq!(all, (0..1000).map(Some).collect::<Vec<_>>());
}
