#!/usr/bin/env python3
"""Mixed traffic for a while, with faults injected, against a running proxy that replays, forwards and records at once.

    cargo build --release -p proxyhost && cargo test -p proxyhost --test end_to_end --no-run    # for the addon
    python3 tests/benches/soak.py [--minutes 20] [--clients 12] [--proxyhost PATH]

Ends with a table of samples and a verdict; the exit code is 1 if an answer was wrong, if descriptors were left open, or if
memory or descriptors grew. Needs curl for HTTP/2, and openssl for TLS; without one, that part is left out and said.
"""

import argparse
import collections
import hashlib
import http.client
import os
import pathlib
import random
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import soak_origin

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROBE = ROOT / "target/components/wasm32-wasip2/guest/probe.wasm"
# Bodies are mostly small, and up to a mebibyte.
SIZES = [0, 1, 100, 1000, 1000, 4096, 16_384, 16_384, 65_536, 300_000, 1 << 20]
# What is asked for, and how often of 100 requests.
KINDS = {"forward": 30, "replay": 25, "upload": 12, "h2": 4, "tunnel": 6, "tls": 6, "reset": 3, "short": 3, "slow": 3,
         "silent": 1, "leave": 5, "trap": 2}
SAMPLE_SECONDS = 10
ROTATE_SECONDS = 20
# What the last quarter may have beyond the second one.
GROWTH, MEBIBYTES, DESCRIPTORS = 1.15, 24, 30


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--proxyhost", type=pathlib.Path, default=ROOT / "target/release/proxyhost")
    options = parser.parse_args()
    for needed in (options.proxyhost, PROBE):
        if not needed.exists():
            sys.exit(f"error: `{needed}` is missing: build it as said in --help")
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if soak(options, pathlib.Path(folder)) else 1)


def soak(options, folder):
    origin = start_origin(folder)
    try:
        return soak_with(origin, options, folder)
    finally:
        origin.process.kill()


def soak_with(origin, options, folder):
    known = record_known(options, folder, origin)
    proxy = Proxy(options.proxyhost, folder, ["-S", known, "--server-replay-reuse", "-w", folder / "soak.mitm", "--force"], origin)
    run = Run(proxy, origin, folder)
    # What is made on first use is there before the first sample.
    for number in range(20):
        run.one(random.Random(number), "forward")
    idle = proxy.descriptors()
    ends = time.monotonic() + options.minutes * 60
    threads = [threading.Thread(target=run.client, args=(seed, ends)) for seed in range(options.clients)]
    threads.append(threading.Thread(target=run.rotate, args=(ends,)))
    for thread in threads:
        thread.start()
    samples = []
    while time.monotonic() < ends and proxy.process.poll() is None:
        time.sleep(max(0, min(SAMPLE_SECONDS, ends - time.monotonic())))
        samples.append((proxy.resident(), proxy.descriptors(), sum(run.done.values())))
    for thread in threads:
        thread.join()
    left = proxy.descriptors_at_rest(idle)
    is_whole = proxy.stop() and run.check(folder / "soak.mitm")
    return verdict(run, samples, idle, left, is_whole)


class Run:
    """What the clients do, and what came of it."""

    def __init__(self, proxy, origin, folder):
        self.proxy, self.origin, self.folder = proxy, origin, folder
        self.done, self.wrong = collections.Counter(), collections.Counter()
        self.lock, self.messages = threading.Lock(), []
        kinds = dict(KINDS)
        if not shutil.which("curl"):
            print("no curl: HTTP/2 is left out")
            kinds.pop("h2")
        if not origin.tls_port:
            print("no openssl: TLS is left out")
            kinds.pop("tls")
        self.kinds = [kind for kind, weight in kinds.items() for _ in range(weight)]

    def client(self, seed, ends):
        choose = random.Random(seed)
        while time.monotonic() < ends:
            self.one(choose, choose.choice(self.kinds))

    def one(self, choose, kind):
        try:
            wrong = getattr(self, kind)(choose)
        except (OSError, http.client.HTTPException) as error:
            wrong = f"{type(error).__name__}: {error}"
        with self.lock:
            self.done[kind] += 1
            if wrong:
                self.wrong[kind] += 1
                self.messages.append(f"{kind}: {wrong}")

    def forward(self, choose):
        connection = self.proxy.connect()
        for _ in range(choose.randint(1, 5)):
            path = f"/ok/{choose.choice(SIZES)}/{choose.randrange(1 << 30)}"
            if wrong := compare(ask(connection, "GET", self.origin.url + path), path):
                return wrong
        connection.close()

    def replay(self, choose):
        path = choose.choice(self.origin.known)
        return compare(ask(self.proxy.connect(), "GET", self.origin.url + path), path)

    def upload(self, choose):
        body = soak_origin.body(choose.choice(SIZES), choose.randrange(1 << 30))
        status, answer = ask(self.proxy.connect(), "POST", self.origin.url + "/echo", body)
        said = hashlib.sha256(body).hexdigest().encode()
        return None if (status, answer) == (200, said) else f"status {status} for an upload of {len(body)} bytes"

    def h2(self, choose):
        path = f"/ok/{choose.choice(SIZES)}/{choose.randrange(1 << 30)}"
        url = f"http://127.0.0.1:{self.proxy.reverse_port}{path}"
        curl = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", url], capture_output=True, check=False)
        return compare((200 if curl.returncode == 0 else curl.stderr, curl.stdout), path)

    def tunnel(self, choose):
        connection = self.proxy.connect()
        connection.set_tunnel("127.0.0.1", self.origin.port)
        path = f"/ok/{choose.choice(SIZES)}/{choose.randrange(1 << 30)}"
        return compare(ask(connection, "GET", path), path)

    def tls(self, choose):
        context = ssl.create_default_context(cafile=self.folder / "ca/proxyhost-ca-cert.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self.proxy.port, timeout=60, context=context)
        connection.set_tunnel("127.0.0.1", self.origin.tls_port)
        path = f"/ok/{choose.choice(SIZES)}/{choose.randrange(1 << 30)}"
        return compare(ask(connection, "GET", path), path)

    def reset(self, choose):
        return self.broken(choose, "reset")

    def short(self, choose):
        return self.broken(choose, "short")

    def broken(self, choose, how):
        """A body that breaks off must not look whole."""
        try:
            status, _ = ask(self.proxy.connect(), "GET", f"{self.origin.url}/{how}/{choose.choice(SIZES[1:])}/1")
        except (OSError, http.client.HTTPException):
            return None
        return None if status == 502 else f"status {status}, and a body that seems whole"

    def slow(self, choose):
        path = f"/slow/{choose.choice([10, 1000, 65_536])}/{choose.randrange(1 << 30)}"
        return compare(ask(self.proxy.connect(), "GET", self.origin.url + path), path)

    def silent(self, _):
        status, _ = ask(self.proxy.connect(), "GET", f"{self.origin.url}/silent/0/0")
        return None if status == 504 else f"status {status} for a silent server"

    def trap(self, choose):
        status, _ = ask(self.proxy.connect(), "GET", f"{self.origin.url}/{choose.choice(['trap', 'loop'])}/0/0")
        # The server knows no such path: it is asked, as the addon is passed by.
        return None if status < 500 or status in (502, 503) else f"status {status} for an addon that fails"

    def leave(self, choose):
        """Leaves within a request, before the answer, or within it."""
        connection = self.proxy.connect()
        connection.connect()
        head = f"GET {self.origin.url}/slow/65536/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        connection.sock.sendall(head[:choose.choice([10, len(head)])])
        if choose.random() < 0.5:
            connection.sock.settimeout(0.2)
            try:
                connection.sock.recv(choose.randint(1, 1000))
            except TimeoutError:
                pass
        connection.close()

    def rotate(self, ends):
        """Puts the recording away now and then, as programs do that rotate logs, and looks whether it is whole."""
        number = 0
        while (wait := min(ROTATE_SECONDS, ends - time.monotonic())) > 0:
            time.sleep(wait)
            number += 1
            rotated = self.folder / f"soak.{number}.mitm"
            (self.folder / "soak.mitm").rename(rotated)
            self.proxy.process.send_signal(signal.SIGHUP)
            for _ in range(100):
                if (self.folder / "soak.mitm").exists():
                    break
                time.sleep(0.1)
            # What was being written at that moment is written by now.
            time.sleep(1)
            self.check(rotated)
            rotated.unlink()

    def check(self, recording):
        command = [self.proxy.program, "flows", "check", recording]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        with self.lock:
            self.done["recording"] += 1
            if checked.returncode != 0 and recording.stat().st_size > 0:
                self.wrong["recording"] += 1
                self.messages.append(f"recording: {checked.stdout}{checked.stderr}")
        return checked.returncode == 0


class Proxy:
    """The running binary."""

    def __init__(self, program, folder, more, origin):
        self.program, self.folder = program, folder
        # Skipped, so that others are served while its hook is off.
        addon = f"[[addons]]\nuse = '{PROBE}'\non_failure = 'skip'\n"
        (folder / "soak.toml").write_text(f"{addon}[limits]\nfirst_byte_seconds = 2\nidle_seconds = 5\n")
        script = ["--set", "probe=/trap request panic", "--set", "probe=/loop request loop"]
        self.log = folder / "log"
        command = [program, "--config", folder / "soak.toml", "--ca-dir", folder / "ca", "--insecure",
                   "--mode", "regular@127.0.0.1:0", "--mode", f"reverse:{origin.url}@127.0.0.1:0",
                   "--addon", PROBE, *script, *more]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, cwd=folder)
        ports = []
        while len(ports) < 2:
            if self.process.poll() is not None:
                sys.exit(f"error: the proxy did not start:\n{self.log.read_text()}")
            time.sleep(0.05)
            lines = [line for line in self.log.read_text().splitlines() if "listening on" in line]
            ports = [int(line.rsplit(":", 1)[1]) for line in sorted(lines, key=lambda line: "reverse" in line)]
        self.port, self.reverse_port = ports

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def resident(self):
        """Mebibytes."""
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024
        except (OSError, IndexError):
            return 0

    def descriptors(self):
        try:
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        except OSError:
            return 0

    def descriptors_at_rest(self, idle):
        """How many are open when everything that has a limit of time has passed it."""
        for _ in range(120):
            if self.descriptors() <= idle:
                break
            time.sleep(1)
        return self.descriptors()

    def stop(self):
        self.process.terminate()
        return self.process.wait(60) == 0


def ask(connection, method, target, body=None):
    connection.request(method, target, body)
    response = connection.getresponse()
    return response.status, response.read()


def compare(answer, path):
    status, content = answer
    size, seed = map(int, path.split("/")[2:])
    if status == 200 and content == soak_origin.body(size, seed):
        return None
    return f"status {status} and {len(content)} bytes for {path}"


Origin = collections.namedtuple("Origin", "process port tls_port url known")


def start_origin(folder):
    more = []
    if shutil.which("openssl"):
        more = [folder / "origin.pem"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-keyout", more[0], "-out", folder / "origin.crt"],
                       check=True, capture_output=True)
        with more[0].open("a") as pem:
            pem.write((folder / "origin.crt").read_text())
    script = pathlib.Path(soak_origin.__file__)
    process = subprocess.Popen([sys.executable, script, *more], stdout=subprocess.PIPE, text=True)
    port, tls_port = map(int, process.stdout.readline().split())
    known = [f"/ok/{size}/{seed}" for seed, size in enumerate(SIZES * 5)]
    return Origin(process, port, tls_port, f"http://127.0.0.1:{port}", known)


def record_known(options, folder, origin):
    """What is replayed, recorded by the proxy itself."""
    known = folder / "known.mitm"
    proxy = Proxy(options.proxyhost, folder, ["-w", known], origin)
    for path in origin.known:
        if wrong := compare(ask(proxy.connect(), "GET", origin.url + path), path):
            sys.exit(f"error: nothing to replay: {wrong}")
    proxy.stop()
    return known


def verdict(run, samples, idle, left, is_whole):
    print("| seconds | resident MiB | descriptors | requests |\n|---|---|---|---|")
    for index, (resident, descriptors, done) in enumerate(samples, 1):
        print(f"| {index * SAMPLE_SECONDS} | {resident:.0f} | {descriptors} | {done} |")
    print("\n| kind | done | wrong |\n|---|---|---|")
    for kind, done in sorted(run.done.items()):
        print(f"| {kind} | {done} | {run.wrong[kind]} |")
    for message in run.messages[:20]:
        print(f"wrong: {message}", file=sys.stderr)
    # Those of addons are within log lines.
    log = run.proxy.log.read_text(errors="replace").splitlines()
    panics = [line for line in log if line.startswith("thread ") and "panicked" in line]
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter:2 * quarter] or samples, samples[-quarter:]

    def median(part, index):
        return statistics.median(sample[index] for sample in part)

    flat = median(late, 0) <= median(early, 0) * GROWTH + MEBIBYTES
    steady = median(late, 1) <= median(early, 1) * GROWTH + DESCRIPTORS
    findings = {
        "wrong answers": (sum(run.wrong.values()) == 0, sum(run.wrong.values())),
        "stopped, with a whole recording": (is_whole, is_whole),
        "panics of the host": (not panics, len(panics)),
        "descriptors at rest": (left <= idle + DESCRIPTORS, f"{left}, {idle} before"),
        "resident MiB, early and late": (flat, f"{median(early, 0):.0f}, {median(late, 0):.0f}"),
        "descriptors, early and late": (steady, f"{median(early, 1):.0f}, {median(late, 1):.0f}"),
    }
    print("\n| finding | value | |\n|---|---|---|")
    for name, (is_good, value) in findings.items():
        print(f"| {name} | {value} | {'good' if is_good else 'BAD'} |")
    return all(is_good for is_good, _ in findings.values())


if __name__ == "__main__":
    main()
