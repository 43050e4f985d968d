use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use super::*;

/// A content, and what reaches the recorder's thread of it.
fn kept() -> (Kept, Receiver<Work>) {
    let (sender, receiver) = channel();
    (Kept::new(Line { sender, backlog: Arc::default() }), receiver)
}

fn bytes(len: usize) -> Bytes {
    vec![b'x'; len].into()
}

/// The lengths of the pieces in each batch that was handed on.
fn batches(work: &Receiver<Work>) -> Vec<Vec<usize>> {
    let batch = |work| match work {
        Work::Pieces { pieces, bytes, .. } => {
            assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>() as u64, bytes);
            pieces.iter().map(Bytes::len).collect()
        }
        other => panic!("{other:?}"),
    };
    work.try_iter().map(batch).collect()
}

fn lens(kept: &Kept) -> Vec<u64> {
    kept.pieces(SystemTime::now()).iter().map(|piece| piece.len).collect()
}

#[test]
fn small_contents_are_not_handed_on_piece_by_piece() {
    let (kept, work) = kept();
    for len in [10, 0, 20] {
        kept.add(bytes(len));
    }
    assert_eq!((kept.size(), lens(&kept)), (30, vec![10, 20]));
    assert!(batches(&work).is_empty());
    assert_eq!(kept.content().take_gathered().unwrap().len(), 2);
}

#[test]
fn larger_contents_and_many_pieces_are_handed_on_together() {
    let (kept, work) = kept();
    kept.add(bytes(MEMORY_LIMIT));
    assert!(batches(&work).is_empty());
    kept.add(bytes(1));
    assert_eq!(batches(&work), [[MEMORY_LIMIT, 1]]);
    (0..GATHERED_PIECES).for_each(|_| kept.add(bytes(1)));
    assert_eq!(batches(&work), [[1; GATHERED_PIECES]]);
    assert_eq!(
        kept.content.line.backlog.poll_room(0, &mut Context::from_waker(std::task::Waker::noop())),
        Poll::Ready(())
    );
}

#[test]
fn a_piece_is_not_copied() {
    let (kept, _work) = kept();
    let piece = bytes(100);
    kept.add(piece.clone());
    assert_eq!(kept.content().take_gathered().unwrap()[0].as_ptr(), piece.as_ptr());
}

#[test]
fn clones_are_the_same_content() {
    let (kept, _work) = kept();
    let clone = kept.clone();
    kept.add(bytes(1));
    clone.add(bytes(2));
    assert_eq!((kept.size(), lens(&clone)), (3, vec![1, 2]));
    assert_eq!(format!("{kept:?}"), "Kept { content: KeptContent { size: 3, state: Open, .. } }");
}

#[test]
fn arrivals_are_timed_from_a_moment_on_and_never_go_backwards() {
    let (kept, _work) = kept();
    (0..100).for_each(|_| kept.add(bytes(1)));
    let begun_at = kept.content.begun_at;
    let times = |since| kept.pieces(since).iter().map(|piece| piece.after_micros).collect::<Vec<_>>();
    let since_begun = times(begun_at);
    assert!(since_begun.is_sorted());
    let earlier: Vec<_> = since_begun.iter().map(|micros| micros + 5_000_000).collect();
    assert_eq!(times(begun_at - Duration::from_secs(5)), earlier);
    assert_eq!(times(begun_at + Duration::from_secs(3600)), vec![0; 100]);
}

#[test]
fn pieces_beyond_the_limit_join_the_last() {
    let (kept, _work) = kept();
    (0..PIECES_LIMIT + 10).for_each(|_| kept.add(bytes(2)));
    let lens = lens(&kept);
    assert_eq!((lens.len(), lens[0], lens[PIECES_LIMIT - 1]), (PIECES_LIMIT, 2, 22));
    assert_eq!(kept.size(), 2 * (PIECES_LIMIT as u64 + 10));
}

#[test]
fn nothing_comes_after_the_end() {
    let (kept, work) = kept();
    kept.add(bytes(1));
    kept.close();
    kept.add(bytes(2));
    kept.break_off();
    assert_eq!((kept.size(), kept.content().is_broken_off()), (1, false));
    assert_eq!(kept.content().take_gathered().unwrap().len(), 1);
    assert!(batches(&work).is_empty());
}

#[test]
fn what_was_broken_off_is_given_up() {
    let (kept, work) = kept();
    kept.add(bytes(1));
    kept.break_off();
    kept.add(bytes(2));
    kept.break_off();
    assert_eq!((kept.size(), kept.content().take_gathered()), (1, None));
    assert_eq!(batches(&work), [[0_usize; 0]]);
}

#[test]
fn nothing_is_kept_when_the_recorder_is_over() {
    let (kept, work) = kept();
    kept.content.line.backlog.end();
    kept.add(bytes(MEMORY_LIMIT + 1));
    assert_eq!(kept.size(), 0);
    assert!(batches(&work).is_empty());
}

#[test]
fn a_thread_that_is_gone_leaves_no_backlog() {
    let (kept, work) = kept();
    drop(work);
    (0..600).for_each(|_| kept.add(bytes(MEMORY_LIMIT + 1)));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert_eq!(kept.poll_room(&mut context), Poll::Ready(()));
}

#[test]
fn a_file_is_freed_by_the_thread() {
    let (kept, work) = kept();
    let folder = tempfile::tempdir().unwrap();
    kept.content.store().append(vec![bytes(MEMORY_LIMIT + 1)], folder.path());
    let clone = kept.clone();
    drop(kept);
    assert!(work.try_recv().is_err());
    drop(clone);
    assert!(matches!(work.try_recv(), Ok(Work::Free(_))));
}
