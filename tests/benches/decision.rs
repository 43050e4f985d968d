//! What the addons cost: a replayed answer from request to response, without sockets.
//!
//!     cargo run --release -p proxyhost --example decision -- RECORDING URL-PATH [NAME=VALUE ...]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use http::{Extensions, HeaderMap, HeaderValue, Method, Version, header};
use proxyhost::{
    addon::{
        self, Action, AddonEngine, Chain, Grants, Limits, LoadRequest, Preparation, Purpose, Source,
        options::{Kind, Value, Values},
    },
    flow::{Body, Destination, Fields, FlowId, Notes, Request, RequestHead, Scheme, Session, Target},
    run,
    spelling::Spelling,
};

/// Decisions that are timed.
const ROUNDS: u32 = 200_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: decision RECORDING HOST/PATH [NAME=VALUE ...]";
    let recording = arguments.next().ok_or(usage)?;
    let url = arguments.next().ok_or(usage)?;
    let (host, path) = url.split_once('/').ok_or(usage)?;
    let engine = AddonEngine::new(None, run::capabilities())?;
    let request = LoadRequest {
        source: Source::Shipped("serverreplay".to_owned()),
        plugs: Vec::new(),
        limits: Limits::default(),
    };
    let loaded = addon::load(&engine, &[request], &[]).await?.remove(0);
    let recordings = Value::Texts(vec![recording]);
    let mut grants = Grants::default();
    grants.add(&Kind::Files, &recordings);
    let mut values = Values::from([
        ("server_replay".to_owned(), recordings),
        ("server_replay_extra".to_owned(), Value::Text("kill".to_owned())),
        ("server_replay_reuse".to_owned(), Value::Text("first".to_owned())),
    ]);
    for setting in arguments {
        let (name, value) = setting.split_once('=').ok_or(usage)?;
        let option = loaded.options.iter().find(|option| option.name == name).ok_or("there is no such option")?;
        values.insert(name.to_owned(), option.parse(value, &PathBuf::new())?);
    }
    let chain = Chain::new(vec![Arc::new(loaded.configure(Preparation::new(values, grants, Purpose::Run)).await?)]);
    let head = Arc::new(head(host, path)?);
    let decide = async |rounds: u32| -> Result<(), Box<dyn std::error::Error>> {
        for _ in 0..rounds {
            let mut request = Request {
                flow: FlowId(1),
                received_at: SystemTime::now(),
                head: head.clone(),
                body: Body::Empty,
                reached: None,
                attached: Extensions::new(),
                session: Session::default(),
                notes: Notes::default(),
            };
            let (Action::Respond(_), _) = chain.request(&mut request).await? else {
                return Err("the recording has no such request".into());
            };
        }
        Ok(())
    };
    decide(ROUNDS / 10).await?;
    let began = Instant::now();
    decide(ROUNDS).await?;
    let each = began.elapsed() / ROUNDS;
    // The only line on standard output is the figure.
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{each:?} for each decision");
    }
    Ok(())
}

fn head(host: &str, path: &str) -> Result<RequestHead, Box<dyn std::error::Error>> {
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
