//! The proxy's own flags and commands, and what is wrong with a command line in our words.

use clap::{
    Arg, ArgAction, Command,
    builder::PossibleValue,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{ConfigError, mitmproxy, suggest::nearest};

/// The command line without the flags of addons.
pub(super) fn own() -> Command {
    let switch =
        |long: &'static str, help: &'static str| Arg::new(long).long(long).help(help).action(ArgAction::SetTrue);
    let one = |long: &'static str, name: &'static str, help: &'static str| {
        Arg::new(long).long(long).value_name(name).help(help).action(ArgAction::Set)
    };
    let many = |long, name, help| one(long, name, help).action(ArgAction::Append);
    Command::new("proxyhost")
        .bin_name("proxyhost")
        .version(env!("CARGO_PKG_VERSION"))
        .about("An HTTP(S) proxy whose behaviour lives in WebAssembly addons")
        .no_binary_name(true)
        // Of a flag that is given twice the last one counts, so that a wrapper's flags can be changed.
        .args_override_self(true)
        .arg(command())
        .args([
            many(
                "mode",
                "SPEC",
                "How clients name their server: regular, reverse:URL, upstream:URL, socks5 or transparent; with \
                 @[HOST:]PORT to listen there",
            )
            .short('m'),
            many("reverse", "URL", "Stand in this server's place: the same as --mode reverse:URL").short('R'),
            many("upstream", "URL", "Send everything to this proxy: the same as --mode upstream:URL").short('U'),
            many("listen", "[HOST:]PORT", "Where to listen, several times if repeated [default: 127.0.0.1:8080]"),
            one("listen-port", "PORT", "Where to listen: the port").short('p').conflicts_with("listen"),
            one("listen-host", "HOST", "Where to listen: the host").conflicts_with("listen"),
            many("addon", "ADDON", "Load an addon: a file, or a shipped addon's name; the first is outermost"),
            many("plug", "FILE", "Load a component that exports what an addon imports"),
            switch("no-default-addons", "Load only the addons that are named"),
            many("set", "NAME=VALUE", "Set an addon's option; lists add up when repeated"),
            one("config", "FILE", "Read this configuration file [default: proxyhost.toml, where there is one]"),
            many("proxy-auth", "NAME:PASSWORD", "Serve only this user, and others that are named")
                .visible_alias("proxyauth"),
            one("proxy-auth-file", "FILE", "Serve only the users of this file, a line NAME:PASSWORD each"),
            switch("allow-open", "Let everybody who can reach the proxy use it, from other machines too"),
            one("session-field", "NAME", "Take the name of a request's session from this field, and remove it"),
            one("ready-file", "FILE", "Write to this file where it listens, once it does; remove it at the end"),
            one(
                "control",
                "[HOST:]PORT",
                "Where to be looked at and changed while running, by `proxyhost ctl` or HTTP",
            ),
            switch("console", "Show on the terminal what passes, and change it there"),
            switch("watch", "Take over files as they change: the configuration, addons, plugs and recordings"),
            one(
                "report",
                "FILE",
                "Write what came of the flows to this file at the end: JSON, or JUnit XML if it ends in .xml",
            ),
            one(
                "fail-on",
                "miss,unused,error",
                "Exit with 3 if a request was missed, a recorded response not served, or a flow failed",
            ),
            switch("exit-when-used", "Stop when every recorded response was served"),
            one("ca-dir", "DIR", "Keep the certificate authority here [default: ~/.proxyhost]")
                .visible_alias("confdir"),
            switch("no-onboarding", "Do not answer http://proxyhost.local/ and http://mitm.it/ with the certificates"),
            switch("insecure", "Accept any certificate of a server").visible_alias("ssl-insecure"),
            many("upstream-ca", "FILE", "Trust these certificates of servers as well"),
            one(
                "upstream-auth",
                "NAME:PASSWORD",
                "Be this user at the proxy of upstream mode, or the server of reverse mode",
            ),
            many("ignore-hosts", "PATTERN", "Pass on untouched what goes to hosts whose HOST:PORT matches"),
            many("allow-hosts", "PATTERN", "Pass on untouched what goes to other hosts than those that match"),
            switch("force", "Replace recordings that are there already"),
            switch("offline", "Send nothing to any server"),
            many("egress-allow", "HOST[:PORT]", "Send only there: names with *, addresses, networks, ports"),
            many("egress-deny", "HOST[:PORT]", "Send nothing there, whatever is allowed"),
            switch("no-via", "Leave out the via field"),
            switch("fidelity", "Leave the fields via and host as they came"),
            one("client-connections", "N", "Serve at most so many connections of clients at once [default: 10000]"),
            one("flows-in-flight", "N", "Let at most so many flows go on at once [default: 2000]"),
            switch("verbose", "Log more; twice for every hook").short('v').action(ArgAction::Count),
            switch("quiet", "Log errors only").short('q').conflicts_with("verbose"),
        ])
}

/// What to do, where it is not to run. It is no clap subcommand, so that flags may stand before it as well as after.
fn command() -> Arg {
    let commands = COMMANDS.map(|(name, help)| PossibleValue::new(name).help(help));
    Arg::new("command").value_name("COMMAND").help("What to do instead of running the proxy").value_parser(commands)
}

/// The commands that are ones of their own, with arguments of their own behind them.
pub(super) const OF_THEIR_OWN: [&str; 2] = [CTL, FLOWS];
/// Looks at the configuration only.
pub(super) const CHECK: &str = "check";
const CTL: &str = "ctl";
const FLOWS: &str = "flows";

const COMMANDS: [(&str, &str); 5] = [
    ("addons", "List the addons and their options"),
    ("ca", "Show the certificate authority that clients have to trust"),
    (CHECK, "Check the configuration, and stop"),
    (CTL, "Look at a running proxy, or change it; see `proxyhost ctl --help`"),
    (FLOWS, "List, show, check, repair, merge, filter, convert or compare recordings; see `proxyhost flows --help`"),
];

/// Whether a word says what to do.
pub(super) fn is_command(word: &str) -> bool {
    COMMANDS.iter().any(|(name, _)| *name == word)
}

/// Says what clap found wrong.
pub(super) fn explain(error: &clap::Error, command: &Command) -> ConfigError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    // Dots mark a flag that may be repeated.
    let argument = context(ContextKind::InvalidArg).trim_end_matches("...").to_owned();
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => unknown_flag(&argument, command),
        ErrorKind::UnknownArgument => ConfigError::new(format_args!("unexpected argument `{argument}`")).hint(SEE_HELP),
        ErrorKind::InvalidValue if argument == "[COMMAND]" => {
            let known = COMMANDS.map(|(name, _)| name);
            let error = ConfigError::new(format_args!("unknown command `{value}`; known are {}", known.join(", ")));
            error.did_you_mean(nearest(&value, known))
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            ConfigError::new(format_args!("flag `{argument}` needs a value")).hint(SEE_HELP)
        }
        ErrorKind::TooManyValues => {
            ConfigError::new(format_args!("flag `{argument}` stands alone, and takes no value such as `{value}`"))
        }
        ErrorKind::ArgumentConflict => {
            let other = context(ContextKind::PriorArg);
            let other = other.trim_end_matches("...");
            ConfigError::new(format_args!("flags `{argument}` and `{other}` exclude each other"))
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            ConfigError::new(first.strip_prefix("error: ").unwrap_or(first)).hint(SEE_HELP)
        }
    }
}

const SEE_HELP: &str = "`proxyhost --help` lists all flags";

fn unknown_flag(flag: &str, command: &Command) -> ConfigError {
    if let Some(what) = mitmproxy::instead_of_flag(flag) {
        return ConfigError::new(format_args!("there is no flag `{flag}`: {what}"));
    }
    let error = ConfigError::new(format_args!("unknown flag `{flag}`"));
    let longs =
        command.get_arguments().flat_map(|argument| argument.get_long_and_visible_aliases().unwrap_or_default());
    let near = flag.strip_prefix("--").and_then(|word| nearest(word, longs));
    match near {
        Some(near) => error.did_you_mean(Some(format_args!("--{near}"))),
        None => error.hint(SEE_HELP),
    }
}
