//! The command line.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

/// `flows` with all its commands.
pub fn command() -> Command {
    let json = || switch("json", "Print one JSON object a line, for programs");
    let force = || switch("force", "Replace OUT if it exists");
    Command::new("flows")
        .about("Look into recordings, and make new ones of them")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            Command::new("list")
                .about("List the exchanges of recordings")
                .arg(file("file", "FILE", "The recordings").num_args(1..))
                .arg(json()),
            Command::new("show")
                .about("Show one exchange, its bodies decoded")
                .arg(file("file", "FILE", "The recording"))
                .arg(
                    Arg::new("number")
                        .value_name("N")
                        .help("The number of the exchange, as `list` has it")
                        .required(true)
                        .value_parser(value_parser!(usize)),
                )
                .arg(switch("json", "Print it as one JSON object, for programs"))
                .arg(
                    Arg::new("body")
                        .long("body")
                        .value_name("SIDE")
                        .help("Write only the body of the request or of the response, decoded")
                        .value_parser(["request", "response"])
                        .conflicts_with("json"),
                )
                .arg(switch("coded", "Write the body as it was sent, in its content coding").requires("body"))
                .arg(
                    file("out", "OUT", "Write the body to this file, instead of standard output")
                        .long("out")
                        .required(false)
                        .requires("body"),
                )
                .arg(force().requires("out")),
            Command::new("check")
                .about("Look for damage, and say what can be replayed; exit code 1 if there is damage")
                .arg(file("file", "FILE", "The recordings").num_args(1..)),
            Command::new("repair")
                .about("Cut off the broken end of a flow file")
                .arg(file("in", "IN", "The flow file"))
                .arg(file("out", "OUT", "The file to write").required(false).conflicts_with("in-place"))
                .arg(switch("in-place", "Replace IN, and keep what is cut off as IN.tail"))
                .arg(force()),
            Command::new("merge")
                .about("Put the flows of recordings into one file, one recording after the other")
                .arg(file("out", "OUT", "The file to write: a HAR file if it ends in `.har`, otherwise a flow file"))
                .arg(file("in", "IN", "The recordings").num_args(1..))
                .arg(force()),
            Command::new("filter")
                .about(
                    "List the flows that match an expression of mitmproxy's filter language, or write them to a file",
                )
                .after_help("Such as `~m POST & ~u /login`, `! ~c 200`, or `~h content-type:.json ~b name`.")
                .arg(Arg::new("expression").value_name("EXPR").help("The expression").required(true))
                .arg(file("in", "IN", "The recording"))
                .arg(
                    file("out", "OUT", "The file to write: a HAR file if it ends in `.har`, otherwise a flow file")
                        .required(false)
                        .conflicts_with("json"),
                )
                .arg(switch("invert", "Take the flows that do not match").short('v'))
                .arg(json())
                .arg(force()),
            Command::new("convert")
                .about("Write a recording in another format")
                .arg(file("in", "IN", "The recording"))
                .arg(file("out", "OUT", "The file to write: a HAR file if it ends in `.har`, otherwise a flow file"))
                .arg(force()),
            Command::new("diff")
                .about("Compare two recordings exchange by exchange; exit code 1 if they differ")
                .arg(file("a", "A", "The old recording"))
                .arg(file("b", "B", "The new recording"))
                .arg(
                    Arg::new("ignore-field")
                        .long("ignore-field")
                        .value_name("NAME")
                        .help("Do not compare this field; `date` never is")
                        .action(ArgAction::Append),
                ),
        ])
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn file(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(shown).help(help).required(true).value_parser(value_parser!(PathBuf))
}

/// The files of an argument; none if it was left out.
pub(super) fn files<'m>(matches: &'m ArgMatches, name: &str) -> Vec<&'m PathBuf> {
    matches.get_many(name).into_iter().flatten().collect()
}

/// The file of an argument that is required.
pub(super) fn the_file(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one(name).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
