#!/usr/bin/env python3
"""HTTP/2 clients that abuse the protocol, and what a neighbour sees of it.

    cargo build --release -p proxyhost
    python3 tests/benches/http2_abuse.py [--binary target/release/proxyhost] [--seconds 3]

Each attack goes on for some seconds on connections that are opened again when the proxy closes them, while a neighbour asks
for the same over HTTP/1. Prints for each: what became of the first connection, how many there were, the neighbour's requests,
their p50 and p99, and the proxy's resident memory.
"""

import argparse
import os
import select
import struct
import threading
import time

from connections import PREFACE, Proxy, field, frame

TARGET = b"127.0.0.1:1"


def get(stream, flags=5, extra=b""):
    fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", TARGET), (b":path", b"/")]
    return frame(1, flags, stream, b"".join(field(name, value) for name, value in fields) + extra)


def streams(make):
    """What an attack sends for each stream of a connection, a thousand at a time."""
    for first in range(1, 1 << 24, 2000):
        yield b"".join(make(stream) for stream in range(first, first + 2000, 2))


def repeated(opening, piece, count=1000):
    yield opening
    while True:
        yield piece * count


def bomb():
    """A field of 4,000 bytes that enters the table, and is then named by a byte each."""
    large = b"\x40\x01a" + b"\x7f" + bytes([0xA1, 0x1E]) + b"v" * 4000
    yield get(1, 5, large)
    yield from streams(lambda stream: get(stream + 2, 5, b"\xbe" * 15_000))


ATTACKS = {
    "rapid reset": lambda: streams(lambda stream: get(stream) + frame(3, 0, stream, struct.pack(">I", 8))),
    "CONTINUATION": lambda: repeated(get(1, 1), frame(9, 0, 1, field(b"x-a", b"v" * 120) * 8)),
    "empty CONTINUATION": lambda: repeated(get(1, 1), frame(9, 0, 1)),
    "PING": lambda: repeated(b"", frame(6, 0, 0, b"12345678")),
    "SETTINGS": lambda: repeated(b"", frame(4, 0, 0)),
    "empty DATA": lambda: repeated(get(1, 4), frame(0, 0, 1)),
    "WINDOW_UPDATE": lambda: repeated(get(1, 4), frame(8, 0, 0, struct.pack(">I", 1)), 1000),
    "PRIORITY": lambda: repeated(b"", frame(2, 0, 1, struct.pack(">IB", 3, 1))),
    "HPACK bomb": bomb,
    "own errors": lambda: streams(lambda stream: get(stream, 4) + frame(8, 0, stream, struct.pack(">I", 0))),
    "tiny streams": lambda: streams(get),
}


class Neighbour(threading.Thread):
    """Asks again and again."""

    def __init__(self, proxy):
        super().__init__(daemon=True)
        self.proxy, self.times, self.on = proxy, [], True

    def run(self):
        connection = self.proxy.connect()
        connection.settimeout(20)
        while self.on:
            began = time.monotonic()
            connection.sendall(b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
            answer = b""
            while b"(flow" not in answer:
                answer += connection.recv(4096)
            self.times.append(time.monotonic() - began)
            time.sleep(0.001)

    def finish(self):
        self.on = False
        self.join(25)
        times = sorted(self.times)
        return len(times), times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000


def outcome(received):
    """What the proxy said last: GOAWAY with a code, resets of streams, or nothing."""
    place, said = 0, "closed"
    while place + 9 <= len(received):
        length = int.from_bytes(received[place : place + 3], "big")
        kind, payload = received[place + 3], received[place + 9 : place + 9 + length]
        if kind == 7 and len(payload) >= 8:
            said = f"GOAWAY {int.from_bytes(payload[4:8], 'big')}"
        place += 9 + length
    return said


def attack(proxy, frames, until):
    """One connection; gives what became of it."""
    connection = proxy.connect()
    connection.setblocking(False)
    received, waiting = b"", PREFACE + frame(4, 0, 0)
    frames = frames()
    while time.monotonic() < until:
        readable, writable, _ = select.select([connection], [connection], [], 0.1)
        try:
            if readable:
                piece = connection.recv(1 << 16)
                if not piece:
                    return outcome(received)
                received = (received + piece)[: 1 << 20]
            if writable:
                if not waiting:
                    waiting = next(frames)
                waiting = waiting[connection.send(waiting) :]
        except (ConnectionError, StopIteration):
            return outcome(received)
    connection.close()
    return "goes on"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/proxyhost")
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    print("| attack | first connection | connections | neighbour's requests | p50 ms | p99 ms | MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, frames in {"(none)": None, **ATTACKS}.items():
        proxy = Proxy(binary, "--offline")
        neighbour = Neighbour(proxy)
        neighbour.start()
        until, outcomes, most = time.monotonic() + options.seconds, [], 0
        while time.monotonic() < until:
            if frames is None:
                time.sleep(options.seconds)
            else:
                outcomes.append(attack(proxy, frames, until))
            most = max(most, proxy.rss())
        requests, p50, p99 = neighbour.finish()
        first = outcomes[0] if outcomes else ""
        print(f"| {name} | {first} | {len(outcomes)} | {requests} | {p50:.1f} | {p99:.1f} | {most / 1024:.0f} |", flush=True)
        proxy.stop()


if __name__ == "__main__":
    main()
