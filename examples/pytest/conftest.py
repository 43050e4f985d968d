"""A proxy for the whole run, and a session of it for each test.

Set PROXYHOST to the program if it is not on PATH. Nothing but pytest and Python's library is needed.
"""

import json
import os
import pathlib
import re
import ssl
import subprocess
import time
import urllib.request

import pytest

PROGRAM = os.environ.get("PROXYHOST", "proxyhost")
RECORDING = pathlib.Path(__file__).parent.parent / "shop.mitm"


class Proxy:
    """A running proxy."""

    def __init__(self, folder):
        self.folder = folder
        ready = folder / "ready.json"
        self.process = subprocess.Popen(
            [PROGRAM, "-q", "--listen", "0", "--control", "0", "--ready-file", ready, "--ca-dir", folder / "ca",
             "-S", RECORDING, "--server-replay-extra", "404", "--fail-on", "miss", "--report", folder / "report.xml"],
            cwd=folder)
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, "proxyhost did not start"
            time.sleep(0.01)
        where = json.loads(ready.read_text())
        self.address, self.control = where["listeners"][0]["address"], where["control"]

    def ctl(self, *arguments):
        """What `proxyhost ctl` says."""
        command = [PROGRAM, "ctl", "--control", self.control, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def stop(self):
        """Its exit code: 3 if a request was missed that no test was asked about."""
        self.process.terminate()
        return self.process.wait(timeout=60)


class Session:
    """A client that gets the recorded answers from the first one on, whatever other sessions have got."""

    def __init__(self, proxy, name):
        self.proxy, self.name = proxy, name
        # Python sends no user without a password; which one does not matter.
        url = f"http://{name}:-@{proxy.address}"
        trust = ssl.create_default_context(cafile=proxy.folder / "ca" / "proxyhost-ca-cert.pem")
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"http": url, "https": url}), urllib.request.HTTPSHandler(context=trust))

    def get(self, url):
        """The answer as JSON."""
        with self.opener.open(url, timeout=60) as response:
            return json.load(response)

    def report(self):
        """What came of its requests: hits of the recorded exchanges, misses with the nearest recorded requests."""
        return json.loads(self.proxy.ctl("report", "--session", self.name, "--format", "json"))

    def reset(self):
        """Forgets what was used, missed and counted."""
        self.proxy.ctl("reset", "--session", self.name)


@pytest.fixture(scope="session")
def proxy(tmp_path_factory):
    proxy = Proxy(tmp_path_factory.mktemp("proxyhost"))
    yield proxy
    assert proxy.stop() == 0, (proxy.folder / "report.xml").read_text()


@pytest.fixture
def session(proxy, request):
    name = re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name)[:64]
    session = Session(proxy, name)
    yield session
    report = session.report()
    if report["flows"]:
        session.reset()
    assert report["missed"] == 0, "\n".join(f"{miss['request']}: {miss['reason']}" for miss in report["misses"])
