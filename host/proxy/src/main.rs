//! The `proxyhost` command.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use proxyhost::{
    addon::{self, AddonEngine},
    config::{Action, ConfigError, Environment},
    journal::{Journal, Keeping},
    listen::ca::CertificateAuthority,
    log::{self, StandardError},
    onboarding, report,
    run::{self, Asked, Bound, StartError},
    running::{ChangeError, Plan, Running},
    verdict,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
#[cfg(feature = "recordings")]
use tools::{Console, RecordingWriters};
use tracing::warn;

/// Gives memory back that is no longer used.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let stderr = match StandardError::start() {
        Ok(stderr) => stderr,
        Err(error) => {
            // Nothing can be done if standard error is closed.
            let _ = writeln!(io::stderr(), "error: cannot write a log: {error}");
            return ExitCode::from(FAILURE);
        }
    };
    log::panics(&stderr);
    let code = run(&stderr);
    stderr.finish();
    code
}

fn run(stderr: &StandardError) -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    // The tools need neither addons nor a configuration.
    if args.next_if(|first| first == "flows").is_some() {
        return flows(args, stderr);
    }
    if args.next_if(|first| first == "ctl").is_some() {
        return ctl(args, stderr);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(stderr, &format!("error: cannot start worker threads: {error}"), FAILURE),
    };
    let code = runtime.block_on(start(stderr));
    // A tunnel that nobody closes must not keep the process.
    runtime.shutdown_background();
    code
}

/// Does something with recordings.
#[cfg(feature = "recordings")]
fn flows(args: impl Iterator<Item = OsString>, stderr: &StandardError) -> ExitCode {
    let matches = match matches(tools::command().bin_name("proxyhost flows"), args, stderr) {
        Ok(matches) => matches,
        Err(code) => return code,
    };
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let outcome = tools::run(&matches, Console::of_process(&mut out, &mut err), &RecordingWriters);
    drop(err);
    match outcome {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => fail(stderr, &format!("error: {}", oneline::escaped(&oneline::chain(&error))), error.exit_code()),
    }
}

/// There is nothing to do with recordings in a build without them.
#[cfg(not(feature = "recordings"))]
fn flows(_: impl Iterator<Item = OsString>, stderr: &StandardError) -> ExitCode {
    fail(stderr, "error: cannot run `flows`: this `proxyhost` was built without recordings", MISUSE)
}

/// Looks at a running proxy, or changes it.
#[cfg(feature = "api")]
fn ctl(args: impl Iterator<Item = OsString>, stderr: &StandardError) -> ExitCode {
    let matches = match matches(api::ctl::command().bin_name("proxyhost ctl"), args, stderr) {
        Ok(matches) => matches,
        Err(code) => return code,
    };
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let outcome = api::ctl::run(&matches, &mut out, &mut err);
    drop(err);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(stderr, &format!("error: {}", oneline::escaped(&oneline::chain(&error))), error.exit_code()),
    }
}

/// There is no way to a running proxy in a build without the control API.
#[cfg(not(feature = "api"))]
fn ctl(_: impl Iterator<Item = OsString>, stderr: &StandardError) -> ExitCode {
    fail(stderr, "error: cannot run `ctl`: this `proxyhost` was built without the control API", MISUSE)
}

/// The arguments of a command that is one of its own; or, where they are wrong or help is asked for, what the process ends
/// with when that was said.
#[cfg(any(feature = "api", feature = "recordings"))]
fn matches(
    command: clap::Command,
    args: impl Iterator<Item = OsString>,
    stderr: &StandardError,
) -> Result<clap::ArgMatches, ExitCode> {
    let name = OsString::from(command.get_name());
    command.try_get_matches_from([name].into_iter().chain(args)).map_err(|error| match error.print() {
        // Nothing can be done if standard error is closed.
        Err(unprinted) if !error.use_stderr() => fail_to_print(stderr, &unprinted),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(MISUSE)),
    })
}

/// Something failed.
const FAILURE: u8 = 1;

/// The command line, the configuration or a file it names is wrong.
const MISUSE: u8 = 2;

/// What `--fail-on` names has happened.
const FAILED_VERDICT: u8 = 3;

async fn start(stderr: &StandardError) -> ExitCode {
    survive_limits_of_files();
    match command(stderr).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Verdict) => ExitCode::from(FAILED_VERDICT),
        Err(Failure::Failed(report)) => fail(stderr, &report, FAILURE),
        Err(Failure::Report(report)) => fail(stderr, &report, MISUSE),
        Err(Failure::Output(error)) => fail_to_print(stderr, &error),
    }
}

enum Failure {
    /// To be shown as it is: something failed while it ran.
    Failed(String),
    /// The run failed in a way that was asked for, which is in the log.
    Verdict,
    /// To be shown as it is.
    Report(String),
    Output(io::Error),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Report(error.report())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(error) => error.into(),
            error => Self::Report(format!("error: {}", oneline::escaped(&oneline::chain(&error)))),
        }
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Config(error) => error.into(),
            error => Self::Report(format!("error: {}", oneline::escaped(&oneline::chain(&error)))),
        }
    }
}

impl From<addon::LoadError> for Failure {
    fn from(error: addon::LoadError) -> Self {
        StartError::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Reads the command line, loads the addons it names, and does what it says.
async fn command(stderr: &StandardError) -> Result<(), Failure> {
    let environment = Environment::of_process(shipped::names());
    let plan = Plan { args: std::env::args_os().skip(1).collect(), environment };
    let preliminary = plan.scan(&[])?;
    // Where nothing is kept yet, a check does not begin to.
    let cache = cache_folder().filter(|folder| !preliminary.is_check() || folder.exists());
    let mut engine = AddonEngine::new(cache.as_deref(), run::capabilities())
        .map_err(|error| Failure::Report(format!("error: cannot run WebAssembly here: {error:#}")))?;
    engine.compile_time = preliminary.compile_time().unwrap_or(engine.compile_time);
    let (action, loaded) = plan.finish(&engine, preliminary).await?;
    match action {
        Action::Help(text) => Ok(text.print()?),
        Action::Ca(settings) => {
            log::start(stderr, &settings, &engine, None);
            let authority = CertificateAuthority::load_or_create(settings.ca_dir()?).map_err(StartError::from)?;
            print(&onboarding::text(&authority))
        }
        Action::Addons(settings) => {
            log::start(stderr, &settings, &engine, None);
            print(&report::addons(&loaded, &settings))
        }
        Action::Check(settings) => {
            log::start(stderr, &settings, &engine, None);
            run::check_files(&settings)?;
            let addons = run::check(&loaded, &settings.addons).await?;
            print(&report::checked(&addons, &settings))
        }
        Action::Run(settings) => {
            let is_looked_at = settings.console || settings.control.is_some();
            let journal = Journal::new(is_looked_at.then(Keeping::default));
            let journal = Arc::new(journal.with_frames(run::DECODE_FRAMES));
            log::start(stderr, &settings, &engine, Some(journal.clone()));
            // Before the addons, which may replace files, are told to prepare themselves.
            let verdict = settings.verdict.clone();
            let bound = Bound::bind(&settings, journal.clone()).await?;
            let egress = bound.egress().clone();
            let running = Running::start(engine, plan, *settings, &loaded, egress, journal).await?;
            // Heard before the log says that it listens: whoever reads that may ask at once.
            let (asked, asked_for) = mpsc::channel(8);
            let asked_to_stop = asked_to_stop(stderr, asked);
            let report = bound.serve(Arc::new(running), asked_to_stop, asked_for, stderr).await?;
            let is_failure = verdict::conclude(&verdict, &report)
                .map_err(|error| Failure::Failed(format!("error: {}", oneline::escaped(&oneline::chain(&error)))))?;
            if is_failure { Err(Failure::Verdict) } else { Ok(()) }
        }
    }
}

/// Where compiled addons are kept: the user's folder for caches (XDG Base Directory Specification).
fn cache_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    Some(caches.or_else(|| Some(folder("HOME")?.join(".cache")))?.join("proxyhost"))
}

/// Listens for SIGINT, SIGTERM and SIGHUP from now on; what it returns waits for one that asks to stop. The second one ends
/// the process at once. SIGHUP asks to read everything again, unless it came because the terminal was closed, and SIGUSR1 to say what came of the
/// flows so far.
fn asked_to_stop(stderr: &StandardError, asks: mpsc::Sender<Asked>) -> impl Future<Output = ()> + use<> {
    let stderr = stderr.clone();
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
        signal(SignalKind::user_defined1()),
    );
    let began_at_terminal = io::stdin().is_terminal();
    async move {
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup), Ok(mut report)) = signals else {
            warn!("cannot wait for signals; the process can only be killed");
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => {
                    if began_at_terminal && !io::stdin().is_terminal() {
                        break;
                    }
                    // Fails only when that is asked for already.
                    let _ = asks.try_send(Asked::Renew);
                }
                _ = report.recv() => {
                    let _ = asks.try_send(Asked::Report);
                }
            }
        }
        tokio::spawn(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            warn!("stopped at once: asked to a second time");
            stderr.finish();
            std::process::exit(FAILURE.into());
        });
    }
}

/// Makes a write beyond the limit of a file's size (`ulimit -f`) an error like that of a full disk. By itself, the system ends
/// the process.
fn survive_limits_of_files() {
    // It is heard for good once it was listened for. Where that fails, there is no more to be done.
    let _ = signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED));
}

/// SIGXFSZ, on Linux and macOS.
const FILE_SIZE_EXCEEDED: i32 = 25;

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let text: String = text.lines().map(|line| oneline::escaped(line) + "\n").collect();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
}

fn fail(stderr: &StandardError, report: &str, code: u8) -> ExitCode {
    stderr.text(report);
    ExitCode::from(code)
}

fn fail_to_print(stderr: &StandardError, error: &io::Error) -> ExitCode {
    fail(stderr, &format!("error: cannot write to standard output: {error}"), FAILURE)
}
