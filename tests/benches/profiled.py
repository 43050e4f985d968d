#!/usr/bin/env python3
"""Builds the proxy for what it does most: optimised by a profile of it at work, which makes it a fifth faster.

    rustup component add llvm-tools
    python3 tests/benches/profiled.py       # a quarter of an hour on two cores, most of it two builds

A first build counts what is executed. It replays, forwards and records here, over HTTP/1 and TLS and, where h2load is
installed, over HTTP/2. The second one, `target/profiled/proxyhost`, is compiled with these counts. What it does is the
same; a profile is good for one state of the source and one compiler.
"""

import argparse
import http.client
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading

import flows
import servers
from servers import ROOT, Failed

TARGET = ROOT / "target" / "profiled"
CLIENTS, FLOWS = 4, 100
# Bytes of bodies, and how often each client asks for one.
BODIES = {1 << 10: 4000, 100 << 10: 400}


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    servers.stop_all_on_signals()
    try:
        merge = profdata()
        with tempfile.TemporaryDirectory() as folder:
            counts = pathlib.Path(folder)
            programs = build(f"-Cprofile-generate={counts}")
            for body, requests in BODIES.items():
                work(programs, counts, body, requests)
            profile = TARGET / "proxyhost.profdata"
            servers.run(list(map(str, [merge, "merge", "-o", profile, *counts.glob("*.profraw")])))
        built = build(f"-Cprofile-use={profile}") / "proxyhost"
        shutil.copyfile(built, TARGET / "proxyhost")
        shutil.copymode(built, TARGET / "proxyhost")
    except Failed as failure:
        sys.exit(f"error: {failure}")
    finally:
        servers.stop_all()
    print(f"built: {TARGET / 'proxyhost'}")


def profdata():
    """What merges counts, of the compiler's own version."""
    root = pathlib.Path(servers.run(["rustc", "--print", "sysroot"]).strip())
    found = next(root.glob("lib/rustlib/*/bin/llvm-profdata"), None)
    if not found:
        raise Failed("the compiler's `llvm-profdata` is not installed; run `rustup component add llvm-tools`")
    return found


def build(flag):
    """Builds with a flag for the compiler; the folder that it is in."""
    # With a target that is named, flags are for the programs alone, and not for what runs in the build.
    machine = re.search(r"host: (\S+)", servers.run(["rustc", "-vV"]))[1]
    environment = os.environ | {"RUSTFLAGS": flag, "CARGO_TARGET_DIR": str(TARGET)}
    command = ["cargo", "build", "--release", "--locked", "--target", machine,
               "-p", "proxyhost", "--bin", "proxyhost", "--example", "bare_hyper"]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise Failed("`cargo build` failed")
    return TARGET / machine / "release"


def work(programs, counts, body, requests):
    """Has the proxy do what it is for."""
    environment = os.environ | {"LLVM_PROFILE_FILE": str(counts / "%p-%m.profraw")}
    folder = counts / f"{body}"
    folder.mkdir()
    recording = folder / "bench.mitm"
    recording.write_bytes(flows.recording(FLOWS, body))
    origin = servers.free_port()
    servers.start([programs / "examples" / "bare_hyper", f"127.0.0.1:{origin}", body], origin)
    forwarding = f"reverse:http://127.0.0.1:{origin}"
    for mode, more in [
        (f"reverse:http://{flows.HOST}", ["-S", recording, "--no-pop", "-k"]),
        (forwarding, []),
        (forwarding, ["-w", folder / "recorded.mitm"]),
    ]:
        port = servers.free_port()
        command = [programs / "proxyhost", "-q", "--ca-dir", folder / "ca", "--mode", f"{mode}@{port}", *more]
        server = servers.start(command, port, environment)
        for secure in (False, True):
            clients = [threading.Thread(target=ask, args=(port, secure, requests)) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
        if shutil.which("h2load"):
            servers.run(["h2load", "-t1", f"-c{CLIENTS}", "-m8", f"-n{CLIENTS * requests}",
                         "-H", f":authority: {flows.HOST}", f"http://127.0.0.1:{port}{flows.PATH}"])
        # It writes what it counted when it ends by itself.
        server.stop()


def ask(port, secure, requests):
    if secure:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(requests):
        connection.request("GET", flows.PATH, headers={"Host": flows.HOST})
        connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main()
