"""gRPC without TLS: recorded from a real server by a real client, and replayed with the server off."""

import contextlib
import json
import pathlib
import subprocess
import sys

from replay import Proxy

PEER = pathlib.Path(__file__).with_name("grpc_peer.py")

# How the proxy stands between them: its mode, and by which name the client calls.
WAYS = {
    "gRPC, reverse:h2c": lambda server: (["--mode", f"reverse:h2c://{server}"], None),
    "gRPC, prior knowledge": lambda server: ([], server),
    "gRPC, CONNECT": lambda server: ([], "CONNECT"),
}


def install(folder):
    """A Python that has grpcio."""
    environment = folder / "grpc"
    python = environment / "bin" / "python3"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "grpcio"], check=True)
    return python


def row(name, binary, python, folder):
    """What came of the calls over one way: a row, and what differs."""
    recording = folder / f"{name.replace(' ', '-')}.mitm"
    with running([python, PEER, "serve"]) as server:
        address = f"127.0.0.1:{server.stdout.readline().strip()}"
        mode, by = WAYS[name](address)
        with Proxy(binary, [*mode, "-w", recording], folder) as proxy:
            recorded = called(python, proxy, address, by)
    with Proxy(binary, [*mode, "-S", recording, "-k"], folder) as proxy:
        replayed = called(python, proxy, address, by)
    differences = [f"{name}: {call}: {replayed.get(call)}, not {recorded[call]}"
                   for call in recorded if replayed.get(call) != recorded[call]]
    # What was recorded has to be what the server says, too.
    differences += [f"{name}: {call} was answered with {recorded.get(call)}"
                    for call, status in EXPECTED.items() if recorded.get(call, [None])[0] != status]
    version = subprocess.run([python, "-c", "import grpc; print(grpc.__version__)"], capture_output=True, text=True).stdout
    same = len(recorded) - len(differences)
    return (name, version.strip(), len(recorded), same, 0, 0, len(differences)), differences


EXPECTED = {"Unary": "OK", "Large": "OK", "Stream": "OK", "Fail": "NOT_FOUND", "Break": "ABORTED"}


@contextlib.contextmanager
def running(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def called(python, proxy, address, by):
    command = [python, PEER, "call", str(proxy.ports[0]), address, by or ""]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)
