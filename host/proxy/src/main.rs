//! The `proxyhost` command.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use proxyhost::{
    addon::{self, AddonEngine, LoadRequest, Loaded, Purpose},
    config::{Action, ConfigError, DeclaredAddon, Environment, Preliminary, Settings},
    listen::ca::CertificateAuthority,
    report::{self, HarmlessFields},
    run::{self, Bound, StartError},
};
#[cfg(feature = "recordings")]
use tools::{Console, RecordingWriters};
use tracing::warn;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    // The tools need neither addons nor a configuration.
    if args.next_if(|first| first == "flows").is_some() {
        return flows(args);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("error: cannot start worker threads: {error}"), FAILURE),
    };
    let code = runtime.block_on(start());
    // A tunnel that nobody closes must not keep the process.
    runtime.shutdown_background();
    code
}

/// Does something with recordings.
#[cfg(feature = "recordings")]
fn flows(args: impl Iterator<Item = OsString>) -> ExitCode {
    let command = tools::command().bin_name("proxyhost flows");
    let matches = match command.try_get_matches_from([OsString::from("flows")].into_iter().chain(args)) {
        Ok(matches) => matches,
        Err(error) => {
            // Nothing can be done if it cannot be shown.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(MISUSE));
        }
    };
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let outcome = tools::run(&matches, Console::of_process(&mut out, &mut err), &RecordingWriters);
    drop(err);
    match outcome {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => fail(&format!("error: {}", oneline::escaped(&oneline::chain(&error))), error.exit_code()),
    }
}

/// There is nothing to do with recordings in a build without them.
#[cfg(not(feature = "recordings"))]
fn flows(_: impl Iterator<Item = OsString>) -> ExitCode {
    fail("error: cannot run `flows`: this `proxyhost` was built without recordings", MISUSE)
}

/// Something failed.
const FAILURE: u8 = 1;

/// The command line, the configuration or a file it names is wrong.
const MISUSE: u8 = 2;

async fn start() -> ExitCode {
    match command().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Report(report)) => fail(&report, MISUSE),
        Err(Failure::Output(error)) => fail(&format!("error: cannot write to standard output: {error}"), FAILURE),
    }
}

enum Failure {
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
async fn command() -> Result<(), Failure> {
    let environment = Environment::of_process(addon::shipped_names());
    let preliminary = Preliminary::scan(std::env::args_os().skip(1), environment)?;
    let engine = AddonEngine::new(cache_folder().as_deref(), run::capabilities())
        .map_err(|error| Failure::Report(format!("error: cannot run WebAssembly here: {error:#}")))?;
    let requests: Vec<LoadRequest> = preliminary.addons().iter().map(request).collect();
    let loaded = addon::load(&engine, &requests, preliminary.plugs()).await?;
    let declared: Vec<DeclaredAddon> = loaded.iter().map(declared).collect();
    match preliminary.finish(&declared)? {
        Action::Help(text) => Ok(text.print()?),
        Action::Ca(settings) => {
            start_log(&settings, &engine);
            let authority = CertificateAuthority::load_or_create(settings.ca_dir()?).map_err(StartError::from)?;
            print(&authority.trust_guide())
        }
        Action::Addons(settings) => {
            start_log(&settings, &engine);
            print(&report::addons(&loaded, &settings))
        }
        Action::Check(settings) => {
            start_log(&settings, &engine);
            let addons = run::configure(loaded, &settings.addons, Purpose::Check).await?;
            print(&report::checked(&addons, &settings))
        }
        Action::Run(settings) => {
            start_log(&settings, &engine);
            // Before the addons, which may replace files, are told to prepare themselves.
            let bound = Bound::bind(&settings).await?;
            let addons = run::configure(loaded, &settings.addons, Purpose::Run).await?;
            // Heard before the log says that it listens: whoever reads that may ask at once.
            let asked_to_stop = asked_to_stop();
            bound.serve(addons, asked_to_stop).await;
            Ok(())
        }
    }
}

fn request(spec: &proxyhost::config::AddonSpec) -> LoadRequest {
    LoadRequest { source: spec.source.clone(), plugs: spec.plugs.clone() }
}

fn declared(loaded: &Loaded) -> DeclaredAddon {
    DeclaredAddon {
        name: loaded.name.clone(),
        summary: loaded.summary.clone(),
        options: loaded.options.clone(),
        reads: loaded.reads.clone(),
    }
}

/// Where compiled addons are kept: the user's folder for caches (XDG Base Directory Specification).
fn cache_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    Some(caches.or_else(|| Some(folder("HOME")?.join(".cache")))?.join("proxyhost"))
}

fn start_log(settings: &Settings, engine: &AddonEngine) {
    let filter = EnvFilter::try_new(&settings.log);
    let wrong = filter.as_ref().err().map(ToString::to_string);
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .fmt_fields(HarmlessFields)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("proxyhost=info")))
        .init();
    for warning in settings.warnings.iter().chain(&wrong).chain(&engine.warning) {
        warn!("{warning}");
    }
}

/// Listens for SIGINT and SIGTERM from now on; what it returns waits for one. The second one ends the process at once.
fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            warn!("cannot wait for signals; the process can only be killed");
            return std::future::pending().await;
        };
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tokio::spawn(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            std::process::exit(FAILURE.into());
        });
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let text: String = text.lines().map(|line| oneline::escaped(line) + "\n").collect();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
}

fn fail(report: &str, code: u8) -> ExitCode {
    // Nothing can be done if standard error is closed.
    let _ = writeln!(io::stderr(), "{report}");
    ExitCode::from(code)
}
