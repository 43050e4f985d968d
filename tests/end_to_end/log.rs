//! The log, and what is printed, where nobody takes it.

use std::{
    fs::OpenOptions,
    io::{self, BufRead, BufReader, PipeReader},
    path::Path,
    process::Stdio,
    time::Instant,
};

use tokio::{sync::mpsc, task};

use crate::harness::{Proxyhost, RecordingFile, StandardError, Start, Wire, component, get, recording};

const URL: &str = "http://shop.example/";

/// A proxy that logs each flow, and answers those of the recording as often as they are asked.
fn replaying(recording: &RecordingFile) -> Start {
    Proxyhost::with(["-k", "-v"]).set("server_replay_reuse", "last").replay(recording)
}

/// So long that a few lines of the log fill every buffer on the way.
fn long_url() -> String {
    format!("{URL}{}", "x".repeat(16 * 1024))
}

/// Has flows answered that the log has more lines of than there is room for.
async fn flood(wire: &mut Wire) {
    let url = long_url();
    for _ in 0..200 {
        assert_eq!(wire.get(&url).await.status(), 200);
    }
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full").into()
}

/// A pipe that nobody reads from any more.
fn abandoned() -> Stdio {
    io::pipe().expect("a pipe").1.into()
}

#[tokio::test]
async fn a_log_that_cannot_be_written_costs_no_flow() {
    let recording = recording([get(long_url())]);
    for stderr in [StandardError::Closed, StandardError::Is(full()), StandardError::Is(abandoned())] {
        let proxy = replaying(&recording);
        let proxy = proxy.unheard(stderr).await;
        for _ in 0..2 {
            let mut wire = proxy.connect().await;
            assert_eq!(wire.get(&long_url()).await.status(), 200);
        }
        assert_eq!(proxy.stop().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_costs_neither_a_flow_nor_the_end() {
    let recording = recording([get(long_url())]);
    let (unread, stderr) = io::pipe().expect("a pipe");
    let proxy = replaying(&recording);
    let proxy = proxy.unheard(StandardError::Is(stderr.into())).await;
    flood(&mut proxy.connect().await).await;
    // The accept loop and other workers go on as well.
    flood(&mut proxy.connect().await).await;
    assert_eq!(proxy.stop().await.code(), Some(0));
    drop(unread);
}

#[tokio::test]
async fn lines_without_room_are_counted_once_the_log_is_read() {
    let recording = recording([get(long_url())]);
    let (unread, stderr) = io::pipe().expect("a pipe");
    let proxy = replaying(&recording);
    let proxy = proxy.unheard(StandardError::Is(stderr.into())).await;
    flood(&mut proxy.connect().await).await;
    let mut lines = read(unread);
    let mut flows = 0;
    let left_out = loop {
        let line = lines.recv().await.expect("the log goes on");
        if line.contains("lines of the log were left out") {
            break line;
        }
        flows += usize::from(line.contains(URL));
    };
    let (_, said) = left_out.split_once("WARN ").expect("a warning");
    let count = said.strip_suffix(" lines of the log were left out: standard error did not take them");
    assert!(flows < 200 && count.is_some_and(|count| count.parse::<usize>().is_ok_and(|count| count > 0)), "{said}");
    assert_eq!(proxy.stop().await.code(), Some(0));
    let mut rest = Vec::new();
    while let Some(line) = lines.recv().await {
        rest.push(line);
    }
    let [.., stopping, said] = rest.as_slice() else { panic!("{rest:?}") };
    assert!(stopping.contains("stopping") && said.contains("200 requests: 200 replayed"), "{rest:?}");
}

/// The lines of a log, as they come.
fn read(log: PipeReader) -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    task::spawn_blocking(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens after the test.
            let _ = sender.send(line);
        }
    });
    lines
}

/// Asks again and again for what fails: the log says it once a second, and how often besides.
async fn fail(proxy: &Proxyhost, url: &str, said: &str) {
    const TIMES: usize = 200;
    let began = Instant::now();
    let mut wire = proxy.connect().await;
    for _ in 0..TIMES {
        assert_eq!(wire.get(url).await.status(), 502);
    }
    let most = usize::try_from(began.elapsed().as_secs()).expect("a few seconds") + 1;
    let count = proxy.wait_for_log("more ").await;
    let lines = proxy.log().lines().filter(|line| line.contains(said) && line.contains("flow=")).count();
    assert!((1..=most.min(TIMES / 2)).contains(&lines), "{lines} lines\n{}", proxy.log());
    let times = count.split_whitespace().filter_map(|word| word.parse::<usize>().ok()).next();
    assert!(times.is_some_and(|times| (1..TIMES).contains(&times)), "{count}");
}

#[tokio::test]
async fn flows_that_fail_in_the_same_way_are_one_line_a_second_and_a_count() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let proxy = Proxyhost::with([]).start().await;
    fail(&proxy, &format!("http://{closed}/"), "connection_refused").await;

    let cut = recording([get(URL).body("cut")]);
    let proxy = Proxyhost::with(["-k"]).set("server_replay_reuse", "last").replay(&cut).start().await;
    cut.truncate(10);
    fail(&proxy, URL, "the response cannot be sent").await;

    let config = "[[addons]]\nuse = 'serverreplay'\non_failure = 'skip'\n";
    let known = recording([get(URL)]);
    let start = Proxyhost::with(["--server-replay-extra", "kill"]).config(config).replay(&known);
    let matcher = component("misbehaving-matcher");
    let proxy = start.arg("--plug").arg(matcher).set("misbehave", "panic").start().await;
    fail(&proxy, "http://shop.example/bad", "nothing is sent to any server").await;
}

#[test]
fn what_cannot_be_printed_is_an_error() {
    let recording = recording([get(URL)]);
    let path = recording.path().to_str().expect("UTF-8");
    let commands: [&[&str]; 8] = [
        &["addons"],
        &["check"],
        &["ca"],
        &["--help"],
        &["--version"],
        &["flows", "list", path],
        &["flows", "--help"],
        &["flows", "show", path, "1"],
    ];
    for (stdout, why) in [(full as fn() -> Stdio, "No space left on device"), (abandoned, "Broken pipe")] {
        for command in commands {
            // Whoever looks at the first lines of a table only is no failure.
            if why == "Broken pipe" && command.len() > 2 {
                continue;
            }
            let output = Proxyhost::with(command.iter().copied()).run_into(stdout());
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.starts_with(&format!("error: cannot write to standard output: {why}")), "{command:?}: {said}");
            assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{command:?}: {said}");
        }
    }
}

#[test]
fn an_error_that_cannot_be_said_still_has_its_exit_code() {
    for stderr in [full(), abandoned()] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_proxyhost"));
        let status = command.arg("--no-such-flag").stderr(stderr).env("HOME", Path::new("/nonexistent")).status();
        assert_eq!(status.expect("the binary starts").code(), Some(2));
    }
}
