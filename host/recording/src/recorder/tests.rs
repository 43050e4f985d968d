use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;
use crate::{
    Content, Exchange, Message, Recording, WebSocket,
    samples::{answered, written},
};

struct Scene {
    _folder: TempDir,
    path: PathBuf,
    recorder: Recorder,
}

impl Scene {
    fn new(redactor: Option<Box<dyn Redactor>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        let Opened { recorder, notice } = Recorder::open(path.to_str().unwrap(), Existing::Refuse, redactor).unwrap();
        assert_eq!(notice, None);
        Self { _folder: folder, path, recorder }
    }

    fn recording(&self) -> Recording {
        Recording::open(&self.path, &mut |_| {}).unwrap()
    }
}

fn content(exchange: &Exchange) -> &Content {
    &exchange.response.as_ref().unwrap().content
}

fn with_kept(id: &str, kept: Kept) -> Flow<Input> {
    let mut flow = answered("").map_contents(Input::from);
    flow.id = id.into();
    flow.response.as_mut().unwrap().content = Input::Kept(kept);
    flow
}

/// A body of its own for every number, up to some hundred kilobytes long.
fn body(number: usize) -> Vec<u8> {
    (0..number * 4001 % 300_000).map(|at| (at * 7 + number) as u8).collect()
}

#[tokio::test]
async fn a_flow_is_in_the_file_when_its_future_is_done() {
    let scene = Scene::new(None);
    scene.recorder.save(1, answered("hello")).await;
    assert_eq!(fs::read(&scene.path).unwrap(), written(&[answered("hello")]));
    assert_eq!(scene.recorder.tally(), Tally { waiting_bytes: 0, written: 1, lost: 0 });
}

#[test]
fn a_flow_is_handed_in_without_its_future() {
    let scene = Scene::new(None);
    drop(scene.recorder.save(1, answered("hello")));
    scene.recorder.finish();
    assert_eq!(fs::read(&scene.path).unwrap(), written(&[answered("hello")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_hand_in_at_once() {
    let scene = Scene::new(None);
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let recorder = scene.recorder.clone();
        tasks.spawn(async move {
            let kept = recorder.keep();
            for piece in body(number).chunks(10_000) {
                std::future::poll_fn(|context| kept.poll_room(context)).await;
                kept.add(Bytes::copy_from_slice(piece));
                tokio::task::yield_now().await;
            }
            recorder.save(number as u64, with_kept(&number.to_string(), kept)).await;
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let recording = scene.recording();
    let ids: BTreeSet<usize> = recording.exchanges().iter().map(|exchange| exchange.id.parse().unwrap()).collect();
    assert_eq!(ids.len(), 200);
    for exchange in recording.exchanges() {
        assert!(recording.read(content(exchange)).unwrap() == body(exchange.id.parse().unwrap()), "{}", exchange.id);
    }
}

#[test]
fn one_content_can_be_saved_with_two_flows() {
    let scene = Scene::new(None);
    for len in [100, 100_000] {
        let kept = scene.recorder.keep();
        kept.add(vec![b'x'; len].into());
        kept.add(vec![b'y'; len].into());
        let mut flow = with_kept("1", kept.clone());
        flow.request.content = Input::Kept(kept.clone());
        drop(scene.recorder.save(1, flow));
        drop(scene.recorder.save(2, with_kept("2", kept)));
    }
    scene.recorder.finish();
    let recording = scene.recording();
    let sizes: Vec<_> =
        recording.exchanges().iter().map(|it| (it.request.content.size(), content(it).size())).collect();
    let asked = Some(5);
    assert_eq!(
        sizes,
        [(Some(200), Some(200)), (asked, Some(200)), (Some(200_000), Some(200_000)), (asked, Some(200_000))]
    );
}

#[test]
fn pieces_and_messages_are_written_with_what_was_kept() {
    let scene = Scene::new(None);
    let kept = scene.recorder.keep();
    let begun = SystemTime::now() - Duration::from_secs(2);
    kept.add("hel".into());
    kept.add("lo".into());
    let pieces = kept.pieces(begun);
    let mut flow = with_kept("1", kept);
    flow.response.as_mut().unwrap().pieces = pieces.clone();
    let said = scene.recorder.keep();
    said.add("said".into());
    let message = |content| Message { is_text: true, from_client: true, content, at: 1.0 };
    let messages = vec![message(Input::Kept(said)), message(Input::Kept(scene.recorder.keep()))];
    flow.websocket = Some(WebSocket { messages, ..Default::default() });
    drop(scene.recorder.save(1, flow));
    scene.recorder.finish();
    let recording = scene.recording();
    let exchange = &recording.exchanges()[0];
    assert_eq!(exchange.response.as_ref().unwrap().pieces, pieces);
    let messages = &exchange.websocket.as_ref().unwrap().messages;
    let contents: Vec<_> = messages.iter().map(|message| recording.read(&message.content).unwrap()).collect();
    assert_eq!(contents, ["said", ""]);
}

#[test]
fn a_file_has_one_recorder() {
    let scene = Scene::new(None);
    let target = format!("+{}", scene.path.display());
    assert!(matches!(Recorder::open(&target, Existing::Replace, None), Err(RecorderError::Locked { .. })));
    drop(scene.recorder.save(1, answered("1")));
    scene.recorder.finish();
    let Opened { recorder, notice } = Recorder::open(&target, Existing::Replace, None).unwrap();
    assert_eq!(notice, None);
    drop(recorder.save(2, answered("2")));
    recorder.finish();
    assert_eq!(fs::read(&scene.path).unwrap(), written(&[answered("1"), answered("2")]));
}

#[test]
fn a_recorder_that_nobody_has_any_more_ends() {
    let scene = Scene::new(None);
    drop(scene.recorder.save(1, answered("1")));
    let kept = scene.recorder.keep();
    let thread = scene.recorder.thread.lock().unwrap().take().unwrap();
    drop(scene.recorder);
    kept.add("x".into());
    drop(kept);
    thread.join().unwrap();
    assert_eq!(fs::read(&scene.path).unwrap(), written(&[answered("1")]));
}

#[tokio::test]
async fn after_the_end_nothing_is_recorded_and_nobody_waits() {
    let scene = Scene::new(None);
    scene.recorder.finish();
    scene.recorder.finish();
    let kept = scene.recorder.keep();
    kept.add(vec![0; 100_000].into());
    scene.recorder.save(1, with_kept("1", kept)).await;
    assert!(fs::read(&scene.path).unwrap().is_empty());
}

/// Keeps the recorder's thread like a disk that does not answer, until it gets a word.
struct Stuck {
    arrived: SyncSender<()>,
    go_on: Receiver<()>,
}

impl Redactor for Stuck {
    fn redact(&self, _: &mut Flow<Source>) -> Result<(), String> {
        // The test only looks for the first time.
        let _ = self.arrived.send(());
        self.go_on.recv().map_err(|error| error.to_string())
    }
}

/// A scene whose thread is stuck with a first flow; the word that frees it.
fn stuck() -> (Scene, SyncSender<()>) {
    let ((arrived, has_arrived), (word, go_on)) = (sync_channel(100), sync_channel(100));
    let scene = Scene::new(Some(Box::new(Stuck { arrived, go_on })));
    drop(scene.recorder.save(1, answered("1")));
    has_arrived.recv().unwrap();
    (scene, word)
}

#[tokio::test]
async fn nobody_waits_for_a_stuck_disk_forever() {
    let (scene, word) = stuck();
    let waiting = [2, 3].map(|label| scene.recorder.save(label, answered("2")));
    for save in waiting {
        save.await;
    }
    assert!(fs::read(&scene.path).unwrap().is_empty());
    assert!(scene.recorder.is_known_slow.load(Ordering::Relaxed));
    (0..3).for_each(|_| word.send(()).unwrap());
    scene.recorder.finish();
    assert_eq!(scene.recording().exchanges().len(), 3);
}

#[test]
fn bodies_wait_for_a_stuck_disk() {
    let (scene, word) = stuck();
    let kept = scene.recorder.keep();
    let mut context = Context::from_waker(Waker::noop());
    let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
    let mut added = 0;
    while kept.poll_room(&mut context).is_ready() {
        kept.add(piece.clone());
        added += 1;
    }
    assert_eq!(added, 32);
    drop(scene.recorder.save(2, with_kept("2", kept.clone())));
    (0..2).for_each(|_| word.send(()).unwrap());
    scene.recorder.finish();
    assert_eq!(kept.poll_room(&mut context), Poll::Ready(()));
    assert_eq!(content(&scene.recording().exchanges()[1]).size(), Some(32 * 1024 * 1024));
}

#[test]
fn the_recorder_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Recorder>();
    is_shared::<Kept>();
}
