//! Flags, commands and what addons declare.

use std::{ffi::OsString, fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use flowfilter::Search;
use proxyhost::{
    addon::{
        Grants, Source,
        options::{Flag, Kind, OptionDeclaration, Value},
    },
    config::{Action, AddonSpec, ControlSettings, DeclaredAddon, Environment, Preliminary},
    listen::{Untouched, mode::Mode},
    upstream::Credentials,
};

use crate::{
    declared::{option, text, texts},
    environment, parse, preliminary, run,
};

#[test]
fn every_flag_of_either_era_sets_its_option() {
    let cases: &[(&str, &str, Value)] = &[
        ("-S a -Sb --server-replay=c --set server_replay=d", "server_replay", texts(&["a", "b", "c", "d"])),
        ("-k", "server_replay_extra", text("kill")),
        ("--kill --kill", "server_replay_extra", text("kill")),
        ("--server-replay-kill-extra", "server_replay_extra", text("kill")),
        ("-k --server-replay-extra 404", "server_replay_extra", text("404")),
        ("--server-replay-extra 404 -k", "server_replay_extra", text("kill")),
        ("--rheader A --server-replay-use-header B", "server_replay_use_headers", texts(&["A", "B"])),
        ("--norefresh", "server_replay_refresh", Value::Flag(false)),
        ("--no-server-replay-refresh", "server_replay_refresh", Value::Flag(false)),
        ("--norefresh --set server_replay_refresh", "server_replay_refresh", Value::Flag(true)),
        ("", "server_replay_refresh", Value::Flag(true)),
        ("--no-pop", "server_replay_reuse", text("first")),
        ("--server-replay-reuse", "server_replay_reuse", text("first")),
        ("--no-pop --set server_replay_reuse=cycle", "server_replay_reuse", text("cycle")),
        ("--replay-ignore-content", "server_replay_ignore_content", Value::Flag(true)),
        ("--replay-ignore-param a --replay-ignore-param=b=c", "server_replay_ignore_params", texts(&["a", "b=c"])),
        ("--replay-ignore-param a --set server_replay_ignore_params", "server_replay_ignore_params", texts(&[])),
        ("--replay-ignore-payload-param a", "server_replay_ignore_payload_params", texts(&["a"])),
        ("--replay-ignore-host", "server_replay_ignore_host", Value::Flag(true)),
        ("--set server_replay_delay=-5", "server_replay_delay", Value::Integer(-5)),
        ("--server-replay-delay -5", "server_replay_delay", Value::Integer(-5)),
        ("-kS a", "server_replay", texts(&["a"])),
    ];
    for (line, name, expected) in cases {
        let settings = run(line, Path::new(""));
        assert_eq!(settings.addons[0].options.get(*name), Some(expected), "{line}");
    }
}

#[test]
fn what_is_said_of_other_hosts_is_taken_from_the_line_or_else_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = "upstream_auth = 'ann:x'\nignore_hosts = ['a', 'b']\nallow_hosts = 'c'\n";
    std::fs::write(folder.path().join("proxyhost.toml"), file).unwrap();
    let patterns = |texts: &[&str]| texts.iter().map(|text| Search::parse(text).unwrap()).collect::<Vec<_>>();
    for (line, user, ignored, allowed) in [
        ("", "ann:x", &["a", "b"][..], &["c"][..]),
        ("--ignore-hosts d --upstream-auth bob:", "bob:", &["d"], &["c"]),
        ("--ignore-hosts d --ignore-hosts e --allow-hosts f", "ann:x", &["d", "e"], &["f"]),
    ] {
        let settings = run(line, folder.path());
        assert_eq!(settings.upstream_auth, Credentials::parse(user).ok(), "{line}");
        let untouched = Untouched { ignored: patterns(ignored), allowed: patterns(allowed) };
        assert_eq!(settings.untouched, untouched, "{line}");
    }
}

#[test]
fn host_flags_may_stand_on_either_side_of_the_command() {
    for line in ["--offline --ca-dir x check -v", "check -v --ca-dir=x --offline", "-v check --offline --ca-dir x"] {
        let Ok(Action::Check(settings)) = parse(line, Path::new("")) else { panic!("{line}") };
        assert!(settings.offline, "{line}");
        assert_eq!(settings.ca_dir().ok(), Some(Path::new("x")), "{line}");
        assert_eq!(settings.log, "warn,proxyhost=debug", "{line}");
    }
    assert!(matches!(parse("ca", Path::new("")), Ok(Action::Ca(_))));
    assert!(matches!(parse("addons", Path::new("")), Ok(Action::Addons(_))));
}

#[test]
fn without_a_word_the_default_addons_run_on_loopback() {
    let settings = run("", Path::new(""));
    assert_eq!(settings.listeners.len(), 1);
    assert_eq!(settings.listeners[0].mode, Mode::Regular);
    assert_eq!(settings.listeners[0].address.to_string(), "127.0.0.1:8080");
    let sources: Vec<Source> = settings.addons.iter().map(|addon| addon.source.clone()).collect();
    assert_eq!(sources, ["serverreplay", "record"].map(|name| Source::Shipped(name.to_owned())));
    assert_eq!(settings.ca_dir().ok(), Some(Path::new("/home/x/.proxyhost")));
    assert_eq!(settings.log, "warn,proxyhost=info");
    assert_eq!((settings.limits.connections, settings.limits.flows), (10_000, 2_000));
    assert!(settings.via && !settings.offline && !settings.upstream_tls.insecure);
}

#[test]
fn listeners_take_what_they_lack_from_the_default_address() {
    let cases: &[(&str, &[&str])] = &[
        ("--listen 9000", &["127.0.0.1:9000"]),
        ("--listen :9000", &["127.0.0.1:9000"]),
        (
            "--allow-open --listen 0.0.0.0:9000 --mode regular --mode reverse:http://a@9001",
            &["0.0.0.0:9000", "0.0.0.0:9001"],
        ),
        ("--listen [::1]:9000", &["[::1]:9000"]),
        ("--mode regular@0 --mode reverse:http://a@0", &["127.0.0.1:0", "127.0.0.1:0"]),
        ("--mode regular@127.0.0.2:8080 --mode regular", &["127.0.0.2:8080", "127.0.0.1:8080"]),
        ("--listen localhost:9000", &["127.0.0.1:9000"]),
        ("--mode regular --mode socks5", &["127.0.0.1:8080", "127.0.0.1:1080"]),
        ("--listen 9000 --mode socks5", &["127.0.0.1:9000"]),
    ];
    for (line, expected) in cases {
        let listeners = run(line, Path::new("")).listeners;
        let addresses: Vec<String> = listeners.iter().map(|listener| listener.address.to_string()).collect();
        assert_eq!(&addresses, expected, "{line}");
    }
}

#[test]
fn a_deprecated_option_works_and_warns() {
    let warnings = run("--set server_replay_nopop=true", Path::new("")).warnings;
    assert_eq!(
        warnings,
        ["`--set`: option `server_replay_nopop` is deprecated; use server_replay_reuse=first instead"]
    );
}

#[test]
fn a_proxy_that_others_reach_warns() {
    let warnings = |line| run(line, Path::new("")).warnings;
    assert_eq!(
        warnings("--listen 0.0.0.0:1 --allow-open"),
        ["everyone who can reach 0.0.0.0:1 can use the proxy, without a password"]
    );
    for line in ["--listen [::1]:1", "--listen [::ffff:127.0.0.1]:1", "--listen 0.0.0.0:1 --proxy-auth a:b"] {
        assert_eq!(warnings(line), [""; 0], "{line}");
    }
}

#[test]
fn it_is_controlled_where_the_flag_says_or_else_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = |line: &str| run(line, folder.path()).control;
    assert_eq!(control(""), None);
    let at = |address: &str, name: Option<&str>, token_file: Option<&str>| {
        Some(ControlSettings {
            address: address.parse().expect("an address"),
            name: name.map(str::to_owned),
            token_file: token_file.map(|file| folder.path().join(file)),
        })
    };
    assert_eq!(control("--control 0"), at("127.0.0.1:0", None, None));
    assert_eq!(control("--control [::1]:9090"), at("[::1]:9090", None, None));
    assert_eq!(control("--control localhost:9090"), at("127.0.0.1:9090", Some("localhost"), None));
    let file = "[control]\nlisten = '0.0.0.0:9090'\ntoken_file = 'token'\nallow_open = true\n";
    std::fs::write(folder.path().join("proxyhost.toml"), file).expect("a file");
    assert_eq!(control(""), at("0.0.0.0:9090", None, Some("token")));
    assert_eq!(control("--control 9091"), at("127.0.0.1:9091", None, Some("token")));
    assert_eq!(
        run("", folder.path()).warnings,
        ["everyone who can reach 0.0.0.0:9090 can control the proxy with the token, which is sent without encryption"]
    );
}

#[test]
fn each_listener_has_its_users() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("users", "ann:a\n\nbob:b\n");
    std::fs::set_permissions(folder.path().join("users"), Permissions::from_mode(0o600)).expect("a file of ours");
    let file = "mode = 'regular@1'\nproxy_auth_file = 'users'\nproxy_auth = 'eve:e'\n
        [[listeners]]\nmode = 'regular@2'\nproxy_auth = ['zoe:z']\n
        [[listeners]]\nmode = 'reverse:http://a@0.0.0.0:3'\nproxy_auth = []\nallow_open = true\n
        [[listeners]]\nmode = 'regular@0.0.0.0:4'\n";
    write("proxyhost.toml", file);
    let users = |line: &str| -> Vec<String> {
        let listeners = run(line, folder.path()).listeners;
        listeners.iter().map(|listener| format!("{} {:?}", listener.address, listener.users)).collect()
    };
    let three = "Some(3 users)";
    let of_file = ["127.0.0.1:2 Some(1 users)", "0.0.0.0:3 None"];
    assert_eq!(users(""), [&format!("127.0.0.1:1 {three}"), of_file[0], of_file[1], &format!("0.0.0.0:4 {three}")]);
    let named = users("--proxy-auth a:b");
    assert_eq!(named, ["127.0.0.1:1 Some(1 users)", of_file[0], of_file[1], "0.0.0.0:4 Some(1 users)"]);
    assert_eq!(users("--mode regular@5"), [format!("127.0.0.1:5 {three}")]);

    let refused = |line: &str| parse(line, folder.path()).expect_err(line).report();
    write("proxyhost.toml", "[[listeners]]\nmode = 'regular@0.0.0.0:4'\n");
    assert!(
        refused("").starts_with("error: proxyhost.toml:2:8: cannot listen on 0.0.0.0:4: everyone who can reach it")
    );
    std::fs::set_permissions(folder.path().join("users"), Permissions::from_mode(0o640)).expect("a file of ours");
    assert_eq!(
        refused("--proxy-auth-file users"),
        "error: `--proxy-auth-file`: cannot use the passwords in `users`: others can read them\nhint: chmod 600 users"
    );
    std::fs::set_permissions(folder.path().join("users"), Permissions::from_mode(0o600)).expect("a file of ours");
    write("users", "ann:a\nsecret\n");
    assert_eq!(
        refused("--proxy-auth-file users"),
        "error: `--proxy-auth-file`: users:2: this is no user with a password: there is no colon in it, as in `NAME:PASSWORD`"
    );
    write("users", "\n");
    assert_eq!(
        refused("--proxy-auth-file users"),
        "error: `--proxy-auth-file`: cannot use the passwords in `users`: there are none; each is a line `NAME:PASSWORD`"
    );
}

#[test]
fn addons_that_claim_the_same_are_named() {
    let flag = |long: &str, short| Flag { long: long.to_owned(), short, sets: None };
    let addon = |name: &str, of: &str, flags: Vec<Flag>| DeclaredAddon {
        name: name.to_owned(),
        summary: String::new(),
        options: vec![OptionDeclaration { flags, ..option(of, Kind::Text) }],
        reads: Vec::new(),
    };
    let same = addon("a", "one", vec![flag("one", Some('o'))]);
    let standing_for = |file: &str, kind| DeclaredAddon {
        options: vec![OptionDeclaration {
            flags: vec![Flag { sets: Some(file.to_owned()), ..flag("one", None) }],
            ..option("one", kind)
        }],
        ..addon("a", "", vec![])
    };
    let cases = [
        (
            vec![same.clone(), DeclaredAddon { options: vec![option("one", Kind::Flag)], ..addon("b", "", vec![]) }],
            "error: cannot load both addon `a` and addon `b`: both declare option `one`\nhint: leave one of them out",
        ),
        (
            vec![addon("a", "one", vec![]), addon("b", "one", vec![])],
            "error: cannot load both addon `a` and addon `b`: both declare option `one`\nhint: leave one of them out",
        ),
        (
            vec![standing_for("/etc/passwd", Kind::Files)],
            "error: cannot use addon `a`: its flag `--one` stands for a file, and a file has to be named by who runs the proxy",
        ),
        (
            vec![standing_for("+/etc/passwd", Kind::Output)],
            "error: cannot use addon `a`: its flag `--one` stands for a file, and a file has to be named by who runs the proxy",
        ),
        (
            vec![same.clone(), addon("serverreplay", "two", vec![flag("two", Some('o'))])],
            "error: cannot load both addon `a` and addon `serverreplay`: both declare flag `-o`\nhint: `--no-default-addons` leaves out `serverreplay`",
        ),
        (
            vec![addon("a", "one", vec![flag("offline", None)])],
            "error: cannot load addon `a`: its flag `--offline` is one of the proxy's own",
        ),
        (
            vec![addon("a", "one", vec![flag("one", Some('V'))])],
            "error: cannot load addon `a`: its flag `-V` is one of the proxy's own",
        ),
        (
            vec![addon("a", "one", vec![flag("one", None), flag("one", None)])],
            "error: cannot use addon `a`: it declares flag `--one` twice",
        ),
        (
            vec![addon("a", "one", vec![flag("-o\n", None)])],
            "error: cannot use addon `a`: it declares a flag `---o\\n`, and names are of ASCII letters, digits, `-` and `_`",
        ),
        (
            vec![addon("a", "", vec![])],
            "error: cannot use addon `a`: it declares an option ``, and names are of ASCII letters, digits, `-` and `_`",
        ),
    ];
    for (declared, expected) in cases {
        let error = preliminary("", Path::new("")).and_then(|found| found.finish(&declared)).expect_err(expected);
        assert_eq!(error.report(), expected);
    }
}

/// The addons `a` and `b`, with these options and what they read, as this command line sets them up.
fn two_addons(
    line: &str,
    a: (Vec<OptionDeclaration>, &[&str]),
    b: (Vec<OptionDeclaration>, &[&str]),
) -> Vec<AddonSpec> {
    let addon = |name: &str, (options, reads): (Vec<OptionDeclaration>, &[&str])| DeclaredAddon {
        name: name.to_owned(),
        summary: String::new(),
        options,
        reads: reads.iter().map(|&name| name.to_owned()).collect(),
    };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.wasm"), "").expect("a file");
    std::fs::write(folder.path().join("b.wasm"), "").expect("a file");
    let line = format!("--no-default-addons --addon a.wasm --addon b.wasm {line}");
    let action = preliminary(&line, folder.path()).and_then(|found| found.finish(&[addon("a", a), addon("b", b)]));
    let Ok(Action::Run(settings)) = action else { panic!("{action:?}") };
    settings.addons
}

#[test]
fn an_addon_reads_options_of_another_one_only_if_it_says_so() {
    let a = || vec![option("one", Kind::Texts), option("other", Kind::Text), option("file", Kind::Files)];
    let b = || vec![option("own", Kind::Text)];
    let line = "--set one=1 --set own=2 --set one=3 --set file=/f";
    let addons = two_addons(line, (a(), &[]), (b(), &["one", "file", "nobodys"]));
    let value = |at: usize, name: &str| addons[at].options.get(name).cloned();
    for at in [0, 1] {
        assert_eq!(value(at, "one"), Some(texts(&["1", "3"])));
    }
    assert_eq!((value(0, "own"), value(1, "own")), (None, Some(text("2"))));
    assert_eq!((value(1, "other"), value(1, "nobodys")), (None, None));
    // Knowing a file's name is not the right to it.
    assert_eq!(value(1, "file"), Some(texts(&["/f"])));
    assert!(addons[0].grants.may_read("/f") && !addons[1].grants.may_read("/f"));
}

#[test]
fn an_addon_may_use_the_files_that_the_operator_set_its_options_to() {
    let default = |name, kind, file: &str| OptionDeclaration { default: Some(file.to_owned()), ..option(name, kind) };
    let a = vec![
        option("in", Kind::Files),
        option("out", Kind::Output),
        option("text", Kind::Text),
        option("words", Kind::Texts),
        default("in_default", Kind::Files, "/default"),
        default("out_default", Kind::Output, "/default"),
    ];
    let line = "--set in=/a --set in=/b --set out=/first --set out=+/c --set text=/d --set words=/e";
    let addons = two_addons(line, (a, &[]), (vec![option("in_b", Kind::Files)], &["in", "out"]));
    let grants = &addons[0].grants;
    assert!(grants.may_read("/a") && grants.may_read("/b") && grants.may_write("+/c"));
    for file in ["/a", "/c", "+/c", "/d", "/e", "/first", "/default"] {
        assert_eq!(grants.may_read(file), file == "/a", "{file}");
        assert_eq!(grants.may_write(file), file == "+/c", "{file}");
    }
    assert_eq!(addons[1].grants, Grants::default());
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let args = [OsString::from_vec(b"--addon=\xff".to_vec())];
    let error = Preliminary::scan(args, environment(Path::new(""))).expect_err("it is refused");
    assert_eq!(error.to_string(), "cannot use argument `--addon=\u{fffd}`: it is not UTF-8");
}

#[test]
fn without_a_home_the_folder_of_the_authority_is_asked_for() {
    let environment = Environment { home: None, ..environment(Path::new("")) };
    let action = Preliminary::scan([], environment).and_then(|found| found.finish(&[])).expect("settings");
    let Action::Run(settings) = action else { panic!("{action:?}") };
    let expected = "error: cannot choose a folder for the certificate authority: `HOME` is not set\nhint: name one with `--ca-dir DIR`";
    assert_eq!(settings.ca_dir().expect_err("no folder").report(), expected);
}
