use std::{
    fs,
    io::{self, Write},
    sync::{
        Mutex,
        mpsc::{Sender, channel},
    },
};

use jiff::{civil::date, tz::TimeZone};
use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;

use super::super::{
    kept::{Kept, Line},
    store::MEMORY_LIMIT,
};
use super::*;
use crate::{
    Piece, Recording, Source,
    samples::{self, answered, written},
};

/// A writer whose work is done by the test itself.
struct Scene {
    folder: TempDir,
    writer: Writer,
    line: Line,
    /// Keeps what contents send alive; the test hands work to the writer itself.
    work: Receiver<Work>,
    time: Arc<Mutex<ZonedDateTime>>,
}

impl Scene {
    fn new(name: &str) -> Self {
        Self::with(name, None)
    }

    fn with(name: &str, redactor: Option<Box<dyn Redactor>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (plus, name) = name.strip_prefix('+').map_or(("", name), |name| ("+", name));
        let target = Target::parse(&format!("{plus}{}/{name}", folder.path().display())).unwrap();
        let backlog = Arc::new(Backlog::default());
        let (sender, work): (Sender<Work>, _) = channel();
        let line = Line { sender, backlog: backlog.clone() };
        let time = Arc::new(Mutex::new(day(1)));
        let clock = {
            let time = time.clone();
            Box::new(move || time.lock().unwrap().clone())
        };
        let (writer, notice) = Writer::open(target, clock, redactor, backlog).unwrap();
        assert_eq!(notice, None);
        Self { folder, writer, line, work, time }
    }

    fn keep(&self, bytes: usize) -> Kept {
        let kept = Kept::new(self.line.clone());
        kept.add(vec![b'k'; bytes].into());
        kept
    }

    fn save<C: Into<Input>>(&mut self, label: u64, flow: Flow<C>) {
        let flow = flow.map_contents(Into::into);
        let (written, _) = oneshot::channel();
        self.line.backlog.grow(1);
        self.writer.deal_with(Work::Flow(Box::new(Handed { label, flow, bytes: 1, written })));
    }

    /// Does what contents have handed on.
    fn catch_up(&mut self) {
        let all: Vec<Work> = self.work.try_iter().collect();
        all.into_iter().for_each(|work| self.writer.deal_with(work));
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    fn set_day(&self, number: i8) {
        *self.time.lock().unwrap() = day(number);
    }
}

fn day(number: i8) -> ZonedDateTime {
    date(2024, 7, number).at(12, 0, 0, 0).to_zoned_datetime(TimeZone::UTC).unwrap()
}

/// The log while `run` runs, without times, and with the folder replaced by `it`.
fn log_of(folder: &std::path::Path, run: impl FnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).without_time().with_target(false);
    tracing::subscriber::with_default(subscriber.with_ansi(false).finish(), run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().replace(folder.to_str().unwrap(), "it")
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn with_content<C: From<Source>>(content: C) -> Flow<C> {
    let mut flow = answered("").map_contents(C::from);
    flow.response.as_mut().unwrap().content = content;
    flow
}

/// A flow that cannot be written whole.
fn broken() -> Flow<Source> {
    let file = samples::file(b"short");
    let file = Arc::new(File::open(&file.path).unwrap());
    with_content(Source::File { file, offset: 0, len: 6 })
}

#[test]
fn after_a_failure_every_flow_says_that_it_is_not_recorded_and_why() {
    let mut scene = Scene::new("a.mitm");
    let begun = scene.keep(MEMORY_LIMIT + 1);
    scene.catch_up();
    assert!(matches!(&*begun.content().store(), Store::File { .. }));
    let folder = scene.folder.path().to_owned();
    let log = log_of(&folder, || {
        scene.save(1, answered("1"));
        scene.save(2, broken());
        scene.save(3, answered("3"));
    });
    let reason = "cannot write to `it/a.mitm`: 1 bytes of the content are missing; nothing is recorded until this is \
                  mended and the proxy started again";
    let line = |flow: u64| format!("ERROR the flow is not recorded flow={flow} reason=\"{reason}\"\n");
    assert_eq!(log, [line(2), line(3)].concat());
    assert_eq!(scene.file("a.mitm"), written(&[answered("1")]));
    assert!(matches!(&*begun.content().store(), Store::GivenUp));
    assert!(scene.line.backlog.is_over());
    begun.add(vec![0; MEMORY_LIMIT + 1].into());
    assert_eq!(begun.size(), MEMORY_LIMIT as u64 + 1);
}

#[test]
fn a_disk_without_room_for_bodies_is_a_failure() {
    let mut scene = Scene::new("a.mitm");
    let folder = scene.folder.path().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    let kept = scene.keep(MEMORY_LIMIT + 1);
    scene.catch_up();
    assert!(scene.line.backlog.is_over());
    let log = log_of(&folder, || scene.save(1, with_content(Input::Kept(kept))));
    let start =
        "ERROR the flow is not recorded flow=1 reason=\"cannot keep a body in a temporary file in `it`: No such file";
    assert!(log.starts_with(start), "{log}");
}

#[test]
fn the_next_flow_goes_to_a_new_file_when_the_name_changes() {
    let mut scene = Scene::new("%d/a.mitm");
    scene.save(1, answered("1"));
    scene.save(2, answered("2"));
    scene.set_day(2);
    assert!(!scene.folder.path().join("02").exists());
    scene.save(3, answered("3"));
    assert_eq!(scene.file("01/a.mitm"), written(&[answered("1"), answered("2")]));
    assert_eq!(scene.file("02/a.mitm"), written(&[answered("3")]));
    scene.set_day(1);
    scene.save(4, answered("4"));
    assert_eq!(scene.file("01/a.mitm"), written(&[answered("4")]));
}

#[test]
fn a_plus_appends_to_new_files_too_and_says_what_was_broken() {
    let mut scene = Scene::new("+%d.mitm");
    let old = [&written(&[answered("old")])[..], b"12:"].concat();
    fs::write(scene.folder.path().join("02.mitm"), old).unwrap();
    scene.set_day(2);
    let folder = scene.folder.path().to_owned();
    let log = log_of(&folder, || scene.save(1, answered("new")));
    assert_eq!(scene.file("02.mitm"), written(&[answered("old"), answered("new")]));
    let end = written(&[answered("old")]).len();
    let expected = format!(
        " INFO recording to another file path=it/02.mitm\n WARN recording `it/02.mitm`: cut off 3 bytes from byte {end} \
         on, which are no whole flow; 1 whole flow stays\n"
    );
    assert_eq!(log, expected);
}

#[test]
fn a_new_file_that_cannot_be_opened_is_a_failure() {
    let mut scene = Scene::new("%d.mitm");
    fs::create_dir(scene.folder.path().join("02.mitm")).unwrap();
    scene.set_day(2);
    let folder = scene.folder.path().to_owned();
    let log = log_of(&folder, || scene.save(1, answered("1")));
    let expected = "ERROR the flow is not recorded flow=1 reason=\"cannot record to `it/02.mitm`: it is a directory, and a \
                    recording is a regular file; nothing is recorded until this is mended and the proxy started again\"\n";
    assert_eq!(log, expected);
}

/// Replaces bodies that it has, and refuses a flow that has none.
struct Censor;

impl Redactor for Censor {
    fn redact(&self, flow: &mut Flow<Source>) -> Result<(), String> {
        let content = &mut flow.response.as_mut().unwrap().content;
        if !matches!(content, Source::Bytes(_)) {
            return Err(format!("{content:?}"));
        }
        *content = Source::Bytes("***".into());
        Ok(())
    }
}

#[test]
fn secrets_are_replaced_or_the_flow_is_not_written() {
    let mut scene = Scene::with("a.mitm", Some(Box::new(Censor)));
    let mut flow = with_content(Input::Kept(scene.keep(10)));
    flow.response.as_mut().unwrap().pieces = [4, 6].map(|len| Piece { len, after_micros: 0 }).to_vec();
    let folder = scene.folder.path().to_owned();
    let log = log_of(&folder, || {
        scene.save(1, with_content(Source::NotRecorded));
        scene.save(2, flow);
    });
    let expected = "ERROR the flow is not recorded flow=1 reason=\"its secrets cannot be replaced: NotRecorded\"\n";
    assert_eq!(log, expected);
    assert_eq!(scene.file("a.mitm"), written(&[answered("***")]));
}

#[test]
fn what_nobody_can_save_any_more_is_not_written_anywhere() {
    let mut scene = Scene::new("a.mitm");
    fs::remove_dir_all(scene.folder.path()).unwrap();
    drop(scene.keep(MEMORY_LIMIT + 1));
    scene.catch_up();
    assert!(!scene.line.backlog.is_over());
}

#[test]
fn what_was_broken_off_is_freed_at_once_and_not_recorded() {
    let mut scene = Scene::new("a.mitm");
    let kept = scene.keep(MEMORY_LIMIT + 1);
    scene.catch_up();
    kept.break_off();
    scene.catch_up();
    assert!(matches!(&*kept.content().store(), Store::GivenUp));
    scene.save(1, with_content(Input::Kept(kept)));
    assert_eq!(scene.file("a.mitm"), written(&[with_content(Source::NotRecorded)]));
}

#[test]
fn contents_that_are_gone_are_not_remembered() {
    let mut scene = Scene::new("a.mitm");
    for _ in 0..1000 {
        let kept = scene.keep(MEMORY_LIMIT + 1);
        scene.catch_up();
        drop(kept);
        scene.catch_up();
    }
    assert!(scene.writer.begun.capacity() < 100);
}

#[test]
fn what_was_handed_in_before_the_end_is_written() {
    let Scene { folder, writer, line, work, .. } = Scene::new("a.mitm");
    let flow = |body: &'static str| {
        let (written, _) = oneshot::channel();
        Work::Flow(Box::new(Handed { label: 1, flow: answered(body).map_contents(Into::into), bytes: 0, written }))
    };
    for work in [flow("1"), Work::Finish, flow("2")] {
        assert!(line.send(work, 0).is_none());
    }
    writer.run(&work);
    assert_eq!(fs::read(folder.path().join("a.mitm")).unwrap(), written(&[answered("1"), answered("2")]));
    assert!(line.backlog.is_over());
    assert_eq!(Recording::open(&folder.path().join("a.mitm"), &mut |_| {}).unwrap().exchanges().len(), 2);
}
