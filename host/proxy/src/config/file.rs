//! The configuration file, checked as far as it can be before the addons are known.

use std::{
    io::ErrorKind,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    ConfigError, Environment,
    access::UserSources,
    document::{Entry, Located, Place, Section, Source},
    listeners::Typed,
    suggest::nearest,
    values::Setting,
};
use crate::{
    addon::{Limits, OnFailure},
    flow::Session,
};

/// What a configuration file says; `None` where it says nothing.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Where it is, if there is one.
    pub(super) path: Option<PathBuf>,
    /// What relative paths in it start from.
    pub(super) folder: PathBuf,
    pub(super) listen: Option<Located<String>>,
    pub(super) mode: Option<Vec<Located<String>>>,
    /// Listeners with more to say than their mode.
    pub(super) listeners: Vec<FileListener>,
    pub(super) users: UserSources,
    pub(super) allow_open: Option<bool>,
    pub(super) session_field: Option<Located<String>>,
    pub(super) ready_file: Option<String>,
    pub(super) ca_dir: Option<String>,
    pub(super) offline: Option<bool>,
    pub(super) insecure: Option<bool>,
    pub(super) upstream_ca: Option<Vec<Located<String>>>,
    pub(super) upstream_auth: Option<Located<String>>,
    pub(super) ignore_hosts: Option<Vec<Located<String>>>,
    pub(super) allow_hosts: Option<Vec<Located<String>>>,
    pub(super) egress: FileEgress,
    pub(super) force: Option<bool>,
    pub(super) onboarding: Option<bool>,
    pub(super) via: Option<bool>,
    pub(super) fidelity: Option<bool>,
    pub(super) watch: Option<bool>,
    pub(super) report: Option<String>,
    pub(super) fail_on: Option<Vec<Located<String>>>,
    pub(super) default_addons: Option<bool>,
    pub(super) plugs: Option<Vec<Located<String>>>,
    pub(super) addons: Vec<FileAddon>,
    /// Options by name, for whichever addon declares them.
    pub(super) options: Vec<Setting>,
    pub(super) limits: HostLimits,
    pub(super) control: Option<FileControl>,
}

/// The `[control]` table.
#[derive(Debug)]
pub(super) struct FileControl {
    pub(super) place: Place,
    pub(super) listen: Option<Located<String>>,
    pub(super) token_file: Option<String>,
    pub(super) allow_open: bool,
}

/// Rules for where connections may go.
#[derive(Debug, Default)]
pub(super) struct FileEgress {
    pub(super) allow: Vec<Located<String>>,
    pub(super) deny: Vec<Located<String>>,
}

/// A `[[listeners]]` entry.
#[derive(Debug)]
pub(super) struct FileListener {
    pub(super) mode: Located<String>,
    pub(super) users: UserSources,
    pub(super) allow_open: Option<bool>,
    pub(super) session: Session,
}

/// An `[[addons]]` entry.
#[derive(Debug)]
pub(super) struct FileAddon {
    pub(super) source: Located<String>,
    pub(super) plugs: Vec<Located<String>>,
    pub(super) on_failure: OnFailure,
    pub(super) limits: Limits,
    pub(super) options: Vec<Setting>,
}

/// The proxy's own limits.
#[derive(Debug, Default)]
pub(super) struct HostLimits {
    pub(super) connect: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) tunnel_idle: Option<Duration>,
    pub(super) drain: Option<Duration>,
    pub(super) compile: Option<Duration>,
    pub(super) connections: Option<usize>,
    pub(super) flows: Option<usize>,
}

impl File {
    /// Reads the file that `--config` names, or the one that is picked up where the proxy starts.
    pub(super) fn load(named: Option<&str>, environment: &Environment) -> Result<Self, ConfigError> {
        let name = named.unwrap_or(PICKED_UP);
        let path = environment.folder.join(name);
        let bytes = match regular_file::read(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(
                    ConfigError::new(format_args!("cannot read the configuration file `{name}`")).because(error)
                );
            }
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            ConfigError::new(format_args!("cannot read the configuration file `{name}`: byte {at} is not UTF-8"))
        })?;
        let file = Self::parse(name, &text, path.parent().unwrap_or(Path::new("")))?;
        Ok(Self { path: Some(path), ..file })
    }

    pub(super) fn parse(name: &str, text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let source = Source::new(name, text);
        let mut top = source.parse()?;
        let file = Self {
            path: None,
            folder: folder.to_owned(),
            listen: top.string("listen")?,
            mode: top.strings("mode")?,
            listeners: {
                let entries = top.tables("listeners", "[[listeners]]")?;
                entries.into_iter().map(parse_listener).collect::<Result<_, _>>()?
            },
            users: parse_users(&mut top)?,
            allow_open: top.boolean("allow_open")?,
            session_field: top.string("session_field")?,
            ready_file: top.string("ready_file")?.map(|found| found.value),
            ca_dir: top.string("ca_dir")?.map(|found| found.value),
            offline: top.boolean("offline")?,
            insecure: top.boolean("insecure")?,
            upstream_ca: top.strings("upstream_ca")?,
            upstream_auth: top.string("upstream_auth")?,
            ignore_hosts: top.strings("ignore_hosts")?,
            allow_hosts: top.strings("allow_hosts")?,
            egress: top.table("egress", "[egress]")?.map(parse_egress).transpose()?.unwrap_or_default(),
            force: top.boolean("force")?,
            onboarding: top.boolean("onboarding")?,
            via: top.boolean("via")?,
            fidelity: top.boolean("fidelity")?,
            watch: top.boolean("watch")?,
            report: top.string("report")?.map(|found| found.value),
            fail_on: top.strings("fail_on")?,
            default_addons: top.boolean("default_addons")?,
            plugs: top.strings("plugs")?,
            addons: {
                let entries = top.tables("addons", "[[addons]]")?;
                entries.into_iter().map(|entry| parse_addon(entry, folder)).collect::<Result<_, _>>()?
            },
            options: parse_options(top.table("options", "[options]")?, folder)?,
            limits: top.table("limits", "[limits]")?.map(parse_limits).transpose()?.unwrap_or_default(),
            control: top.located_table("control", "[control]")?.map(parse_control).transpose()?,
        };
        top.end()?;
        Ok(file)
    }
}

/// Bytes of a file that somebody wrote.
const LARGEST: u64 = 16 << 20;

/// The file that is read when the command line names none.
const PICKED_UP: &str = "proxyhost.toml";

fn parse_egress(mut section: Section<'_>) -> Result<FileEgress, ConfigError> {
    let allow = section.strings("allow")?.unwrap_or_default();
    let deny = section.strings("deny")?.unwrap_or_default();
    section.end()?;
    Ok(FileEgress { allow, deny })
}

fn parse_control(table: Located<Section<'_>>) -> Result<FileControl, ConfigError> {
    let Located { value: mut section, place } = table;
    let listen = section.string("listen")?;
    let token_file = section.string("token_file")?.map(|found| found.value);
    let allow_open = section.boolean("allow_open")?.unwrap_or(false);
    section.end()?;
    Ok(FileControl { place, listen, token_file, allow_open })
}

fn parse_listener(entry: Located<Section<'_>>) -> Result<FileListener, ConfigError> {
    let Located { value: mut section, place } = entry;
    let mode = section.string("mode")?;
    let users = parse_users(&mut section)?;
    let allow_open = section.boolean("allow_open")?;
    let session = section.string("session")?.map(parse_session).transpose()?.unwrap_or_default();
    // A misspelt `mode` is told as such.
    section.end()?;
    let mode = mode.ok_or_else(|| {
        ConfigError::new("a listener needs the key `mode`, such as `mode = \"regular@8081\"`").at(place)
    })?;
    Ok(FileListener { mode, users, allow_open, session })
}

fn parse_session(found: Located<String>) -> Result<Session, ConfigError> {
    Session::named(&found.value).map_err(|error| {
        ConfigError::new(format_args!("`{}` names no session", found.value)).because(error).at(found.place)
    })
}

fn parse_users(section: &mut Section<'_>) -> Result<UserSources, ConfigError> {
    let users = section.strings("proxy_auth")?.map(|users| users.into_iter().map(Typed::from).collect());
    Ok(UserSources { users, file: section.string("proxy_auth_file")?.map(Typed::from) })
}

fn parse_addon(entry: Located<Section<'_>>, folder: &Path) -> Result<FileAddon, ConfigError> {
    let Located { value: mut section, place } = entry;
    let source = section.string("use")?;
    let plugs = section.strings("plugs")?.unwrap_or_default();
    let on_failure = section.string("on_failure")?.map(parse_on_failure).transpose()?.unwrap_or_default();
    let options = parse_options(section.table("options", "the addon's options")?, folder)?;
    let limits = section.table("limits", "the addon's limits")?.map(parse_addon_limits).transpose()?;
    // A misspelt `use` is told as such.
    section.end()?;
    let source = source.ok_or_else(|| {
        ConfigError::new("an addon needs the key `use`: its file, or the name of a shipped one").at(place)
    })?;
    Ok(FileAddon { source, plugs, on_failure, limits: limits.unwrap_or_default(), options })
}

fn parse_on_failure(found: Located<String>) -> Result<OnFailure, ConfigError> {
    match found.value.as_str() {
        "fail" => Ok(OnFailure::Fail),
        "skip" => Ok(OnFailure::Skip),
        other => Err(ConfigError::new(format_args!("`on_failure` is fail or skip, not `{other}`"))
            .at(found.place)
            .did_you_mean(nearest(other, ["fail", "skip"]))),
    }
}

fn parse_options(section: Option<Section<'_>>, folder: &Path) -> Result<Vec<Setting>, ConfigError> {
    let Some(section) = section else { return Ok(Vec::new()) };
    let setting = |(name, given): Entry| Setting {
        name: name.value,
        origin: name.place.to_string(),
        given: given.value,
        given_at: given.place.to_string(),
        folder: folder.to_owned(),
    };
    Ok(section.given()?.into_iter().map(setting).collect())
}

fn parse_addon_limits(mut section: Section<'_>) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let limits = Limits {
        memory: section.number("memory_mib", 1..=MOST_MIB)?.map_or(default.memory, |mib| (mib as usize) << 20),
        cpu: match section.number("cpu_ms", 1..=MOST_CPU_MS)? {
            Some(cpu) => Duration::from_millis(cpu.into()),
            None => default.cpu,
        },
        cpu_per_mib: match section.number("cpu_ms_per_mib", 0..=MOST_CPU_MS)? {
            Some(cpu) => Duration::from_millis(cpu.into()),
            None => default.cpu_per_mib,
        },
        hook: seconds(&mut section, "hook_seconds")?.unwrap_or(default.hook),
        body: section.number("body_mib", 1..=MOST_MIB)?.map_or(default.body, |mib| u64::from(mib) << 20),
        body_wait: seconds(&mut section, "body_seconds")?.unwrap_or(default.body_wait),
        instances: section.number("instances", 1..=MOST_INSTANCES)?.map_or(default.instances, |count| count as usize),
        configure: seconds(&mut section, "configure_seconds")?.unwrap_or(default.configure),
    };
    section.end()?;
    Ok(limits)
}

fn parse_limits(mut section: Section<'_>) -> Result<HostLimits, ConfigError> {
    let limits = HostLimits {
        connect: seconds(&mut section, "connect_seconds")?,
        first_byte: seconds(&mut section, "first_byte_seconds")?,
        idle: seconds(&mut section, "idle_seconds")?,
        tunnel_idle: seconds(&mut section, "tunnel_idle_seconds")?,
        drain: seconds(&mut section, "drain_seconds")?,
        compile: seconds(&mut section, "compile_seconds")?,
        connections: section.number("client_connections", AT_ONCE)?.map(|count| count as usize),
        flows: section.number("flows_in_flight", AT_ONCE)?.map(|count| count as usize),
    };
    section.end()?;
    Ok(limits)
}

fn seconds(section: &mut Section<'_>, key: &'static str) -> Result<Option<Duration>, ConfigError> {
    Ok(section.number(key, 1..=MOST_SECONDS)?.map(|seconds| Duration::from_secs(seconds.into())))
}

/// A component addresses 4 GiB, less a page so that the number of bytes fits 32 bits.
const MOST_MIB: u32 = 4095;
/// A minute: longer than any client waits.
const MOST_CPU_MS: u32 = 60_000;
/// More would reserve more address space than a process has.
const MOST_INSTANCES: u32 = 10_000;
/// A day.
const MOST_SECONDS: u32 = 86_400;
/// How many connections or flows may go on at once: Linux gives a process hardly more file descriptors.
pub(super) const AT_ONCE: RangeInclusive<u32> = 1..=1_000_000;
