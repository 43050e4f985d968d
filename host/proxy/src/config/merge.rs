//! What the command line and the file say together.

use std::{net::Ipv6Addr, time::Duration};

use ::control::{FailOn, UnknownVerdict};
use clap::ArgMatches;
use flowfilter::Search;
use http::{HeaderName, header};

use super::{
    AddonSpec, ConfigError, Environment, Settings,
    access::{Access, UserSources},
    control,
    document::Located,
    file::{AT_ONCE, File},
    listeners::{self, Typed, Wanted},
    settings::{Listener, Verdict},
};
use crate::{
    addon::Source,
    flow::{Destination, HOP_BY_HOP, Session},
    listen::{ClientLimits, HostField, Untouched, mode::Mode},
    upstream::{Credentials, InvalidRule, Policy, Rule, Timeouts, tls::UpstreamTls},
};

/// Makes the settings. `loaded` are the addons, the plugs for any of them, and the warnings so far.
pub(super) fn merge(
    file: &File,
    matches: &ArgMatches,
    environment: &Environment,
    loaded: (Vec<AddonSpec>, Vec<Source>, Vec<String>),
) -> Result<Settings, ConfigError> {
    let (mut addons, plugs, mut warnings) = loaded;
    let may_replace = matches.get_flag("force") || file.force.unwrap_or(false);
    addons.iter_mut().for_each(|addon| addon.allow_replacing(may_replace));
    let line = |text: &String| environment.path(text, &environment.folder);
    let within_file = |text: &String| environment.path(text, &file.folder);
    let listen = listen(file, matches);
    let access = access(file, matches, environment)?;
    let wanted = wanted(file, matches, environment, &access)?;
    let listeners = listeners::resolve(wanted, &listen, access, &mut warnings)?;
    let control = matches.get_one::<String>("control").map(|text| typed("control", text));
    let control = control::resolve(control, file, environment, &listeners, &mut warnings)?;
    let fidelity = matches.get_flag("fidelity") || file.fidelity.unwrap_or(false);
    let limits = ClientLimits::default();
    let egress = Policy {
        allow: rules(matches, "egress-allow", &file.egress.allow)?,
        deny: rules(matches, "egress-deny", &file.egress.deny)?,
        named: listeners.iter().filter_map(named).collect(),
    };
    Ok(Settings {
        listeners,
        addons,
        plugs,
        offline: matches.get_flag("offline") || file.offline.unwrap_or(false),
        egress,
        upstream_tls: UpstreamTls {
            insecure: matches.get_flag("insecure") || file.insecure.unwrap_or(false),
            extra_roots: match many(matches, "upstream-ca").map(line).collect::<Vec<_>>() {
                none if none.is_empty() => {
                    file.upstream_ca.iter().flatten().map(|found| within_file(&found.value)).collect()
                }
                files => files,
            },
        },
        upstream_auth: upstream_auth(file, matches)?,
        untouched: Untouched {
            ignored: hosts(matches, "ignore-hosts", file.ignore_hosts.as_deref())?,
            allowed: hosts(matches, "allow-hosts", file.allow_hosts.as_deref())?,
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
        via: !fidelity && !matches.get_flag("no-via") && file.via.unwrap_or(true),
        host: if fidelity { HostField::Kept } else { HostField::Rewritten },
        session_field: session_field(file, matches)?,
        ready_file: matches.get_one("ready-file").map(line).or_else(|| file.ready_file.as_ref().map(within_file)),
        drain_time: file.limits.drain.unwrap_or(DRAIN_TIME),
        log: log(matches, environment),
        file: file.path.clone(),
        console: matches.get_flag("console"),
        onboarding: !matches.get_flag("no-onboarding") && file.onboarding.unwrap_or(true),
        watch: matches.get_flag("watch") || file.watch.unwrap_or(false),
        verdict: verdict(file, matches, environment)?,
        control,
        warnings,
        ca_dir: matches
            .get_one("ca-dir")
            .map(line)
            .or_else(|| file.ca_dir.as_ref().map(within_file))
            .or_else(|| environment.home.as_ref().map(|home| home.join(".proxyhost"))),
    })
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
const FIRST_BYTE_TIME: Duration = Duration::from_secs(600);
const IDLE_TIME: Duration = Duration::from_secs(60);
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The addresses where modes listen that name none.
fn listen(file: &File, matches: &ArgMatches) -> Vec<Typed> {
    let given: Vec<Typed> = many(matches, "listen").map(|text| typed("listen", text)).collect();
    if !given.is_empty() {
        return given;
    }
    let (host, port) = (matches.get_one::<String>("listen-host"), matches.get_one::<String>("listen-port"));
    match (host, port) {
        (None, None) => file.listen.clone().map(Typed::from).into_iter().collect(),
        (None, Some(port)) => vec![typed("listen-port", port)],
        (Some(host), port) => {
            let port = port.map_or_else(|| Mode::Regular.default_port().to_string(), Clone::clone);
            let is_bare_ipv6 = host.parse::<Ipv6Addr>().is_ok();
            let host = if is_bare_ipv6 { format!("[{host}]") } else { host.clone() };
            vec![typed("listen-host", &format!("{host}:{port}"))]
        }
    }
}

/// Who may use listeners that do not say it themselves.
fn access(file: &File, matches: &ArgMatches, environment: &Environment) -> Result<Access, ConfigError> {
    let users: Vec<Typed> = many(matches, "proxy-auth").map(|text| typed("proxy-auth", text)).collect();
    let named = UserSources {
        users: (!users.is_empty()).then_some(users),
        file: matches.get_one::<String>("proxy-auth-file").map(|text| typed("proxy-auth-file", text)),
    };
    let users = if named.is_given() {
        named.read(|text| environment.path(text, &environment.folder))?
    } else {
        file.users.read(|text| environment.path(text, &file.folder))?
    };
    Ok(Access { users, allow_open: matches.get_flag("allow-open") || file.allow_open.unwrap_or(false) })
}

/// Who this proxy is at others. The text is not shown: it has a password.
fn upstream_auth(file: &File, matches: &ArgMatches) -> Result<Option<Credentials>, ConfigError> {
    let given = matches.get_one::<String>("upstream-auth").map(|text| typed("upstream-auth", text));
    let given = given.or_else(|| file.upstream_auth.clone().map(Typed::from));
    let credentials = given.map(|Typed { text, origin }| {
        let wrong = |error| ConfigError::new("this is no user with a password").because(error).at(origin);
        Credentials::parse(&text).map_err(wrong)
    });
    credentials.transpose()
}

/// The patterns that a flag gives, or else the file.
fn hosts(matches: &ArgMatches, flag: &str, file: Option<&[Located<String>]>) -> Result<Vec<Search>, ConfigError> {
    let mut given: Vec<Typed> = many(matches, flag).map(|text| typed(flag, text)).collect();
    if given.is_empty() {
        given = file.into_iter().flatten().map(|located| Typed::from(located.clone())).collect();
    }
    let pattern = |Typed { text, origin }: Typed| {
        let wrong = |why| {
            let error = ConfigError::new(format_args!("`{text}` is no pattern for hosts: {why}")).at(origin);
            let is_all_but = text.contains("(?!");
            if is_all_but { error.hint("hosts that it leaves out are named by `--allow-hosts`") } else { error }
        };
        Search::parse(&text).map_err(wrong)
    };
    given.into_iter().map(pattern).collect()
}

/// The listeners that are asked for, of which `access` is the access where they do not say it themselves.
fn wanted(
    file: &File,
    matches: &ArgMatches,
    environment: &Environment,
    access: &Access,
) -> Result<Vec<Wanted>, ConfigError> {
    let plain = |mode: Typed| Wanted { mode, access: access.clone(), session: Session::default() };
    let to = |flag| many(matches, flag).map(move |url| plain(typed(flag, &format!("{flag}:{url}"))));
    let modes = many(matches, "mode").map(|text| plain(typed("mode", text)));
    let named: Vec<Wanted> = modes.chain(to("reverse")).chain(to("upstream")).collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let mut wanted: Vec<Wanted> = file.mode.iter().flatten().cloned().map(|mode| plain(mode.into())).collect();
    for listener in &file.listeners {
        let users = if listener.users.is_given() {
            listener.users.read(|text| environment.path(text, &file.folder))?
        } else {
            access.users.clone()
        };
        let allow_open = listener.allow_open.unwrap_or(access.allow_open);
        let (access, session) = (Access { users, allow_open }, listener.session.clone());
        wanted.push(Wanted { mode: listener.mode.clone().into(), access, session });
    }
    Ok(wanted)
}

/// The field by which requests can name their session.
fn session_field(file: &File, matches: &ArgMatches) -> Result<Option<HeaderName>, ConfigError> {
    let named = matches.get_one::<String>("session-field").map(|text| typed("session-field", text));
    let Some(Typed { text, origin }) = named.or_else(|| file.session_field.clone().map(Typed::from)) else {
        return Ok(None);
    };
    let wrong = |why: &str| {
        ConfigError::new(format_args!("requests cannot name their session by the field `{text}`: {why}"))
            .at(&origin)
            .hint("choose a name of your own, such as `x-test-session`")
    };
    let field = HeaderName::from_bytes(text.as_bytes()).map_err(|_| wrong("no field has such a name"))?;
    let has_a_meaning = HOP_BY_HOP.contains(&field) || NEEDED.contains(&field);
    if has_a_meaning { Err(wrong("HTTP needs it for something else")) } else { Ok(Some(field)) }
}

/// Fields that would be missed, beside those of a connection.
const NEEDED: [HeaderName; 7] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TRAILER,
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
];

/// What is said at the end.
fn verdict(file: &File, matches: &ArgMatches, environment: &Environment) -> Result<Verdict, ConfigError> {
    let line = matches.get_one::<String>("report").map(|text| environment.path(text, &environment.folder));
    let report = line.or_else(|| file.report.as_ref().map(|text| environment.path(text, &file.folder)));
    let in_file = || file.fail_on.iter().flatten().cloned().map(Typed::from).collect();
    let fail_on = matches.get_one::<String>("fail-on").map_or_else(in_file, |text| vec![typed("fail-on", text)]);
    let fail_on = fail_on.into_iter().try_fold(FailOn::default(), |all, Typed { text, origin }| {
        let one = text.parse().map_err(|error: UnknownVerdict| ConfigError::new(error).at(origin));
        one.map(|one| all.or(one))
    })?;
    Ok(Verdict { report, fail_on, exit_when_used: matches.get_flag("exit-when-used") })
}

/// The server of a reverse proxy, or the proxy that everything goes by.
fn named(listener: &Listener) -> Option<Destination> {
    match &listener.mode {
        Mode::Reverse(destination) | Mode::Upstream(destination) => Some(destination.clone()),
        Mode::Regular | Mode::Socks | Mode::Transparent => None,
    }
}

/// The rules that a flag gives, or else the file.
fn rules(matches: &ArgMatches, flag: &str, file: &[Located<String>]) -> Result<Vec<Rule>, ConfigError> {
    let mut given: Vec<Typed> = many(matches, flag).map(|text| typed(flag, text)).collect();
    if given.is_empty() {
        given = file.iter().map(|located| Typed::from(located.clone())).collect();
    }
    let rule = |typed: Typed| typed.text.parse().map_err(|error: InvalidRule| ConfigError::new(error).at(typed.origin));
    given.into_iter().map(rule).collect()
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
