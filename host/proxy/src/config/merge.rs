//! What the command line and the file say together.

use std::time::Duration;

use clap::ArgMatches;

use super::{
    AddonSpec, ConfigError, Environment, Listener, Settings,
    document::Located,
    file::{AT_ONCE, File},
    listeners::{self, Typed},
};
use crate::{
    addon::Source,
    listen::{ClientLimits, mode::Mode},
    upstream::{Timeouts, tls::UpstreamTls},
};

/// Makes the settings. `loaded` are the addons, the plugs for any of them, and the warnings so far.
pub(super) fn merge(
    file: &File,
    matches: &ArgMatches,
    environment: &Environment,
    loaded: (Vec<AddonSpec>, Vec<Source>, Vec<String>),
) -> Result<Settings, ConfigError> {
    let (addons, plugs, mut warnings) = loaded;
    let line = |text: &String| environment.path(text, &environment.folder);
    let within_file = |text: &String| environment.path(text, &file.folder);
    let listen = matches.get_one::<String>("listen").map(|text| typed("listen", text));
    let modes: Vec<Typed> = many(matches, "mode").map(|text| typed("mode", text)).collect();
    let listeners = listeners::resolve(
        &if modes.is_empty() { file.mode.iter().flatten().map(located).collect() } else { modes },
        listen.or_else(|| file.listen.as_ref().map(located)).as_ref(),
    )?;
    warnings.extend(listeners.iter().filter_map(exposed));
    let limits = ClientLimits::default();
    Ok(Settings {
        listeners,
        addons,
        plugs,
        offline: matches.get_flag("offline") || file.offline.unwrap_or(false),
        upstream_tls: UpstreamTls {
            insecure: matches.get_flag("insecure") || file.insecure.unwrap_or(false),
            extra_roots: match many(matches, "upstream-ca").map(line).collect::<Vec<_>>() {
                none if none.is_empty() => {
                    file.upstream_ca.iter().flatten().map(|found| within_file(&found.value)).collect()
                }
                files => files,
            },
        },
        timeouts: Timeouts {
            connect: file.limits.connect.unwrap_or(CONNECT_TIME),
            first_byte: file.limits.first_byte.unwrap_or(FIRST_BYTE_TIME),
            idle: file.limits.idle.unwrap_or(IDLE_TIME),
        },
        limits: ClientLimits {
            connections: count(matches, "client-connections")?
                .or(file.limits.connections)
                .unwrap_or(limits.connections),
            flows: count(matches, "flows-in-flight")?.or(file.limits.flows).unwrap_or(limits.flows),
            tunnel_idle: file.limits.tunnel_idle.unwrap_or(limits.tunnel_idle),
        },
        via: !matches.get_flag("no-via") && file.via.unwrap_or(true),
        drain_time: file.limits.drain.unwrap_or(DRAIN_TIME),
        log: log(matches, environment),
        warnings,
        ca_dir: matches
            .get_one("ca-dir")
            .map(line)
            .or_else(|| file.ca_dir.as_ref().map(within_file))
            .or_else(|| environment.home.as_ref().map(|home| home.join(".proxyhost"))),
    })
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
const FIRST_BYTE_TIME: Duration = Duration::from_secs(60);
const IDLE_TIME: Duration = Duration::from_secs(60);
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A proxy that strangers reach sends what they like in its operator's name.
fn exposed(listener: &Listener) -> Option<String> {
    let open = listener.mode == Mode::Regular && !listener.address.ip().is_loopback();
    open.then(|| format!("everyone who can reach {} can use the proxy, without a password", listener.address))
}

fn many<'a>(matches: &'a ArgMatches, id: &str) -> impl Iterator<Item = &'a String> {
    matches.get_many::<String>(id).unwrap_or_default()
}

/// What a flag says of how much goes on at once.
fn count(matches: &ArgMatches, flag: &str) -> Result<Option<usize>, ConfigError> {
    let Some(text) = matches.get_one::<String>(flag) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| AT_ONCE.contains(number));
    let wrong = || {
        let (least, most) = (AT_ONCE.start(), AT_ONCE.end());
        ConfigError::new(format_args!("`--{flag}` is a whole number from {least} to {most}, not `{text}`"))
    };
    number.map(|number: u32| Some(number as usize)).ok_or_else(wrong)
}

fn typed(flag: &str, text: &str) -> Typed {
    Typed { text: text.to_owned(), origin: format!("`--{flag}`") }
}

fn located(found: &Located<String>) -> Typed {
    Typed { text: found.value.clone(), origin: found.place.to_string() }
}

/// The command line counts more than the environment. Libraries are heard when they warn, and at the very end.
fn log(matches: &ArgMatches, environment: &Environment) -> String {
    let filter = match (matches.get_flag("quiet"), matches.get_count("verbose")) {
        (true, _) => "error",
        (false, 0) => environment.log.as_deref().unwrap_or("warn,proxyhost=info"),
        (false, 1) => "warn,proxyhost=debug",
        (false, 2) => "warn,proxyhost=trace",
        (false, _) => "trace",
    };
    filter.to_owned()
}
