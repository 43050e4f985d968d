//! What the binary says about what it is given.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::harness::{Proxyhost, RecordingFile, component, get, recording, soon};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings").join(name)
}

/// A file of a temporary folder.
struct Scratch {
    _folder: TempDir,
    path: PathBuf,
}

impl Scratch {
    fn file(name: &str, bytes: &[u8]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file in the temporary folder");
        Self { _folder: folder, path }
    }
}

#[test]
fn help_is_shown_with_the_options_of_addons() {
    let output = Proxyhost::with(["--help"]).run();
    assert!(output.status.success() && output.stderr.is_empty());
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for expected in ["--mode <SPEC>", "serverreplay (answers requests", "-S, --server-replay <FILE>", "-k, --kill"] {
        assert!(help.contains(expected), "{expected} is not in {help}");
    }
    let output = Proxyhost::with(["--version"]).run();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("proxyhost {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_plug_that_fits_nothing_is_refused() {
    let probe = component("probe");
    let said = Proxyhost::with([]).arg("--plug").arg(&probe).refusal();
    let expected = "error: plug `probe` fits nothing: it exports hooks only, and no addon that is loaded imports it\n";
    assert_eq!(said, expected);
    let said = Proxyhost::with(["--no-default-addons", "--plug"]).arg(component("misbehaving-matcher")).refusal();
    let expected = "error: plug `misbehaving_matcher` fits nothing: it exports proxyhost:replay/matcher@0.1.0, and no \
                    addon that is loaded imports it\n";
    assert_eq!(said, expected);
}

#[test]
fn a_file_that_is_no_component_is_refused_with_what_it_is() {
    let build = "build one with `cargo build --release --target wasm32-wasip2`";
    let native = "native or precompiled code, which is never executed";
    for (bytes, found, advice) in [
        (&b"\0asm\x01\0\0\0"[..], "a core module without component metadata", build),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0", native, "give the `.wasm` file itself"),
        (b"", "an empty or cut file", build),
        (b"#!/bin/sh\necho\n", "some other file", build),
        (b"(component)", "WebAssembly text", "assemble it first"),
    ] {
        let file = Scratch::file("addon.wasm", bytes);
        let expected = format!("error: `{}` is {found}, not a WebAssembly component; {advice}\n", file.path.display());
        for flag in ["--addon", "--plug"] {
            assert_eq!(Proxyhost::with([flag]).arg(&file.path).refusal(), expected);
        }
    }
}

#[test]
fn a_component_that_takes_long_to_compile_is_refused() {
    let file = Scratch::file("addon.wasm", &long_to_compile());
    let addon = file.path.display();
    let config = format!("default_addons = false\naddons = [{{ use = '{addon}' }}]\n[limits]\ncompile_seconds = 1\n");
    let expected = "error: cannot load addon `addon`: it cannot be compiled: it takes longer than 1 s; allow more with \
                    `compile_seconds` under `[limits]`\n";
    assert_eq!(Proxyhost::with(["check"]).config(&config).refusal(), expected);
}

/// A component with as many functions as there may be, each of which sets a variable again and again.
fn long_to_compile() -> Vec<u8> {
    let functions = 100_000;
    let add = [&[0x20, 0, 0x41, 1, 0x6a, 0x21, 0][..]; 20].concat();
    let body = [&[1, 1, 0x7f][..], &add, &[0x0b]].concat();
    let code = [number(body.len()), body].concat().repeat(functions);
    let sections = [
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[number(functions), vec![0; functions]].concat()),
        section(10, &[number(functions), code].concat()),
    ];
    let module = [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], number(content.len()), content.to_vec()].concat()
}

/// As WebAssembly has numbers, seven bits a byte.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number.to_le_bytes()[0] | 128);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

/// What may be where a file is expected, in a folder.
const NO_FILES: [&str; 5] = ["folder", "fifo", "socket", "device", "huge"];

fn no_files(folder: &Path) -> UnixListener {
    fs::create_dir(folder.join("folder")).expect("a folder");
    assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().expect("mkfifo").success());
    symlink("/dev/zero", folder.join("device")).expect("a link");
    let huge = fs::File::create(folder.join("huge")).expect("a file");
    // It takes no room on the disk.
    huge.set_len(64 << 30).expect("a sparse file");
    fs::set_permissions(folder.join("huge"), fs::Permissions::from_mode(0o600)).expect("a file of ours");
    UnixListener::bind(folder.join("socket")).expect("a socket")
}

#[tokio::test]
async fn what_is_no_file_of_a_sane_size_is_refused_wherever_one_is_named() {
    let folder = TempDir::new().expect("a temporary folder");
    let _socket = no_files(folder.path());
    let flags: [&[&str]; 9] = [
        &["--config"],
        &["check", "--addon"],
        &["check", "--plug"],
        &["check", "-S"],
        &["--listen", "127.0.0.1:0", "--upstream-ca"],
        &["flows", "list"],
        &["flows", "check"],
        &["flows", "repair", "--in-place"],
        &["flows", "convert"],
    ];
    for kind in NO_FILES {
        let path = folder.path().join(kind);
        for flag in flags {
            // A recording may have any size, and what is in this one is a defect that a check lists.
            if kind == "huge" && flag == ["flows", "check"] {
                continue;
            }
            let mut start = Proxyhost::with(flag.iter().copied()).arg(&path);
            if flag.contains(&"convert") {
                start = start.arg(folder.path().join("converted.har"));
            }
            let run = tokio::task::spawn_blocking(|| start.run());
            let output = soon(&format!("{flag:?} {kind}"), run).await.expect("no panic");
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or_default();
            assert_eq!(output.status.code(), Some(2), "{flag:?} {kind}: {said}");
            assert!(last.starts_with("error: ") && last.contains(kind), "{flag:?} {kind}: {said}");
        }
        let authority = folder.path().join(format!("ca-{kind}"));
        fs::create_dir(&authority).expect("a folder");
        fs::rename(&path, authority.join("proxyhost-ca.pem")).expect("it moves");
        let start = Proxyhost::with(["ca", "--ca-dir"]).arg(&authority);
        let output = soon("the authority", tokio::task::spawn_blocking(|| start.run())).await.expect("no panic");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{kind}: {said}");
        assert!(said.contains("it is not a regular file of at most 1048576 bytes"), "{kind}: {said}");
    }
}

#[tokio::test]
async fn something_else_in_place_of_the_certificate_for_clients_is_replaced() {
    let folder = TempDir::new().expect("a temporary folder");
    let authority = || Proxyhost::with(["ca", "--ca-dir"]).arg(folder.path());
    assert!(authority().run().status.success());
    let certificate = folder.path().join("proxyhost-ca-cert.pem");
    let whole = fs::read(&certificate).expect("the certificate");
    fs::remove_file(&certificate).expect("a file of ours");
    assert!(Command::new("mkfifo").arg(&certificate).status().expect("mkfifo").success());
    let run = tokio::task::spawn_blocking({
        let start = authority();
        || start.run()
    });
    assert!(soon("the authority", run).await.expect("no panic").status.success());
    assert!(fs::read(&certificate).expect("the certificate") == whole);
}

#[test]
fn a_component_that_would_take_too_much_to_compile_is_refused() {
    // Nothing but empty functions.
    let count = 100_001_u32;
    let number = |number: u32| [number as u8 & 127 | 128, (number >> 7) as u8 & 127 | 128, (number >> 14) as u8];
    let section = |id: u8, content: Vec<u8>| {
        let length = number(u32::try_from(content.len()).expect("a short section"));
        [vec![id], length.to_vec(), content].concat()
    };
    let bodies = [&number(count)[..], &[2, 0, 0x0b].repeat(count as usize)].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, vec![1, 0x60, 0, 0]),
        section(3, [&number(count)[..], &vec![0; count as usize]].concat()),
        section(10, bodies),
    ]
    .concat();
    let component = [b"\0asm\x0d\0\x01\0".to_vec(), section(1, module.clone())].concat();
    for bytes in [module, component] {
        let file = Scratch::file("many.wasm", &bytes);
        let expected = format!(
            "error: cannot load addon `{}`: it would take too much to compile: it has more than 100000 functions\n",
            file.path.display()
        );
        for flag in ["--addon", "--plug"] {
            assert_eq!(Proxyhost::with([flag]).arg(&file.path).refusal(), expected);
        }
    }
}

#[test]
fn a_component_for_another_version_of_the_host_is_refused_with_both_versions() {
    let bytes = fs::read(component("probe")).expect("it was built");
    let (from, to) = (b"proxyhost:addon/request-hook@0.1.0", b"proxyhost:addon/request-hook@0.2.0");
    let file = Scratch::file("future.wasm", &replaced(&bytes, from, to));
    let said = Proxyhost::with(["--addon"]).arg(&file.path).refusal();
    let expected = "error: cannot load addon `future`: it exports `proxyhost:addon/request-hook@0.2.0`, and this host has \
                    proxyhost:addon 0.1; build it for that version, or use another host\n";
    assert_eq!(said, expected);
    let unknown = replaced(&bytes, from, b"proxyhost:addon/requess-hook@0.1.0");
    let file = Scratch::file("unknown.wasm", &unknown);
    let said = Proxyhost::with(["--addon"]).arg(&file.path).refusal();
    let expected = "error: cannot load addon `unknown`: it exports `proxyhost:addon/requess-hook@0.1.0`, which this host \
                    never calls: of proxyhost:addon 0.1 it calls";
    assert!(said.starts_with(expected), "{said}");
}

/// Bytes with each occurrence of some replaced by as many others.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    while let Some(position) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[position..position + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn a_component_that_is_damaged_is_refused() {
    let mut bytes = fs::read(component("probe")).expect("it was built");
    bytes.truncate(bytes.len() / 2);
    let file = Scratch::file("half.wasm", &bytes);
    let said = Proxyhost::with(["--addon"]).arg(&file.path).refusal();
    assert!(said.starts_with("error: cannot read component `half`: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn what_does_not_exist_is_named() {
    let said = Proxyhost::with(["--addon", "serverreply"]).refusal();
    let expected = "error: `--addon`: cannot find addon `serverreply`: there is no such file, and nothing of that name \
                    ships\nhint: did you mean `serverreplay`?\n";
    assert_eq!(said, expected);
    let said = Proxyhost::with(["--kil"]).refusal();
    assert_eq!(said, "error: unknown flag `--kil`\nhint: did you mean `--kill`?\n");
    let said = Proxyhost::with(["--config", "none.toml"]).refusal();
    let expected = "error: cannot read the configuration file `none.toml`: No such file or directory (os error 2)\n";
    assert_eq!(said, expected);
}

#[test]
fn two_addons_with_one_option_are_refused() {
    let probe = component("probe");
    let said = Proxyhost::with(["--addon"]).arg(&probe).arg("--addon").arg(&probe).refusal();
    let expected = "error: cannot load both addon `probe` and addon `probe`: both declare option `probe`\nhint: leave \
                    one of them out\n";
    assert_eq!(said, expected);
}

#[test]
fn a_recording_that_cannot_be_used_is_refused() {
    let refusal = |file: &RecordingFile, what: &str| {
        let said = Proxyhost::with(["-S"]).arg(file.path()).refusal();
        let path = file.path().display();
        assert_eq!(said, format!("error: addon `serverreplay`: {}\n", what.replace("{}", &format!("`{path}`"))));
    };
    refusal(
        &RecordingFile::of_bytes(b"{\"log\": {}}"),
        "recording {} is JSON, but no HAR file, no Web Page Replay archive and no WireMock stubs: its `log` is empty",
    );
    refusal(&RecordingFile::of_bytes(b"12"), "recording {} holds no whole flow: at byte 0, the length is cut off");
    let said = Proxyhost::with(["-S", "missing.flows"]).refusal();
    let expected = "error: addon `serverreplay`: cannot open recording `missing.flows`: No such file or directory (os \
                    error 2)\n";
    assert_eq!(said, expected);
    let old = example("old-versions/dumpfile-010.mitm");
    let said = Proxyhost::with(["-S"]).arg(&old).refusal();
    let expected = format!(
        "error: addon `serverreplay`: flow 1 of recording `{}` (byte 0) has format version 0.10, supported are 0.11 to \
         21: record the conversation again\n",
        old.display()
    );
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_port_in_use_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = Proxyhost::with(["--listen", &address]).run();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let expected = format!(
        "error: cannot listen on `{address}`: another program listens there; stop it, or choose another port with \
         --listen"
    );
    assert_eq!(said.lines().last(), Some(expected.as_str()));
}

#[tokio::test]
async fn a_truncated_recording_is_served_up_to_its_last_whole_flow() {
    let path = example("truncated.mitm");
    let proxy = Proxyhost::with(["-k", "-S"]).arg(&path).start().await;
    let warning = proxy.wait_for_log("is damaged").await;
    assert!(
        warning.starts_with(&format!("WARN {} is damaged, the flows before that are used: ", path.display())),
        "{warning}"
    );
    let response = proxy.connect().await.get("http://127.0.0.1:18080/hello").await;
    assert_eq!((response.status(), response.body.len()), (200, 6));
}

#[tokio::test]
async fn what_a_recording_holds_besides_responses_is_counted() {
    for (name, expected) in [
        ("synth_tcp_udp_dns.mitm", "0 responses to replay; left out: 2 TCP flows, 1 UDP flow, 1 DNS flow"),
        ("websocket.mitm", "1 response to replay"),
        ("errors.mitm", "0 responses to replay; left out: 5 without a complete response"),
        ("repeated.mitm", "5 responses to replay"),
        ("redirects.mitm", "1 response to replay"),
    ] {
        let path = example(name);
        let proxy = Proxyhost::with(["-k", "-S"]).arg(&path).start().await;
        let line = proxy.wait_for_log("to replay").await;
        assert_eq!(line, format!("INFO {}: {expected} addon=\"serverreplay\"", path.display()));
    }
}

/// The misbehaving matcher compares method and path alone: it answers for any host.
async fn answers_for_any_host(proxy: &Proxyhost) -> bool {
    proxy.connect().await.get("http://other.example/cart").await.status() == 200
}

#[tokio::test]
async fn a_plug_takes_effect_by_flag_and_by_file() {
    let recording = recording([get("http://shop.example/cart")]);
    let matcher = component("misbehaving-matcher");
    let (plug, path) = (matcher.display(), recording.path().display());
    let start = || Proxyhost::with(["--server-replay-extra", "404"]);
    let plain = start().replay(&recording).start().await;
    assert!(!answers_for_any_host(&plain).await);
    let by_flag = start().replay(&recording).arg("--plug").arg(&matcher).start().await;
    assert!(answers_for_any_host(&by_flag).await);
    let for_all = start().config(&format!("plugs = ['{plug}']\n[options]\nserver_replay = ['{path}']\n"));
    assert!(answers_for_any_host(&for_all.start().await).await);
    let for_one = format!("[[addons]]\nuse = 'serverreplay.wasm'\nplugs = ['{plug}']\n");
    let for_one = start().replay(&recording).config(&for_one);
    assert!(answers_for_any_host(&for_one.start().await).await);
}

#[tokio::test]
async fn a_relative_path_starts_from_the_folder_of_the_file_that_names_it() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir(folder.path().join("flows")).expect("a folder");
    fs::write(folder.path().join("flows/cart.flows"), get("http://shop.example/cart").write()).expect("a file");
    let config = folder.path().join("proxy.toml");
    fs::write(&config, "[options]\nserver_replay = ['flows/cart.flows']\nserver_replay_extra = 'kill'\n")
        .expect("a file");
    let proxy = Proxyhost::with(["--config"]).arg(&config).start().await;
    assert_eq!(proxy.connect().await.get("http://shop.example/cart").await.status(), 200);
}

#[test]
fn the_command_line_beats_the_file() {
    let config = "listen = '127.0.0.1:1'\n[options]\nserver_replay_extra = 'none'\n";
    let output =
        Proxyhost::with(["check", "--listen", "127.0.0.1:0", "--server-replay-extra", "404"]).config(config).run();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let expected = "listener 127.0.0.1:0: ok\naddon serverreplay: ok, and nothing is sent to any server\naddon record: ok, with \
                    nothing to do\nthe configuration is good\n";
    assert_eq!(said, expected);
}

#[test]
fn check_says_what_is_wrong_without_listening() {
    let recording = recording([get("http://shop.example/cart")]);
    let output = Proxyhost::with(["check"]).replay(&recording).run();
    assert!(output.status.success());
    let expected = "listener 127.0.0.1:8080: ok\naddon serverreplay: ok\naddon record: ok, with nothing to do\nthe configuration is good\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let said = Proxyhost::with(["check", "--server-replay-extra", "no"]).refusal();
    let expected = "error: addon `serverreplay`: option `server_replay_extra` is forward, kill or a status from 200 to \
                    599, not `no`\n";
    assert_eq!(said, expected);
}

#[test]
fn addons_are_listed_with_hooks_imports_plugs_and_options() {
    let matcher = component("misbehaving-matcher");
    let probe = component("probe");
    let output =
        Proxyhost::with(["addons", "-k", "--addon"]).arg(&probe).arg("--plug").arg(&matcher).set("probe", "a b").run();
    assert!(output.status.success());
    let listed = String::from_utf8(output.stdout).expect("UTF-8");
    let expected = format!(
        "probe: does as it is told
  from    {}
  hooks   request-hook, response-hook, error-hook
  reads   save_stream_file, server_replay
  option  probe = a b
  option  probe_files = (none)
  option  probe_output = (none)
  option  probe_text = (none)
  option  probe_default_files = default.flows
  option  probe_default_output = default.flows
serverreplay: answers requests from a recorded conversation
  from    serverreplay (shipped)
  hooks   request-hook
  reads   save_stream_file
  imports proxyhost:replay/matcher@0.1.0, proxyhost:replay/refresher@0.1.0
  plug    misbehaving_matcher for proxyhost:replay/matcher@0.1.0
  plug    refresher for proxyhost:replay/refresher@0.1.0
  command replay.server FILE…
  command replay.server.add FILE…
  command replay.server.file FILE
  command replay.server.stop
  command replay.server.count
  command replay.server.reset
  command replay.server.list
  command replay.server.unused
  command replay.server.missed
  command misbehave WAY
  option  server_replay = (none)
  option  server_replay_extra = kill
  option  server_replay_reuse = off
  option  server_replay_refresh = true
  option  server_replay_conditional = true
  option  server_replay_ranges = true
  option  server_replay_decode = true
  option  server_replay_map_addresses = true
  option  server_replay_preflights = false
  option  server_replay_mode = replay
  option  server_replay_timing = none
  option  server_replay_websocket = timed
  option  server_replay_broken = close
  option  server_replay_show_values = false
  option  server_replay_kill_extra = false
  option  server_replay_nopop = false
  option  misbehave = none
  option  server_replay_refresh_from = recording
record: records what passes
  from    record (shipped)
  hooks   request-hook, response-hook, error-hook
  command save.file FILE
  command save.stop
  option  save_stream_file = (none)
  option  save_stream_filter = (none)
  option  anticache = false
  option  anticomp = false
  option  record_redact = (none)
",
        probe.display()
    );
    assert_eq!(listed, expected);
}
