//! Whatever is typed or written, there is an answer.

use std::{ffi::OsString, fs};

use proptest::prelude::*;
use proxyhost::{
    addon::options::{Flag, Kind, OptionDeclaration},
    config::{DeclaredAddon, Preliminary},
};

use crate::{declared::declared, environment};

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(text in prop_oneof![any::<String>(), lines()]) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("proxyhost.toml"), text).expect("the configuration");
        let _ = Preliminary::scan([], environment(folder.path())).map(|found| {
            let declared = declared(found.addons());
            found.finish(&declared)
        });
    }

    #[test]
    fn no_command_line_makes_the_reader_panic(words in prop::collection::vec(word(), 0..6)) {
        let folder = tempfile::tempdir().expect("a folder");
        let args = words.into_iter().map(OsString::from);
        let _ = Preliminary::scan(args, environment(folder.path())).map(|found| {
            let declared = declared(found.addons());
            found.finish(&declared)
        });
    }
}

proptest! {
    #[test]
    fn no_declaration_makes_the_reader_panic(options in prop::collection::vec(option(), 0..4), words in prop::collection::vec(word(), 0..4)) {
        let folder = tempfile::tempdir().expect("a folder");
        for words in [words, vec!["--help".to_owned()]] {
            let args = words.into_iter().map(OsString::from);
            let name = "an\u{1b}addon".to_owned();
            let declared = DeclaredAddon { name, summary: String::new(), options: options.clone(), reads: Vec::new() };
            let _ = Preliminary::scan(args, environment(folder.path())).map(|found| found.finish(&[declared]));
        }
    }
}

fn option() -> impl Strategy<Value = OptionDeclaration> {
    let kind = prop::sample::select(vec![Kind::Flag, Kind::Integer, Kind::Text, Kind::Texts, Kind::Files]);
    let kind = prop_oneof![kind, prop::collection::vec("[a-z]{0,2}", 0..3).prop_map(Kind::Choice)];
    let sets = || prop::option::of(prop_oneof!["", "true", "1", any::<String>()]);
    let flag =
        ("[a-z]{0,2}|\\PC{0,3}", prop::option::of(prop_oneof![any::<char>(), prop::char::range('a', 'z')]), sets())
            .prop_map(|(long, short, sets)| Flag { long, short, sets });
    let option = ("[a-z]{0,2}|\\PC{0,3}", any::<String>(), kind, sets(), prop::collection::vec(flag, 0..4), sets());
    option.prop_map(|(name, help, kind, default, flags, deprecated)| OptionDeclaration {
        fixed: false,
        name,
        help,
        kind,
        default,
        flags,
        deprecated,
    })
}

/// Keys and values that belong together now and then.
fn lines() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "listen",
        "mode",
        "ca_dir",
        "offline",
        "via",
        "plugs",
        "options",
        "addons",
        "limits",
        "egress",
        "allow",
        "use",
        "on_failure",
        "server_replay",
        "server_replay_delay",
        "server_replay_refresh",
        "memory_mib",
        "drain_seconds",
        "compile_seconds",
        "control",
        "token_file",
        "\"\"",
        "é",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "true",
            "404",
            "-1",
            "1e999",
            "0xffffffffffffffffff",
            "\"regular\"",
            "\"serverreplay\"",
            "[]",
            "{}",
            "[[]]",
            "[1, \"a\"]",
            "1979-05-27",
            "\"reverse:http://[::1]:1@0\"",
            "{ use = \"é\" }",
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_map(|text| format!("{text:?}")),
    ];
    let header =
        prop::sample::select(vec!["[options]", "[[addons]]", "[limits]", "[addons.limits]", "[addons.options]"]);
    let line = prop_oneof![
        4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => header.prop_map(|header| format!("{header}\n")),
    ];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

fn word() -> impl Strategy<Value = String> {
    let flag = prop::sample::select(vec![
        "--mode",
        "--listen",
        "-p",
        "-R",
        "--listen-host",
        "--addon",
        "--plug",
        "--set",
        "--config",
        "--ca-dir",
        "--offline",
        "-v",
        "-q",
        "-S",
        "-kS",
        "--rheader",
        "--norefresh",
        "--help",
        "--version",
        "--",
        "-",
        "ca",
        "check",
        "serverreplay",
        "regular@0",
        "--server-replay-delay",
        "-5",
        "server_replay_delay=x",
        "--set=server_replay",
        "reverse:http://[::1]:1@é:1",
    ]);
    prop_oneof![
        4 => flag.prop_map(str::to_owned),
        1 => any::<String>(),
        1 => any::<String>().prop_map(|text| format!("-{text}")),
        1 => any::<String>().prop_map(|text| format!("--{text}")),
    ]
}
