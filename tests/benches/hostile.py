#!/usr/bin/env python3
"""What hostile addons do to others: the table of tests/README.md.

    cargo build --release -p proxyhost --bin proxyhost
    python3 tests/benches/hostile.py              # everything
    python3 tests/benches/hostile.py --only loops # neighbours of many looping and sleeping hooks
    python3 tests/benches/hostile.py --only matrix

Each row starts a proxy that replays a neighbour's recording, lets clients provoke a component that does harm, and times the
neighbour's requests meanwhile, over one connection. Latencies are beside those of the same proxy when it is left alone.
"""

import argparse
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

MISDEEDS = ["loop", "sleep", "trap", "memory", "recursion", "handles", "bodies", "fields", "strings", "log", "stderr", "invalid"]
HOOKS = ["request", "response", "error", "matcher", "refresher"]
PREPARING = ["declare", "configure"]

# Instead of two minutes, so that the rows of what never ends take seconds.
LIMITS = "limits = { configure_seconds = 3 }\n"

# A HAR with what the neighbour asks for, and what provokes the refresher.
RECORDING = """{"log": {"version": "1.2", "creator": {"name": "bench", "version": "1"}, "entries": [%s]}}"""
ENTRY = """{"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "cache": {}, "timings": {"send": 0, "wait": 1, "receive": 0},
 "request": {"method": "GET", "url": "http://shop.example/%s", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [],
 "queryString": [], "headersSize": -1, "bodySize": 0},
 "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [%s], "cookies": [],
 "content": {"size": 5, "mimeType": "text/plain", "text": "hello"}, "redirectURL": "", "headersSize": -1, "bodySize": 5}}"""


def component(declare=None):
    """Builds the hostile component; what it does while it declares itself is built in."""
    target = ROOT / "target" / "components"
    environment = dict(os.environ)
    environment.pop("HOSTILE_DECLARE", None)
    if declare:
        environment["HOSTILE_DECLARE"] = declare
    command = ["cargo", "build", "--quiet", "-p", "hostile", "--target", "wasm32-wasip2", "--profile", "guest"]
    subprocess.run([*command, "--target-dir", str(target)], cwd=ROOT, env=environment, check=True)
    built = target / "wasm32-wasip2" / "guest" / "hostile.wasm"
    kept = pathlib.Path(tempfile.gettempdir()) / f"proxyhost-hostile-{os.getpid()}-{declare or 'none'}.wasm"
    kept.write_bytes(built.read_bytes())
    return kept


class Proxy:
    """A proxy with the hostile component in one place."""

    def __init__(self, binary, folder, wasm, place, misdeed, policy, limits=""):
        recording = folder / "recording.har"
        hostile = ENTRY % ("hostile", '{"name": "x-hostile", "value": "yes"}')
        recording.write_text(RECORDING % ", ".join([ENTRY % ("neighbour", ""), hostile]))
        is_plug = place in ("matcher", "refresher")
        miss = "forward" if place == "error" else "404"
        options = f"hostile = ['{place} {misdeed}']" if place else ""
        config = folder / "proxyhost.toml"
        addon = f"plugs = ['{wasm}']\n" if is_plug else ""
        replay = f"server_replay = ['{recording}']\nserver_replay_extra = '{miss}'\nserver_replay_reuse = 'last'\n"
        text = "" if is_plug else f"[[addons]]\nuse = '{wasm}'\non_failure = '{policy}'\n{limits}[addons.options]\n{options}\n"
        text += f"[[addons]]\nuse = 'serverreplay'\non_failure = '{policy}'\n{addon}[addons.options]\n{replay}"
        text += f"{options}\n" if is_plug else ""
        config.write_text(text)
        self.log = open(folder / "log", "w+b")
        command = [binary, "--config", str(config), "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log)
        self.port = None

    def listens(self, within=60):
        """Waits for the address; whether it came."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = re.search(rb"listening on http://127\.0\.0\.1:(\d+)", self.said())
            if found:
                self.port = int(found[1])
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.01)
        return False

    def said(self):
        return pathlib.Path(self.log.name).read_bytes()

    def peak_mib(self):
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        except FileNotFoundError:
            return 0
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) // 1024 if found else 0

    def stop(self):
        """Ends it; how long that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return float("inf")
        self.log.close()
        return time.monotonic() - began


def attack(port, path, stop):
    """One client that provokes the component again and again."""
    while not stop.is_set():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            while not stop.is_set():
                connection.request("GET", path)
                connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            stop.wait(0.01)


def neighbour(port, seconds):
    """Times requests of a flow that nobody touches: p50, p99 in milliseconds, and how many were not answered by 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times, others = [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(times) < 20:
        began = time.monotonic()
        try:
            connection.request("GET", "http://shop.example/neighbour")
            answer = connection.getresponse()
            answer.read()
            others += answer.status != 200
        except (OSError, http.client.HTTPException):
            others += 1
            connection.close()
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.002)
    times.sort()
    return times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)], others, len(times)


def run(binary, wasm, place, misdeed, policy, clients, seconds):
    """Alone, then beside clients that provoke the component."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(binary, pathlib.Path(folder), wasm, place, misdeed, policy)
        if not proxy.listens():
            proxy.stop()
            raise SystemExit(f"it does not listen: {proxy.said().decode(errors='replace')[-500:]}")
        alone = neighbour(proxy.port, seconds / 2)
        if place == "error":
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                path = f"http://127.0.0.1:{unused.getsockname()[1]}/hostile"
        else:
            path = "http://shop.example/hostile" + ("/live" if place == "matcher" else "")
        stop = threading.Event()
        # In processes of their own, so that the interpreter's lock does not count as the proxy's time.
        here = [sys.executable, __file__, "--attack", str(proxy.port), path]
        attackers = [subprocess.Popen([*here, str(share)]) for share in shares(clients)]
        time.sleep(0.5)
        beside = neighbour(proxy.port, seconds)
        peak, lines = proxy.peak_mib(), proxy.said().count(b"\n")
        lives = proxy.process.poll() is None
        for attacker in attackers:
            attacker.kill()
            attacker.wait()
        stop.set()
        ended = proxy.stop()
        return alone, beside, peak, lines, lives, ended


def shares(clients):
    """Clients over two processes."""
    return [share for share in (clients // 2, clients - clients // 2) if share]


def attackers(port, path, clients):
    stop = threading.Event()
    for _ in range(clients):
        threading.Thread(target=attack, args=(port, path, stop), daemon=True).start()
    stop.wait()


HEAD = "| {:<10} | {:<9} | {:<6} | {:>7} | {:>15} | {:>15} | {:>9} | {:>8} | {:>5} | {:>7} |"


def head():
    print(HEAD.format("where", "what", "policy", "clients", "p50 ms (alone)", "p99 ms (alone)", "not 200", "peak MiB", "lines", "stop s"))
    print(HEAD.format(*["---"] * 10), flush=True)


def row(place, misdeed, policy, clients, result):
    (p50_alone, p99_alone, _, _), (p50, p99, others, asked), peak, lines, lives, ended = result
    print(HEAD.format(
        place, misdeed, policy, clients, f"{p50:.1f} ({p50_alone:.1f})", f"{p99:.1f} ({p99_alone:.1f})",
        f"{others}/{asked}", peak if lives else "DEAD", lines, f"{ended:.1f}"), flush=True)


def loops(binary, wasm, seconds):
    for clients in (1, 2, 8, 32, 200):
        row("request", "loop", "skip", clients, run(binary, wasm, "request", "loop", "skip", clients, seconds))
    row("request", "sleep", "skip", 300, run(binary, wasm, "request", "sleep", "skip", 300, 2 * seconds))


def matrix(binary, wasm, seconds, places, misdeeds):
    for place in places:
        for misdeed in misdeeds:
            for policy in ("fail", "skip"):
                row(place, misdeed, policy, 8, run(binary, wasm, place, misdeed, policy, 8, seconds))


def preparing(binary, wasm, misdeeds):
    print("\n| where | what | ends after | exit code | peak MiB | it says |\n|---|---|---|---|---|---|")
    for place in PREPARING:
        for misdeed in misdeeds:
            built = component(misdeed) if place == "declare" else wasm
            with tempfile.TemporaryDirectory() as folder:
                began, peak = time.monotonic(), 0
                proxy = Proxy(binary, pathlib.Path(folder), built, place, misdeed, "fail", LIMITS)
                while proxy.process.poll() is None and b"listening" not in proxy.said() and time.monotonic() - began < 60:
                    peak = max(peak, proxy.peak_mib())
                    time.sleep(0.05)
                took, code, said = time.monotonic() - began, proxy.process.poll(), proxy.said().decode(errors="replace")
                proxy.stop()
                last = (said.strip().splitlines() or [""])[-1][:110]
                print(f"| {place} | {misdeed} | {took:.1f} s | {code if code is not None else 'serves'} | {peak} | {last} |", flush=True)


def main():
    if sys.argv[1:2] == ["--attack"]:
        return attackers(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default=str(ROOT / "target" / "release" / "proxyhost"))
    arguments.add_argument("--only", choices=["loops", "matrix", "preparing"])
    arguments.add_argument("--places", nargs="+", choices=HOOKS, default=HOOKS, help="the rows of the matrix")
    arguments.add_argument("--misdeeds", nargs="+", choices=MISDEEDS, default=MISDEEDS, help="the same, and of --only preparing")
    arguments.add_argument("--seconds", type=float, default=2.0, help="how long a row is timed")
    chosen = arguments.parse_args()
    wasm = component()
    if chosen.only in (None, "loops", "matrix"):
        head()
    if chosen.only in (None, "loops"):
        loops(chosen.binary, wasm, chosen.seconds)
    if chosen.only in (None, "matrix"):
        matrix(chosen.binary, wasm, chosen.seconds, chosen.places, chosen.misdeeds)
    if chosen.only in (None, "preparing"):
        preparing(chosen.binary, wasm, chosen.misdeeds)


if __name__ == "__main__":
    main()
