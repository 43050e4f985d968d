//! What addons declare, as the tests would have it.

use proxyhost::{
    addon::options::{Flag, Kind, OptionDeclaration, Value},
    config::{AddonSpec, DeclaredAddon},
};

/// A declaration for each addon: `serverreplay` has its options, all others have one.
pub(crate) fn declared(addons: &[AddonSpec]) -> Vec<DeclaredAddon> {
    let addon = |(number, spec): (usize, &AddonSpec)| match spec.source.name().as_str() {
        "serverreplay" => serverreplay(),
        name => DeclaredAddon {
            name: name.to_owned(),
            summary: "does something else".to_owned(),
            options: vec![option(&format!("other_{number}"), Kind::Text)],
            reads: Vec::new(),
        },
    };
    addons.iter().enumerate().map(addon).collect()
}

fn serverreplay() -> DeclaredAddon {
    let words = |words: &[&str]| Kind::Choice(words.iter().map(|&word| word.to_owned()).collect());
    DeclaredAddon {
        name: "serverreplay".to_owned(),
        summary: "answers requests from a recorded conversation".to_owned(),
        reads: Vec::new(),
        options: vec![
            option("server_replay", Kind::Files).flag("server-replay", Some('S'), None).help("Replay these flows"),
            option("server_replay_extra", Kind::Text)
                .default("forward")
                .flag("kill", Some('k'), Some("kill"))
                .flag("server-replay-kill-extra", None, Some("kill"))
                .flag("server-replay-extra", None, None)
                .help("What happens to requests that were not recorded: forward, kill, or a status"),
            option("server_replay_use_headers", Kind::Texts)
                .flag("rheader", None, None)
                .flag("server-replay-use-header", None, None)
                .help("Fields that have to match as well"),
            option("server_replay_refresh", Kind::Flag)
                .default("true")
                .flag("norefresh", None, Some("false"))
                .flag("no-server-replay-refresh", None, Some("false"))
                .help("Bring dates up to date"),
            option("server_replay_reuse", words(&["off", "first", "last", "cycle", "stick"]))
                .default("off")
                .flag("no-pop", None, Some("first"))
                .flag("server-replay-reuse", None, Some("first"))
                .help("What happens after the last recorded response"),
            option("server_replay_ignore_content", Kind::Flag).flag("replay-ignore-content", None, Some("true")),
            option("server_replay_ignore_params", Kind::Texts).flag("replay-ignore-param", None, None),
            option("server_replay_ignore_payload_params", Kind::Texts).flag("replay-ignore-payload-param", None, None),
            option("server_replay_ignore_host", Kind::Flag).flag("replay-ignore-host", None, Some("true")),
            option("server_replay_delay", Kind::Integer).default("0").flag("server-replay-delay", None, None),
            option("server_replay_json", Kind::Flag).help("Compare JSON bodies by what they mean"),
            OptionDeclaration {
                deprecated: Some("server_replay_reuse=first".to_owned()),
                ..option("server_replay_nopop", Kind::Flag)
            },
        ],
    }
}

/// An option without flags.
pub(crate) fn option(name: &str, kind: Kind) -> OptionDeclaration {
    let help = format!("Sets {name}");
    OptionDeclaration {
        name: name.to_owned(),
        help,
        kind,
        default: None,
        flags: Vec::new(),
        deprecated: None,
        fixed: false,
    }
}

trait Build {
    fn flag(self, long: &str, short: Option<char>, sets: Option<&str>) -> Self;
    fn default(self, text: &str) -> Self;
    fn help(self, text: &str) -> Self;
}

impl Build for OptionDeclaration {
    fn flag(mut self, long: &str, short: Option<char>, sets: Option<&str>) -> Self {
        self.flags.push(Flag { long: long.to_owned(), short, sets: sets.map(str::to_owned) });
        self
    }

    fn default(mut self, text: &str) -> Self {
        self.default = Some(text.to_owned());
        self
    }

    fn help(mut self, text: &str) -> Self {
        self.help = text.to_owned();
        self
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn texts(texts: &[&str]) -> Value {
    Value::Texts(texts.iter().map(|&text| text.to_owned()).collect())
}
