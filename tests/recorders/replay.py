"""Sends what a server got once more, by way of proxyhost, and compares what comes with what the server sent."""

import base64
import collections
import gzip
import http.client
import json
import ssl
import subprocess
import time
import urllib.parse
import zlib

ANSWER_SECONDS = 20
START_SECONDS = 60
# Of the connection, or made anew for each message (RFC 9110, 7.6.1).
HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "te", "host", "via", "expect"}
CODED = {"gzip": gzip.decompress, "deflate": zlib.decompress}


class Failed(Exception):
    """The proxy did not start."""


class Proxy:
    """A proxyhost that replays, with the miss policy `kill`."""

    def __init__(self, binary, arguments, folder):
        self.folder = folder
        ready = folder / "ready.json"
        ready.unlink(missing_ok=True)
        self.log = open(folder / "proxy.log", "w+", encoding="utf-8")
        command = [binary, "--listen", "127.0.0.1:0", "--ca-dir", folder / "ca", "--ready-file", ready, *arguments]
        self.process = subprocess.Popen(command, stderr=self.log)
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Failed(f"proxyhost did not start: {self.said()}")
            time.sleep(0.05)
        addresses = [listener["address"] for listener in json.loads(ready.read_text())["listeners"]]
        self.ports = [int(address.rsplit(":", 1)[1]) for address in addresses]

    def said(self):
        self.log.seek(0)
        return self.log.read().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()


def replay(binary, recording, exchanges, flags, folder):
    """For each exchange its name, how the answer differs, and whether it came decoded."""
    arguments = ["-S", recording, "-k", "--norefresh", "--show-values", *flags]
    counts = collections.Counter()
    outcomes = []
    with Proxy(binary, arguments, folder) as proxy:
        tls = ssl.create_default_context(cafile=folder / "ca" / "proxyhost-ca-cert.pem")
        for exchange in exchanges:
            scheme = "https" if exchange["secure"] else "http"
            name = f"{scheme} {exchange['method']} {exchange['target']}"
            counts[name] += 1
            label = name if counts[name] == 1 else f"{name} ({counts[name]})"
            try:
                differences, decoded = compare(exchange["response"], ask(proxy.ports[0], tls, exchange), exchange)
            except (OSError, http.client.HTTPException) as error:
                differences, decoded = [f"no answer ({type(error).__name__})"], False
            outcomes.append((label, differences, decoded))
    return outcomes


def ask(port, tls, exchange):
    origin = urllib.parse.urlsplit(exchange["origin"])
    body = base64.b64decode(exchange["body"])
    if exchange["secure"]:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=ANSWER_SECONDS, context=tls)
        connection.set_tunnel(origin.hostname, origin.port)
        target = exchange["target"]
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        target = exchange["origin"] + exchange["target"]
    try:
        connection.putrequest(exchange["method"], target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", origin.netloc)
        for name, value in exchange["fields"]:
            if name.lower() not in HOP:
                connection.putheader(name, value.encode("latin-1"))
        if body or exchange["method"] in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()
    finally:
        connection.close()


def compare(sent, answer, exchange):
    status, fields, content = answer
    expected, got = lines(sent["fields"]), lines(fields)
    wanted = base64.b64decode(sent["body"])
    differences = []
    if status != sent["status"]:
        differences.append(f"status {status}, not {sent['status']}")
    coding = expected.get("content-encoding", [None])[0]
    decoded = coding is not None and "content-encoding" not in got and exchange["method"] != "HEAD"
    if decoded:
        del expected["content-encoding"]
        content_is_right = content == decode(coding, wanted)
    else:
        content_is_right = content == wanted
    for name in sorted(expected.keys() | got.keys()):
        if expected.get(name) != got.get(name):
            differences.append(f"{name} is {got.get(name)}, not {expected.get(name)}")
    if not content_is_right:
        differences.append(f"content of {len(content)} bytes {content[:24]!r}, not of {len(wanted)} bytes {wanted[:24]!r}")
    return differences, decoded


def lines(fields):
    """The values of each field, in order."""
    by_name = collections.defaultdict(list)
    for name, value in fields:
        if name.lower() not in HOP:
            by_name[name.lower()].append(value)
    return dict(by_name)


def decode(coding, content):
    if coding == "br":
        script = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(0)))"
        return subprocess.run(["node", "-e", script], input=content, capture_output=True, check=True).stdout
    return CODED[coding](content)
