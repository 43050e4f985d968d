#!/usr/bin/env python3
"""Much of everything through a running proxy: bytes up and down, or connections at once.

    cargo build --release -p proxyhost
    python3 tests/benches/extremes.py bytes [--gibibytes 10]
    python3 tests/benches/extremes.py connections [--idle 10000] [--active 500]

The exit code is 1 if an answer was wrong or memory grew beyond what is said below. Connections need `ulimit -n` twice as
large as there are, for this process and for the proxy.
"""

import argparse
import http.client
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PIECE = bytes(range(256)) * 4096
# What all the bytes may add to the memory, and what an idle connection may take.
BYTES_MEBIBYTES, CONNECTION_KIBIBYTES = 32, 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["bytes", "connections"])
    parser.add_argument("--gibibytes", type=float, default=10)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--active", type=int, default=500)
    parser.add_argument("--proxyhost", type=pathlib.Path, default=ROOT / "target/release/proxyhost")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(options.proxyhost, pathlib.Path(folder), options.idle + options.active + 100)
        try:
            run = move_bytes if options.what == "bytes" else hold_connections
            sys.exit(0 if run(options, process, port, origin) else 1)
        finally:
            process.kill()


def move_bytes(options, process, port, origin):
    size = int(options.gibibytes * 1024) << 20
    ask(port, origin, "/1048576")
    before, good = resident(process), True
    for way in ("down", "up"):
        began = time.monotonic()
        moved = download(port, origin, size) if way == "down" else upload(port, origin, size)
        seconds = time.monotonic() - began
        print(f"{way}: {moved} of {size} bytes as they were, {size / seconds / (1 << 20):.0f} MiB/s")
        good &= moved == size
    grown = (resident(process, "VmHWM") - before) / 1024
    print(f"memory: {grown:.0f} MiB more at most, {BYTES_MEBIBYTES} may be")
    return good and grown <= BYTES_MEBIBYTES


def download(port, origin, size):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"{origin}/{size}")
    response, moved = connection.getresponse(), 0
    while piece := response.read(len(PIECE)):
        if piece != PIECE[:len(piece)]:
            return moved
        moved += len(piece)
    return moved


def upload(port, origin, size):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    pieces = (PIECE for _ in range(size // len(PIECE)))
    connection.request("POST", f"{origin}/count", pieces, {"Content-Length": str(size)})
    return int(connection.getresponse().read())


def hold_connections(options, process, port, origin):
    ask(port, origin, "/5")
    before, wrong = resident(process), []
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(options.idle)]
    for connection in idle:
        connection.sendall(f"GET {origin}/5 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            wrong.append("an idle one")
    each = (resident(process) - before) / options.idle
    print(f"{options.idle} idle connections: {each:.1f} KiB each, {CONNECTION_KIBIBYTES} may be")

    def active():
        for _ in range(10):
            if ask(port, origin, "/1000") != PIECE[:1000]:
                wrong.append("an active one")

    threads = [threading.Thread(target=active) for _ in range(options.active)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{options.active} active connections: {len(wrong)} wrong answers")
    return not wrong and each <= CONNECTION_KIBIBYTES


def ask(port, origin, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", origin + path)
    return connection.getresponse().read()


def resident(process, what="VmRSS"):
    """Kibibytes."""
    return int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split(f"{what}:")[1].split()[0])


def start(program, folder, connections):
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen([program, "--listen", "127.0.0.1:0", "--ca-dir", folder / "ca",
                                    "--client-connections", str(connections)], stderr=file, cwd=folder)
    while "listening on" not in log.read_text():
        if process.poll() is not None:
            sys.exit(f"error: the proxy did not start:\n{log.read_text()}")
        time.sleep(0.05)
    return process, int(log.read_text().rsplit(":", 1)[1])


def serve(listener):
    while True:
        threading.Thread(target=answer_all, args=(listener.accept()[0],), daemon=True).start()


def answer_all(connection):
    """Answers `/SIZE` with so many bytes, and anything else with how many of those that came were right."""
    try:
        with connection, connection.makefile("rb") as reader:
            while first := reader.readline().split():
                length = 0
                while line := reader.readline().strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                right = 0
                for at in range(0, length, len(PIECE)):
                    piece = reader.read(min(len(PIECE), length - at))
                    right += len(piece) if piece == PIECE[:len(piece)] else 0
                path = first[1].decode()[1:]
                answer = (int(path), None) if path.isdigit() else (len(str(right)), str(right).encode())
                send(connection, *answer)
    except OSError:
        # The proxy left, as it may.
        pass


def send(connection, size, content):
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
    if content:
        connection.sendall(content)
        return
    for at in range(0, size, len(PIECE)):
        connection.sendall(PIECE[:min(len(PIECE), size - at)])


if __name__ == "__main__":
    main()
