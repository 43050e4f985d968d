//! What addons cost, without sockets: a request through them inwards, and its response outwards.
//!
//!     cargo run --release -p proxyhost --example decision -- [--cache FOLDER] [--rounds NUMBER] [--no-clock]
//!         [--addon FILE]... [RECORDING HOST/PATH [NAME=VALUE ...]]
//!
//! With a recording, it is a replayed answer; without one, the addons alone. A cache, where the proxy has its compiled
//! addons, spares compiling them. Without the clock that bounds addons, the same instructions are executed each time.

use std::{
    hint::black_box,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use proxyhost::{
    addon::{
        self, Action, Addon, AddonEngine, Chain, Grants, Limits, LoadRequest, Loaded, Preparation, Purpose, Source,
        options::{Kind, Value, Values},
    },
    flow::{Body, Destination, Fields, FlowId, Notes, Request, RequestHead, Response, Route, Scheme, Session, Target},
    run,
    spelling::Spelling,
};
use tokio::runtime::{Builder, Runtime};

const USAGE: &str = "usage: decision [--cache FOLDER] [--rounds NUMBER] [--no-clock] [--addon FILE]... \
                     [RECORDING HOST/PATH [NAME=VALUE ...]]";

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let options = Options::parse(std::env::args().skip(1))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let road = runtime.block_on(Road::new(&options))?;
    runtime.block_on(road.pass(options.rounds / 10 + 1))?;
    let began = Instant::now();
    counted(&runtime, &road, options.rounds)?;
    let each = began.elapsed() / options.rounds;
    // The only line on standard output is the figure.
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{each:?} for each decision");
    }
    Ok(())
}

/// What is measured. Its name is how counters of instructions find it.
#[inline(never)]
fn counted(runtime: &Runtime, road: &Road, rounds: u32) -> Result<(), Failure> {
    runtime.block_on(road.pass(black_box(rounds)))
}

/// What was asked for.
struct Options {
    cache: Option<PathBuf>,
    rounds: u32,
    has_clock: bool,
    addons: Vec<PathBuf>,
    replay: Option<Replay>,
}

struct Replay {
    recording: String,
    url: String,
    settings: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self { cache: None, rounds: 200_000, has_clock: true, addons: Vec::new(), replay: None };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(USAGE);
            match argument.as_str() {
                "--cache" => options.cache = Some(value()?.into()),
                "--rounds" => options.rounds = value()?.parse()?,
                "--no-clock" => options.has_clock = false,
                "--addon" => options.addons.push(value()?.into()),
                _ => {
                    let url = value()?;
                    let settings = arguments.collect();
                    options.replay = Some(Replay { recording: argument, url, settings });
                    break;
                }
            }
        }
        let has_work = options.replay.is_some() || !options.addons.is_empty();
        if has_work && options.rounds > 0 { Ok(options) } else { Err(USAGE.into()) }
    }
}

/// The addons, and the messages that pass them.
struct Road {
    chain: Chain,
    request: Arc<RequestHead>,
    /// What comes from a server if no addon answers.
    forwarded: Response,
}

impl Road {
    async fn new(options: &Options) -> Result<Self, Failure> {
        let new = if options.has_clock { AddonEngine::new } else { AddonEngine::without_clock };
        let mut engine = new(options.cache.as_deref(), run::capabilities())?;
        // Programs that count instructions take their time.
        engine.compile_time = Duration::from_secs(600);
        let mut sources: Vec<_> = options.addons.iter().cloned().map(Source::File).collect();
        sources.extend(options.replay.iter().map(|_| Source::Shipped("serverreplay".to_owned())));
        let request = |source| LoadRequest { source, plugs: Vec::new(), limits: Limits::default() };
        let requests: Vec<_> = sources.into_iter().map(request).collect();
        let mut loaded = addon::load(&engine, &requests, &[]).await?;
        let mut addons = Vec::new();
        if let Some(replay) = &options.replay {
            let addon = loaded.pop().ok_or("serverreplay was not loaded")?;
            addons.push(configure_replay(addon, replay).await?);
        }
        while let Some(addon) = loaded.pop() {
            let preparation = Preparation::new(Values::default(), Grants::default(), Purpose::Run);
            addons.insert(0, Arc::new(addon.configure(preparation).await?));
        }
        let url = options.replay.as_ref().map_or("bench.example/", |replay| &replay.url);
        let (host, path) = url.split_once('/').ok_or(USAGE)?;
        Ok(Self { chain: Chain::new(addons), request: Arc::new(head(host, path)?), forwarded: forwarded() })
    }

    async fn pass(&self, rounds: u32) -> Result<(), Failure> {
        for _ in 0..rounds {
            let mut request = Request {
                flow: FlowId(1),
                received_at: SystemTime::now(),
                head: self.request.clone(),
                body: Body::Empty,
                reached: None,
                route: Route::default(),
                attached: Extensions::new(),
                session: Session::default(),
                notes: Notes::default(),
            };
            let (action, before) = self.chain.request(&mut request).await?;
            let response = match action {
                Action::Respond(response) => response,
                Action::Next(()) => Box::new(self.forwarded.clone()),
                Action::Kill => return Err("the recording has no such request".into()),
            };
            self.chain.response(before, &request, response).await?.ok_or("an addon ended the flow")?;
        }
        Ok(())
    }
}

async fn configure_replay(addon: Loaded, replay: &Replay) -> Result<Arc<Addon>, Failure> {
    let recordings = Value::Texts(vec![replay.recording.clone()]);
    let mut grants = Grants::default();
    grants.add(&Kind::Files, &recordings);
    let mut values = Values::from([
        ("server_replay".to_owned(), recordings),
        ("server_replay_extra".to_owned(), Value::Text("kill".to_owned())),
        ("server_replay_reuse".to_owned(), Value::Text("first".to_owned())),
    ]);
    for setting in &replay.settings {
        let (name, value) = setting.split_once('=').ok_or(USAGE)?;
        let option = addon.options.iter().find(|option| option.name == name).ok_or("there is no such option")?;
        values.insert(name.to_owned(), option.parse(value, &PathBuf::new())?);
    }
    Ok(Arc::new(addon.configure(Preparation::new(values, grants, Purpose::Run)).await?))
}

fn forwarded() -> Response {
    let mut map = HeaderMap::new();
    map.insert(header::SERVER, HeaderValue::from_static("bench"));
    map.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Response::new(StatusCode::OK, Fields::new(map, Spelling::default()), Body::Empty)
}

fn head(host: &str, path: &str) -> Result<RequestHead, Failure> {
    let mut map = HeaderMap::new();
    map.insert(header::HOST, HeaderValue::from_str(host)?);
    map.insert(header::USER_AGENT, HeaderValue::from_static("bench"));
    map.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    Ok(RequestHead {
        method: Method::GET,
        destination: Destination::new(Scheme::Http, host, 80)?,
        authority: Some(host.parse()?),
        target: Target::parse(&format!("/{path}")).ok_or("this is no path")?,
        version: Version::HTTP_11,
        fields: Fields::new(map, Spelling::default()),
        accepts_trailers: false,
        upgrade: None,
    })
}
