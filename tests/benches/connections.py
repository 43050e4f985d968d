#!/usr/bin/env python3
"""What connections cost that do nothing: idle ones, and those of clients that never read.

    cargo build --release -p proxyhost
    python3 tests/benches/connections.py [--idle 10000] [--unread 200] [--binary target/release/proxyhost]

Prints a line for each kind: the proxy's resident memory before, with the connections as soon as they are open and some time
after that, and some time after they were closed.
"""

import argparse
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

BODY = 100 << 20

# Memory that is not used is given back over ten seconds. Idle connections are closed after 30.
GIVEN_BACK = 15
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Origin:
    """Answers every request with 100 MiB, and counts how much of it the proxy took."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            while connection.recv(65536):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY)
                for _ in range(BODY >> 16):
                    connection.sendall(bytes(1 << 16))
        except OSError:
            pass
        finally:
            connection.close()


class Proxy:
    """The proxy, and what the system says of it."""

    def __init__(self, binary, *args):
        self.folder = tempfile.TemporaryDirectory()
        log = open(os.path.join(self.folder.name, "log"), "w+")
        command = [binary, "--listen", "127.0.0.1:0", "--ca-dir", self.folder.name, *args]
        self.process = subprocess.Popen(command, stderr=log, cwd=self.folder.name)
        self.port = None
        while self.port is None:
            time.sleep(0.05)
            found = re.search(r"listening on http://127.0.0.1:(\d+)", pathlib.Path(log.name).read_text())
            self.port = found and int(found[1])

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def settled(self):
        """Resident memory in KiB, once it no longer changes."""
        last, now = -1, self.rss()
        while abs(now - last) > 64:
            time.sleep(1)
            last, now = now, self.rss()
        return now

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def http2_get(authority, path=b"/"):
    fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", authority), (b":path", path)]
    return frame(1, 5, 1, b"".join(field(name, value) for name, value in fields))


def idle(proxy, _):
    """One that was answered by the proxy itself, and is kept."""
    connection = proxy.connect()
    connection.sendall(b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
    connection.recv(4096)
    return connection


def forward(proxy, origin):
    connection = proxy.connect()
    connection.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % origin.port)
    return connection


def tunnel(proxy, origin):
    connection = proxy.connect()
    connection.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % origin.port)
    connection.recv(4096)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return connection


def opaque(proxy, origin):
    connection = proxy.connect()
    connection.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % origin.port)
    connection.recv(4096)
    connection.sendall(b"\x00 not HTTP")
    return connection


def http2(proxy, origin):
    """With windows that let the whole body come."""
    connection = proxy.connect()
    settings = frame(4, 0, 0, struct.pack(">HI", 4, 0x7FFFFFFF))
    window = frame(8, 0, 0, struct.pack(">I", 0x7FFF0000))
    connection.sendall(PREFACE + settings + window + http2_get(b"127.0.0.1:%d" % origin.port))
    return connection


def http2_no_window(proxy, origin):
    """With the windows that there are without asking, which it never opens further."""
    connection = proxy.connect()
    connection.sendall(PREFACE + frame(4, 0, 0) + http2_get(b"127.0.0.1:%d" % origin.port))
    return connection


def measure(binary, title, kind, count, *args):
    origin, proxy = Origin(), Proxy(binary, *args)
    # What the first one makes ready is not what each costs.
    kind(proxy, origin).close()
    before = proxy.settled()
    connections = [kind(proxy, origin) for _ in range(count)]
    at_once = proxy.settled()
    time.sleep(GIVEN_BACK)
    during = proxy.rss()
    for connection in connections:
        connection.close()
    time.sleep(GIVEN_BACK)
    after = proxy.settled()
    proxy.stop()
    mib = " | ".join(f"{kib / 1024:.0f}" for kib in (before, at_once, during, after))
    print(f"| {title} | {count} | {mib} | {(during - before) / count:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/proxyhost")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--unread", type=int, default=200)
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    print(f"| connections | number | MiB before | at once | after {GIVEN_BACK} s | closed | KiB each |\n"
          "|---|---|---|---|---|---|---|")
    measure(binary, "idle, HTTP/1 keep-alive", idle, options.idle, "--offline", "--client-connections", "20000")
    if options.unread:
        measure(binary, "never read, HTTP/1", forward, options.unread)
        measure(binary, "never read, CONNECT", tunnel, options.unread)
        measure(binary, "never read, CONNECT, not HTTP", opaque, options.unread)
        measure(binary, "never read, HTTP/2", http2, options.unread)
        measure(binary, "never read, HTTP/2 that gives no window", http2_no_window, options.unread)


if __name__ == "__main__":
    main()
