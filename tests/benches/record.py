#!/usr/bin/env python3
"""Requests a second and CPU time per request of forwarding to one server, with and without recording, beside nginx and
mitmproxy.

    cargo build --release -p proxyhost --bin proxyhost --example bare_hyper
    python3 tests/benches/record.py [--nginx PATH] [--mitmdump PATH] [--body 1024] [--connections 32] [--seconds 4] [--rounds 3]

Needs wrk. The proxies take turns, so that a machine whose speed drifts treats them alike; compare the ratios. What they
record is removed after each turn.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

import peers
from servers import RELEASE, Failed, free_port, http1, measure, start, stop_all, stop_all_on_signals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxyhost", type=pathlib.Path, default=RELEASE / "proxyhost")
    parser.add_argument("--nginx", default=shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"))
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"))
    parser.add_argument("--body", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.set_defaults(tls=False)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("error: this needs wrk; install it with your package manager")
    stop_all_on_signals()
    with tempfile.TemporaryDirectory() as folder:
        # nginx's workers are another user's.
        os.chmod(folder, 0o755)
        try:
            compare(options, pathlib.Path(folder))
        except (Failed, OSError) as failure:
            sys.exit(f"error: {failure}")
        finally:
            stop_all()


def compare(options, folder):
    origin_port = free_port()
    start([RELEASE / "examples" / "bare_hyper", f"127.0.0.1:{origin_port}", str(options.body)], origin_port)

    def proxyhost(port, more):
        return [options.proxyhost, "-q", "--ca-dir", folder,
                "--mode", f"reverse:http://127.0.0.1:{origin_port}@{port}", *more]

    def nginx(port, more):
        config = folder / "nginx.conf"
        config.write_text(peers.nginx_config(folder, f"""
            upstream origin {{ server 127.0.0.1:{origin_port}; keepalive 64; keepalive_requests 1000000000; }}
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }}
            }}"""))
        return [options.nginx, "-p", folder, "-e", "stderr", "-c", config]

    def mitmproxy(port, more):
        return [options.mitmdump, "-q", "--set", f"confdir={folder}",
                "--mode", f"reverse:http://127.0.0.1:{origin_port}", "-p", str(port), *more]

    proxies = {"proxyhost": (proxyhost, []), "proxyhost, recording": (proxyhost, ["-w", folder / "ours.mitm", "--force"])}
    if options.nginx:
        proxies["nginx"] = (nginx, [])
    if options.mitmdump:
        proxies["mitmproxy"] = (mitmproxy, [])
        proxies["mitmproxy, recording"] = (mitmproxy, ["-w", str(folder / "theirs.mitm")])
    measured = {name: [] for name in proxies}
    for _ in range(options.rounds):
        for name, (command, more) in proxies.items():
            port = free_port()
            proxy = start(command(port, more), port)
            measured[name].append(measure(proxy, http1, port, options))
            proxy.stop()
            for recording in folder.glob("*.mitm"):
                recording.unlink()
    print("| proxy | requests/s | CPU per request |\n|---|---|---|")
    for name, figures in measured.items():
        rate, _, _, cpu, _ = (statistics.median(values) for values in zip(*figures))
        print(f"| {name} | {rate:,.0f} | {cpu:,.1f} µs |")


if __name__ == "__main__":
    main()
