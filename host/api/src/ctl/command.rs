//! The command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

/// `ctl` with all its commands.
pub fn command() -> Command {
    Command::new("ctl")
        .about("Look at a running proxy, and change it")
        .after_help(
            "The proxy has to run with `--control`. One that this user started on this machine is found by itself, others \
             by --control and --token-file.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args([
            one("control", "[HOST:]PORT", "Where the proxy's control API is").long("control").global(true),
            file("token-file", "FILE", "The file with its token").long("token-file").global(true),
            one("session", "S", "Ask about this session, instead of all").long("session").global(true),
            switch("json", "Print JSON, one object a line").global(true),
        ])
        .subcommands(looking())
        .subcommands(changing())
}

fn looking() -> [Command; 10] {
    [
        Command::new("wait").about("Wait until the proxy serves; exit code 1 if it does not").arg(
            one("timeout", "S", "How many seconds at most")
                .long("timeout")
                .value_parser(value_parser!(u64))
                .default_value("30"),
        ),
        Command::new("flows")
            .about("List recent flows")
            .arg(one("filter", "FILTER", "Those that this matches, in mitmproxy's language"))
            .arg(switch("follow", "Go on with those that end from now on"))
            .arg(
                one("limit", "N", "The latest so many")
                    .long("limit")
                    .value_parser(value_parser!(u64))
                    .conflicts_with("follow"),
            ),
        Command::new("flow")
            .about("Show a flow, or the body of one of its messages")
            .arg(one("id", "ID", "The number of the flow").required(true).value_parser(value_parser!(u64)))
            .arg(one("body", "SIDE", "Print this body").long("body").value_parser(["request", "response"]))
            .arg(switch("raw", "With its content coding, as it was sent").requires("body")),
        Command::new("events")
            .about("Print events as they happen, a JSON object a line")
            .arg(one("kind", "KIND,…", "Only of these kinds, such as flow_ended,changed").long("kind"))
            .arg(one("filter", "FILTER", "Of flows, those that this matches").long("filter")),
        Command::new("commands").about("List the commands of addons"),
        Command::new("sessions").about("List the sessions"),
        Command::new("report").about("Say what came of the flows so far").arg(
            one("format", "FORMAT", "How to write it")
                .long("format")
                .value_parser(["text", "json", "junit"])
                .default_value("text"),
        ),
        Command::new("metrics").about("Print the numbers for monitoring"),
        Command::new("save")
            .about("Write recent flows to a file: a HAR file if it ends in `.har`, otherwise a flow file")
            .arg(file("file", "FILE", "The file").required(true))
            .arg(one("filter", "FILTER", "Those that this matches"))
            .arg(switch("force", "Replace a file that is there already")),
        Command::new("status").about("Say where the proxy listens"),
    ]
}

fn changing() -> [Command; 9] {
    [
        Command::new("options").about("List the options of addons").subcommands([
            Command::new("get")
                .about("Print the value of an option")
                .arg(one("name", "NAME", "The option").required(true)),
            Command::new("set").about("Set options, all together or none").arg(many(
                "assignment",
                "NAME=VALUE",
                "What to set; a list takes several values by several of them",
            )),
            Command::new("unset").about("Give options their defaults again").arg(many("name", "NAME", "The options")),
        ]),
        Command::new("run")
            .about("Run a command of an addon, such as replay.server.reset")
            .arg(one("name", "COMMAND", "The command").required(true))
            .arg(
                one("argument", "ARG", "What it takes").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true),
            ),
        Command::new("addons").about("List the addons").subcommands([
            Command::new("add").about("Load an addon").arg(component("A file, or the name of one that ships")),
            Command::new("replace")
                .about("Put another file in the place of an addon")
                .arg(one("name", "NAME", "The addon").required(true))
                .arg(component("The file")),
            Command::new("remove").about("Leave an addon out").arg(one("name", "NAME", "The addon").required(true)),
        ]),
        Command::new("plugs").about("List the plugs of addons").subcommands([
            Command::new("add").about("Load a plug").arg(component("A file, or the name of one that ships")),
            Command::new("replace")
                .about("Put another file in the place of a plug")
                .arg(one("name", "NAME", "The plug").required(true))
                .arg(component("The file")),
            Command::new("remove").about("Leave a plug out").arg(one("name", "NAME", "The plug").required(true)),
        ]),
        Command::new("recordings")
            .about("List the recordings that are replayed, and how often each exchange was")
            .subcommands([
                Command::new("add")
                    .about("Replay a recording too")
                    .arg(file("file", "FILE", "The recording").required(true)),
                Command::new("remove")
                    .about("No longer replay a recording")
                    .arg(file("file", "FILE", "The recording").required(true)),
            ]),
        Command::new("clear").about("Forget the recent flows that have ended"),
        Command::new("reset").about("Forget what was used, missed and counted"),
        Command::new("reload").about("Read again what has changed on disk"),
        Command::new("stop").about("Have the proxy stop, as on SIGTERM"),
    ]
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn one(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(shown).help(help)
}

fn many(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    one(name, shown, help).required(true).num_args(1..)
}

fn file(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    one(name, shown, help).value_parser(value_parser!(PathBuf))
}

fn component(help: &'static str) -> Arg {
    one("component", "ADDON", help).required(true)
}

/// The text of an argument, if it was given.
pub(super) fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.get_one::<String>(name).map(String::as_str)
}

/// The text of an argument that is required.
pub(super) fn the_text<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    text(matches, name).unwrap_or_default()
}

/// The texts of an argument; none if it was left out.
pub(super) fn texts<'m>(matches: &'m ArgMatches, name: &str) -> impl Iterator<Item = &'m str> {
    matches.get_many::<String>(name).unwrap_or_default().map(String::as_str)
}

/// The file of an argument.
pub(super) fn path<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m PathBuf> {
    matches.get_one(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
