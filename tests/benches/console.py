#!/usr/bin/env python3
"""What it costs the proxy that somebody looks: its processor time per replayed flow, at a steady rate of flows.

Alone, with a control API that nobody asks, and with a console on a terminal of 120 x 40: one that follows the newest flow, one
with a filter that is true of all, and one that lists flows by their duration. It fails if the console that follows takes more
than 5 % of a core beyond what the flows take with a control API.

    cargo build --release -p proxyhost --bin proxyhost
    python3 tests/benches/console.py
"""

import argparse
import fcntl
import os
import pathlib
import pty
import signal
import socket
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time

from flows import HOST, PATH, recording
from servers import RELEASE, TICKS, free_port

FLOWS, SIZE = 1000, 1024
CONNECTIONS, AT_ONCE = 10, 5
START_SECONDS, WARM_UP_SECONDS, MOST_OF_A_CORE = 30, 2, 0.05
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
# What runs, and the keys that are pressed.
KINDS = {
    "alone": (["-q"], b""),
    "--control": (["-q", "--control", "0"], b""),
    "--console": (["--console"], b""),
    "--console, filter": (["--console"], b"f~u item\r"),
    "--console, order": (["--console"], b"OOOOO"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5000, help="flows a second")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--proxyhost", type=pathlib.Path, default=RELEASE / "proxyhost")
    options = parser.parse_args()
    if not options.proxyhost.exists():
        sys.exit(f"error: `{options.proxyhost}` is missing: build it as said in --help")
    microseconds = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "bench.mitm").write_bytes(recording(FLOWS, SIZE))
        for _ in range(options.rounds):
            for kind in KINDS:
                microseconds[kind].append(measure(kind, folder, options))
    print(f"{options.rate} flows a second: processor time per flow, the median of {options.rounds} rounds")
    medians = {kind: statistics.median(all) for kind, all in microseconds.items()}
    for kind, median in medians.items():
        print(f"{kind:20}{median:8.1f} us{(median - medians['alone']) * options.rate / 1e4:+8.1f} % of a core")
    beyond = (medians["--console"] - medians["--control"]) * options.rate / 1e6
    sys.exit(f"the console takes {beyond:.1%} of a core" if beyond > MOST_OF_A_CORE else 0)


def measure(kind, folder, options):
    more, keys = KINDS[kind]
    port = free_port()
    command = [str(options.proxyhost), "-S", str(folder / "bench.mitm"), "--no-pop", "-k", "--ca-dir", str(folder / "ca"),
               "--mode", f"reverse:http://{HOST}@{port}", *more]
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm-256color", XDG_RUNTIME_DIR=str(folder))
        os.execv(command[0], command)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        shows = threading.Event()
        threading.Thread(target=drain, args=(terminal, shows), daemon=True).start()
        connections = [connect(port) for _ in range(CONNECTIONS)]
        if keys:
            # Before that, the terminal would make other keys of them.
            if not shows.wait(START_SECONDS):
                sys.exit(f"error: there was no console within {START_SECONDS} seconds")
            os.write(terminal, keys)
        load(connections, options.rate, WARM_UP_SECONDS)
        before = cpu_seconds(process)
        flows = load(connections, options.rate, options.seconds)
        return (cpu_seconds(process) - before) * 1e6 / flows
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
        os.close(terminal)


def drain(terminal, shows):
    try:
        while data := os.read(terminal, 1 << 16):
            if b"[following]" in data:
                shows.set()
    except OSError:
        # The proxy has ended.
        pass


def connect(port):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"error: the proxy did not listen within {START_SECONDS} seconds")
            time.sleep(0.05)


def load(connections, rate, seconds):
    """Sends requests at that rate. How many."""
    flows, due = 0, time.monotonic()
    end = due + seconds
    while due < end:
        for connection in connections:
            connection.sendall(REQUEST * AT_ONCE)
        for connection in connections:
            answers = 0
            while answers < AT_ONCE:
                data = connection.recv(1 << 16)
                if not data:
                    sys.exit("error: the proxy closed a connection")
                answers += data.count(b"HTTP/1.1 200")
        flows += len(connections) * AT_ONCE
        due += len(connections) * AT_ONCE / rate
        time.sleep(max(0, due - time.monotonic()))
    return flows


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
