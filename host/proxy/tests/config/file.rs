//! What a good configuration file says, and what the command line changes of it.

use std::{fs, time::Duration};

use proxyhost::{
    addon::{OnFailure, Source, options::Value},
    config::Settings,
    flow::{Destination, Scheme},
    listen::{ClientLimits, mode::Mode},
    upstream::Rule,
};

use crate::{
    declared::{text, texts},
    run,
};

const COMPLETE: &str = r#"
listen = "127.0.0.1:8085"
mode = ["regular", "reverse:http://localhost:3000@8081"]
ca_dir = "ca"
offline = true
insecure = false
upstream_ca = "corp.pem"
via = false
default_addons = true
plugs = ["mine.wasm"]

[egress]
allow = ["*.example", "10.0.0.0/8:22"]
deny = "a.example:8000-8999"

[options]
server_replay_extra = 404
server_replay_ignore_params = "a"

[[addons]]
use = "outer.wasm"
on_failure = "skip"
limits = { memory_mib = 32, cpu_ms = 20, body_mib = 8, body_seconds = 5, instances = 4, configure_seconds = 9 }

[[addons]]
use = "serverreplay"
plugs = ["matcher.wasm"]
options = { server_replay = ["flows.mitm", "/abs/b", "~/c"], server_replay_refresh = false, server_replay_reuse = "stick" }

[limits]
connect_seconds = 1
first_byte_seconds = 2
idle_seconds = 3
tunnel_idle_seconds = 7
drain_seconds = 4
client_connections = 5
flows_in_flight = 6
"#;

/// A folder with `conf/` in it, whose files the configuration names.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("conf")).expect("a folder in it");
    for file in ["conf/outer.wasm", "conf/mine.wasm", "conf/matcher.wasm", "other.wasm"] {
        fs::write(folder.path().join(file), "").expect("a file");
    }
    fs::write(folder.path().join("conf/proxy.toml"), text).expect("the configuration");
    folder
}

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| text.parse().expect("a rule")).collect()
}

#[test]
fn rules_of_the_command_line_replace_those_of_the_file_list_by_list() {
    let folder = folder(COMPLETE);
    let line = "--config conf/proxy.toml --egress-deny *:25 --egress-deny [fd00::/8]:1-9";
    let egress = run(line, folder.path()).egress;
    assert_eq!(egress.allow, rules(&["*.example", "10.0.0.0/8:22"]));
    assert_eq!(egress.deny, rules(&["*:25", "[fd00::/8]:1-9"]));
}

#[test]
fn a_file_sets_everything_and_its_paths_start_from_its_folder() {
    let folder = folder(COMPLETE);
    let conf = folder.path().join("conf");
    let Settings { listeners, addons, plugs, offline, egress, upstream_tls, timeouts, limits, via, drain_time, .. } =
        run("--config conf/proxy.toml", folder.path());
    assert_eq!(listeners[0].address.to_string(), "127.0.0.1:8085");
    let target = Destination::new(Scheme::Http, "localhost", 3000).unwrap();
    assert_eq!((&listeners[1].mode, listeners[1].address.port()), (&Mode::Reverse(target), 8081));
    assert_eq!(plugs, [Source::File(conf.join("mine.wasm"))]);
    assert_eq!((offline, upstream_tls.insecure, via), (true, false, false));
    assert_eq!(egress.allow, rules(&["*.example", "10.0.0.0/8:22"]));
    assert_eq!(
        (&egress.deny, &egress.named[0].host_and_port()[..]),
        (&rules(&["a.example:8000-8999"]), "localhost:3000")
    );
    assert_eq!(upstream_tls.extra_roots, [conf.join("corp.pem")]);
    let seconds = [timeouts.connect, timeouts.first_byte, timeouts.idle, drain_time];
    assert_eq!(seconds, [1, 2, 3, 4].map(Duration::from_secs));
    assert_eq!(limits, ClientLimits { connections: 5, flows: 6, tunnel_idle: Duration::from_secs(7) });

    let [outer, replay, _record] = addons.as_slice() else { panic!("{} addons", addons.len()) };
    assert_eq!(outer.source, Source::File(conf.join("outer.wasm")));
    assert_eq!((outer.on_failure, replay.on_failure), (OnFailure::Skip, OnFailure::Fail));
    assert_eq!((outer.limits.memory, outer.limits.body, outer.limits.instances), (32 << 20, 8 << 20, 4));
    assert_eq!(outer.limits.cpu, Duration::from_millis(20));
    assert_eq!((outer.limits.body_wait.as_secs(), outer.limits.configure.as_secs()), (5, 9));
    assert_eq!(replay.plugs, [Source::File(conf.join("matcher.wasm"))]);
    let flows = conf.join("flows.mitm");
    assert_eq!(replay.options["server_replay"], texts(&[&flows.to_string_lossy(), "/abs/b", "/home/x/c"]));
    assert_eq!(replay.options["server_replay_extra"], text("404"));
    assert_eq!(replay.options["server_replay_refresh"], Value::Flag(false));
    assert_eq!(replay.options["server_replay_reuse"], text("stick"));
    assert_eq!(replay.options["server_replay_ignore_params"], texts(&["a"]));
}

#[test]
fn the_command_line_wins_and_its_lists_replace_those_of_the_file() {
    let folder = folder(COMPLETE);
    let line = "--config conf/proxy.toml --addon other.wasm --addon serverreplay.wasm --plug other.wasm \
        --upstream-ca mine.pem --mode regular --listen 9000 --ca-dir here --client-connections 7 -S x -S y -k";
    let settings = run(line, folder.path());
    assert_eq!(settings.limits, ClientLimits { connections: 7, flows: 6, tunnel_idle: Duration::from_secs(7) });
    assert_eq!(settings.listeners.len(), 1);
    assert_eq!(settings.listeners[0].address.port(), 9000);
    assert_eq!(settings.plugs, [Source::File(folder.path().join("other.wasm"))]);
    assert_eq!(settings.upstream_tls.extra_roots, [folder.path().join("mine.pem")]);
    assert_eq!(settings.ca_dir().ok(), Some(folder.path().join("here").as_path()));
    let [other, replay, _record] = settings.addons.as_slice() else { panic!("{} addons", settings.addons.len()) };
    assert_eq!(other.source, Source::File(folder.path().join("other.wasm")));
    assert_eq!(replay.plugs, [Source::File(folder.path().join("conf/matcher.wasm"))]);
    let files = ["x", "y"].map(|file| folder.path().join(file).to_string_lossy().into_owned());
    assert_eq!(replay.options["server_replay"], Value::Texts(files.into()));
    assert_eq!(replay.options["server_replay_extra"], text("kill"));
}

#[test]
fn a_file_where_the_proxy_starts_is_picked_up() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("proxyhost.toml"), "offline = true").expect("the configuration");
    assert!(run("", folder.path()).offline);
}

#[test]
fn a_file_of_the_default_addons_name_takes_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("serverreplay.wasm"), "").expect("the addon");
    let path = Source::File(folder.path().join("serverreplay.wasm"));
    let sources =
        |line: &str| run(line, folder.path()).addons.into_iter().map(|addon| addon.source).collect::<Vec<Source>>();
    let shipped = |name: &str| Source::Shipped(name.to_owned());
    assert_eq!(sources("--addon serverreplay.wasm"), [path, shipped("record")]);
    assert_eq!(sources("--addon serverreplay"), [shipped("serverreplay"), shipped("record")]);
    assert_eq!(sources("--no-default-addons"), []);
}
