#!/usr/bin/env python3
"""Requests a second and CPU time per request of replaying one recording, beside a bare hyper server and mitmproxy.

    cargo build --release -p proxyhost --bin proxyhost --example bare_hyper
    python3 tests/benches/replay.py [--mitmdump PATH] [--body 1024] [--connections 32] [--seconds 4] [--rounds 3]

Needs wrk. The servers take turns, so that a machine whose speed drifts treats them alike; compare the ratios.
"""

import argparse
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "target" / "release"
HOST, PORT = "bench.example", 80


def tnetstring(value):
    """One value as mitmproxy writes it; its reader wants a dict's entries in no particular order."""
    if value is None:
        payload, kind = b"", b"~"
    elif isinstance(value, bool):
        payload, kind = str(value).lower().encode(), b"!"
    elif isinstance(value, int):
        payload, kind = str(value).encode(), b"#"
    elif isinstance(value, float):
        payload, kind = repr(value).encode(), b"^"
    elif isinstance(value, bytes):
        payload, kind = value, b","
    elif isinstance(value, str):
        payload, kind = value.encode(), b";"
    elif isinstance(value, (list, tuple)):
        payload, kind = b"".join(map(tnetstring, value)), b"]"
    else:
        payload, kind = b"".join(tnetstring(k) + tnetstring(v) for k, v in value.items()), b"}"
    return str(len(payload)).encode() + b":" + payload + kind


def connection(**more):
    return {
        "id": "c", "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2), "transport_protocol": "tcp",
        "error": None, "tls": False, "certificate_list": [], "alpn": None, "alpn_offers": [], "cipher": None,
        "cipher_list": [], "tls_version": None, "sni": None, "timestamp_start": 1700000000.0, "timestamp_end": None,
        "timestamp_tls_setup": None, **more,
    }


def flow(path, body):
    message = {"http_version": b"HTTP/1.1", "trailers": None, "timestamp_start": 1700000000.0,
               "timestamp_end": 1700000000.1}
    return {
        "version": 21, "type": "http", "id": path, "error": None, "intercepted": False, "is_replay": None,
        "marked": "", "metadata": {}, "comment": "", "timestamp_created": 1700000000.0, "backup": None,
        "websocket": None,
        "client_conn": connection(mitmcert=None, proxy_mode="regular"),
        "server_conn": connection(address=(HOST, PORT), timestamp_tcp_setup=1700000000.0, via=None),
        "request": {**message, "host": HOST, "port": PORT, "method": b"GET", "scheme": b"http", "authority": b"",
                    "path": path.encode(), "headers": [[b"Host", HOST.encode()]], "content": b""},
        "response": {**message, "status_code": 200, "reason": b"OK", "content": body,
                     "headers": [[b"Server", b"recorded"], [b"Date", b"Tue, 14 Nov 2023 22:13:20 GMT"],
                                 [b"Content-Type", b"application/octet-stream"],
                                 [b"Content-Length", str(len(body)).encode()]]},
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"error: `{command[0]}` ended with status {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.05)
    sys.exit(f"error: `{command[0]}` did not listen on port {port} within a minute")


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(process, port, options):
    before = cpu_seconds(process)
    run = subprocess.run(
        ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "-H", f"Host: {HOST}",
         f"http://127.0.0.1:{port}/item/0"],
        capture_output=True, text=True, check=True)
    used = cpu_seconds(process) - before
    if "Non-2xx" in run.stdout:
        sys.exit(f"error: not every answer was a 200: {run.stdout}")
    requests = int(re.search(r"(\d+) requests in", run.stdout)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)[1])
    return rate, used / max(requests, 1) * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"))
    parser.add_argument("--body", type=int, default=1024)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("error: this needs wrk; install it with your package manager")
    with tempfile.TemporaryDirectory() as folder:
        recording = pathlib.Path(folder) / "bench.mitm"
        recording.write_bytes(b"".join(
            tnetstring(flow(f"/item/{i}", bytes([97 + i % 26]) * options.body)) for i in range(options.flows)))
        servers = {}
        port = free_port()
        servers["bare hyper"] = (start([RELEASE / "examples" / "bare_hyper", f"127.0.0.1:{port}", str(options.body)],
                                       port), port)
        for name, more in (("proxyhost", []), ("proxyhost, no refresh", ["--norefresh"])):
            port = free_port()
            servers[name] = (start(
                [RELEASE / "proxyhost", "-q", "-S", recording, "--no-pop", "-k", "--ca-dir", folder,
                 "--mode", f"reverse:http://{HOST}@{port}", *more], port), port)
        if options.mitmdump:
            port = free_port()
            servers["mitmproxy"] = (start(
                [options.mitmdump, "-q", "-S", recording, "--server-replay-reuse", "--server-replay-extra", "kill",
                 "--set", "connection_strategy=lazy", "--set", f"confdir={folder}",
                 "--mode", f"reverse:http://{HOST}@{port}"], port), port)
        results = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, (process, port) in servers.items():
                results[name].append(measure(process, port, options))
        for process, _ in servers.values():
            process.kill()
    print(f"{options.body} byte bodies, {options.flows} flows, {options.connections} connections, median of "
          f"{options.rounds} rounds, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print(f"{'server':24}{'requests/s':>12}{'CPU us/request':>16}{'against bare hyper':>20}")
    middle = {name: tuple(sorted(column)[len(column) // 2] for column in zip(*rows)) for name, rows in results.items()}
    for name, (rate, cpu) in middle.items():
        print(f"{name:24}{rate:12.0f}{cpu:16.1f}{cpu / middle['bare hyper'][1]:19.2f}x")


if __name__ == "__main__":
    main()
