"""Servers that benchmarks start, what they use, and the load on them."""

import atexit
import collections
import ctypes
import http.client
import os
import pathlib
import re
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from flows import HOST, PATH

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "target" / "release"
START_SECONDS, STOP_SECONDS, LOAD_SECONDS = 60, 10, 600
PR_SET_PDEATHSIG = 1
TICKS = os.sysconf("SC_CLK_TCK")
MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}

Figures = collections.namedtuple("Figures", "requests_per_second p50_us p99_us cpu_us_per_request rss_kib")


class Failed(Exception):
    """A server that does not do what is measured."""


class Server:
    """A running server with the processes that it starts. All of them end with this one, however it ends."""

    running = []

    def __init__(self, command, port, environment=None):
        self.name, self.port = str(command[0]), port
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment,
            start_new_session=True, preexec_fn=end_with_parent)
        Server.running.append(self)

    def wait(self):
        """Waits until it listens."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"`{self.name}` ended with status {self.process.returncode}: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise Failed(f"`{self.name}` did not listen on port {self.port} within {START_SECONDS} seconds")

    def last_words(self):
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def processes(self):
        """It, and all that it started."""
        parents = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                # It has just ended.
                pass
        tree = [self.process.pid]
        for process in tree:
            tree += [child for child, parent in parents.items() if parent == process]
        return tree

    def cpu_seconds(self):
        fields = [stat.rsplit(")", 1)[1].split() for stat in self.proc("stat")]
        return sum(int(stat[11]) + int(stat[12]) for stat in fields) / TICKS

    def rss_kib(self):
        """Resident memory. What its processes share counts for each."""
        found = (re.search(r"VmRSS:\s+(\d+)", status) for status in self.proc("status"))
        return sum(int(rss[1]) for rss in found if rss)

    def proc(self, name):
        for process in self.processes():
            try:
                yield pathlib.Path(f"/proc/{process}/{name}").read_text()
            except OSError:
                pass

    def stop(self):
        if self not in Server.running:
            return
        Server.running.remove(self)
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@atexit.register
def stop_all():
    for server in list(Server.running):
        server.stop()


def stop_all_on_signals():
    """Signals that would end this process at once let it stop what it started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, port, environment=None):
    """Starts a server, and waits until it listens."""
    server = Server(command, port, environment)
    try:
        return server.wait()
    except BaseException:
        server.stop()
        raise


def check(port, options):
    """Whether it answers as it should."""
    size = options.body
    if options.tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", PATH, headers={"Host": HOST})
    answer = connection.getresponse()
    length = len(answer.read())
    connection.close()
    if (answer.status, length) != (200, size):
        raise Failed(f"it answered with status {answer.status} and {length} bytes, instead of 200 and {size}")


def url(port, options):
    return f"http{'s' if options.tls else ''}://127.0.0.1:{port}{PATH}"


def speaks_http2(port, options):
    """Whether it takes HTTP/2, without TLS at once."""
    command = ["h2load", "-n1", "-c1", "-t1", url(port, options)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout
    except subprocess.TimeoutExpired:
        return False
    return "1 succeeded" in said and "1 2xx" in said


def measure(server, load, port, options):
    """The figures of one turn under a load."""
    before = server.cpu_seconds()
    requests, rate, p50, p99 = load(port, options)
    used = server.cpu_seconds() - before
    if server.process.poll() is not None:
        raise Failed(f"it ended under load: {server.last_words()}")
    return Figures(rate, p50, p99, used / requests * 1e6, server.rss_kib())


def http1(port, options):
    """wrk: a connection sends its next request when it has the answer. Requests, their rate and the latencies."""
    said = run(["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency", "-H", f"Host: {HOST}",
                url(port, options)])
    requests = int(re.search(r"(\d+) requests in", said)[1])
    if requests == 0 or "Non-2xx" in said:
        raise Failed(f"of {requests} answers, not all were a 200")
    latencies = {share: float(value) * MICROSECONDS[unit]
                 for share, value, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s|m)\b", said)}
    return requests, float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), latencies["50"], latencies["99"]


def http2(port, options):
    """h2load: as many requests at once as for HTTP/1, up to eight on one connection."""
    streams = min(8, options.connections)
    with tempfile.NamedTemporaryFile("r") as log:
        run(["h2load", "-t1", f"-c{options.connections // streams}", f"-m{streams}", f"--duration={options.seconds}",
             f"--log-file={log.name}", "-H", f":authority: {HOST}", url(port, options)])
        # Of each request: when it began, its status, and how many microseconds it took.
        answers = [line.split() for line in log]
    times = sorted(int(taken) for _, status, taken in answers if status == "200")
    if len(times) < max(len(answers), 2):
        raise Failed(f"of {len(answers)} answers, {len(times)} were a 200")
    percentiles = statistics.quantiles(times, n=100, method="inclusive")
    return len(times), len(times) / options.seconds, percentiles[49], percentiles[98]


def run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LOAD_SECONDS)
    except subprocess.TimeoutExpired as hung:
        raise Failed(f"`{command[0]}` did not end within {LOAD_SECONDS} seconds") from hung
    if done.returncode != 0:
        raise Failed(f"`{command[0]}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
