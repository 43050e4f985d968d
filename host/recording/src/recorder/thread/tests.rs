use std::{
    fs,
    io::{self, Write},
    path::Path,
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
    Exchange, Piece, Recording, Source,
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

    /// The bodies in a recording that is whole.
    fn bodies(&self, name: &str) -> Vec<String> {
        let recording = Recording::open(&self.folder.path().join(name), &mut |_| {}).unwrap();
        assert!(recording.warning().is_none());
        let content = |exchange: &Exchange| exchange.response.as_ref().unwrap().content.clone();
        let bodies = recording.exchanges().iter().map(|exchange| recording.read(&content(exchange)).unwrap());
        bodies.map(|body| String::from_utf8(body.to_vec()).unwrap()).collect()
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
fn log_of(folder: &Path, run: impl FnOnce()) -> String {
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

/// What is said of the first flow that is lost.
fn lost(flow: u64, reason: &str) -> String {
    let text = "the flow is not recorded; others are tried, and counted where they are lost too";
    format!("ERROR {text} flow={flow} reason=\"{reason}\"\n")
}

#[test]
fn a_flow_that_cannot_be_written_is_lost_alone_and_there_is_a_line_for_each_trouble() {
    for (name, cause) in
        [("a.mitm", "1 bytes of the content are missing"), ("a.har", "the file of a body is shorter than the body")]
    {
        let mut scene = Scene::new(name);
        let begun = scene.keep(MEMORY_LIMIT + 1);
        scene.catch_up();
        let folder = scene.folder.path().to_owned();
        let log = log_of(&folder, || {
            scene.save(1, answered("1"));
            for label in 2..5 {
                scene.save(label, broken());
            }
            scene.save(5, answered("5"));
            // Soon afterwards, it is the same trouble.
            scene.writer.losses.settle(Instant::now());
            scene.save(6, broken());
            scene.save(7, answered("7"));
            scene.writer.losses.settle(Instant::now() + SETTLED);
            scene.save(8, broken());
            scene.writer.close();
            scene.writer.losses.end();
        });
        let reason = format!("cannot write to `it/{name}`: {cause}");
        let expected = [
            lost(2, &reason),
            " WARN recording goes on lost=4\n".to_owned(),
            lost(8, &reason),
            "ERROR recording ends, and has not gone on since flows were lost lost=1\n".to_owned(),
        ];
        assert_eq!(log, expected.concat());
        assert_eq!(scene.bodies(name), ["1", "5", "7"]);
        assert!(matches!(&*begun.content().store(), Store::File { .. }), "a body in passing is not touched");
        assert!(!scene.line.backlog.is_over());
    }
}

#[test]
fn a_body_that_finds_no_room_costs_its_flow_only() {
    let mut scene = Scene::new("a.mitm");
    let folder = scene.folder.path().to_owned();
    let kept = scene.keep(MEMORY_LIMIT + 1);
    // No file can be made in it, and the recording is still open.
    let pieces = scene.work.try_iter().collect::<Vec<_>>();
    for piece in pieces {
        let Work::Pieces { content, pieces, .. } = piece else { panic!("{piece:?}") };
        content.store().append(pieces, &folder.join("missing"));
    }
    kept.add(vec![b'k'; MEMORY_LIMIT + 1].into());
    scene.catch_up();
    assert!(matches!(&*kept.content().store(), Store::Lost(_)), "nothing of it is held");
    let log = log_of(&folder, || {
        scene.save(1, with_content(Input::Kept(kept)));
        scene.save(2, answered("2"));
    });
    let reason = "cannot keep a body in a temporary file in `it/missing`: No such file or directory (os error 2)";
    let start = lost(1, reason).split(" (os error").next().unwrap().to_owned();
    assert!(log.starts_with(&start) && log.lines().count() == 1, "{log}");
    assert_eq!(scene.file("a.mitm"), written(&[answered("2")]));
}

#[test]
fn a_file_that_is_taken_away_is_said_at_once_and_opened_again() {
    type Act = fn(&Path);
    let acts: [(Act, &str); 4] = [
        (|path| fs::remove_file(path).unwrap(), "it was removed"),
        (|path| fs::remove_dir_all(path.parent().unwrap()).unwrap(), "it was removed"),
        (|path| fs::rename(path, path.with_extension("1")).unwrap(), "it was renamed"),
        (
            |path| {
                fs::rename(path, path.with_extension("1")).unwrap();
                fs::write(path, "").unwrap();
            },
            "another file was put in its place",
        ),
    ];
    for name in ["in/a.mitm", "in/a.har"] {
        for (act, what) in acts {
            for work in [None, Some(Work::Reopen)] {
                let mut scene = Scene::new(name);
                let (folder, is_asked) = (scene.folder.path().to_owned(), work.is_some());
                let log = log_of(&folder, || {
                    scene.save(1, answered("1"));
                    act(&folder.join(name));
                    work.into_iter().for_each(|work| scene.writer.deal_with(work));
                    assert!(!is_asked || folder.join(name).exists());
                    let kept = scene.keep(MEMORY_LIMIT + 1);
                    scene.catch_up();
                    scene.save(2, with_content(Input::Kept(kept)));
                    scene.save(3, answered("3"));
                });
                let again = "while it was recorded to; it is opened again";
                assert_eq!(log, format!(" WARN recording `it/{name}`: {what} {again}\n"));
                assert_eq!(scene.bodies(name), ["k".repeat(MEMORY_LIMIT + 1), "3".into()]);
                if what == "it was renamed" {
                    assert_eq!(scene.bodies(Path::new(name).with_extension("1").to_str().unwrap()), ["1"]);
                }
            }
        }
    }
}

#[test]
fn a_file_that_is_cut_meanwhile_goes_on_behind_its_last_whole_flow() {
    for name in ["a.mitm", "a.har"] {
        let mut scene = Scene::new(name);
        scene.save(1, answered("1"));
        let whole = scene.file(name).len() as u64;
        scene.save(2, answered("2"));
        let path = scene.folder.path().join(name);
        File::options().write(true).open(path).unwrap().set_len(whole + 20).unwrap();
        let folder = scene.folder.path().to_owned();
        let log = log_of(&folder, || scene.save(3, answered("3")));
        assert!(log.contains("something else changed its size") && log.contains("cut off"), "{log}");
        assert_eq!(scene.bodies(name), ["1", "3"]);
    }
}

#[test]
fn what_someone_puts_in_the_files_place_is_not_touched() {
    for name in ["a.mitm", "a.har"] {
        let mut scene = Scene::new(name);
        let path = scene.folder.path().join(name);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "Dear Sir").unwrap();
        let folder = scene.folder.path().to_owned();
        let log = log_of(&folder, || (1..4).for_each(|label| scene.save(label, answered("1"))));
        assert!(log.starts_with(" WARN") && log.contains("\nERROR") && log.lines().count() == 2, "{log}");
        assert_eq!(fs::read(&path).unwrap(), b"Dear Sir");
        fs::remove_file(&path).unwrap();
        scene.save(4, answered("4"));
        assert_eq!(scene.bodies(name), ["4"]);
    }
}

#[test]
fn flows_that_never_came_to_the_thread_are_counted_too() {
    let mut scene = Scene::new("a.mitm");
    let folder = scene.folder.path().to_owned();
    let log = log_of(&folder, || {
        scene.line.backlog.grow(1 << 30);
        (0..3).for_each(|_| assert!(!scene.line.backlog.admits_flow()));
        scene.save(1, answered("1"));
        scene.writer.losses.settle(Instant::now() + SETTLED);
    });
    let text = "flows are not recorded; others are tried, and counted where they are lost too";
    assert_eq!(log, format!("ERROR {text} reason=\"the disk is too slow for them\"\n WARN recording goes on lost=3\n"));
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
fn a_new_file_that_cannot_be_opened_costs_flows_until_it_can() {
    let mut scene = Scene::new("%d.mitm");
    fs::create_dir(scene.folder.path().join("02.mitm")).unwrap();
    scene.set_day(2);
    let folder = scene.folder.path().to_owned();
    let log = log_of(&folder, || scene.save(1, answered("1")));
    let reason = "cannot record to `it/02.mitm`: it is a directory, and a recording is a regular file";
    assert_eq!(log, lost(1, reason));
    fs::remove_dir(scene.folder.path().join("02.mitm")).unwrap();
    scene.save(2, answered("2"));
    assert_eq!(scene.bodies("02.mitm"), ["2"]);
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
    assert_eq!(log, lost(1, "its secrets cannot be replaced: NotRecorded"));
    assert_eq!(scene.file("a.mitm"), written(&[answered("***")]));
}

#[test]
fn what_nobody_can_save_any_more_is_not_written_anywhere() {
    let mut scene = Scene::new("a.mitm");
    let folder = scene.folder.path().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    drop(scene.keep(MEMORY_LIMIT + 1));
    scene.catch_up();
    assert!(!folder.exists());
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
