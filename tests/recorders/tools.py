"""The tools that record, each with what it takes to have it visit a server."""

import json
import os
import shutil
import subprocess
import time
import urllib.request

import firefox
from origin import Origin
from replay import Proxy

RECORD_SECONDS = 120


class Unavailable(Exception):
    """What a tool needs is not on this machine."""


class Tool:
    """One that a script of Node stands for, which gets `arguments`, the path of the recording and the origins."""

    package = None
    origins = ("plain", "tls")

    def __init__(self, script, package, *arguments, recording="recording.har", needs=()):
        self.script, self.package, self.arguments, self.recording, self.needs = script, package, arguments, recording, needs

    def record(self, origin, folder, _binary):
        """Records in `folder`, and gives what proxyhost is to replay."""
        recording = folder / "recorded" / self.recording
        recording.parent.mkdir()
        found = [first_of(*names) for names in self.needs]
        bases = [getattr(origin, name) for name in self.origins]
        run(["node", self.script, *found, recording, *self.arguments, *bases], cwd=Origin.scripts)
        return self.replayed(recording)

    def replayed(self, recording):
        return recording

    def version(self, scripts):
        return json.loads((scripts / "node_modules" / self.package / "package.json").read_text())["version"]

    def flags(self, _origin):
        return []


class Polly(Tool):
    def replayed(self, recording):
        return next(recording.glob("*/recording.har"))


class WireMock(Tool):
    """Stands in the server's place, and records what passes. Its stubs do not say where the server is."""

    origins = ("plain",)

    def __init__(self):
        self.package = "wiremock"

    def record(self, origin, folder, _binary):
        root = folder / "recorded"
        root.mkdir()
        jar = next((Origin.scripts / "node_modules" / "wiremock" / "build").glob("*.jar"))
        command = [first_of("java"), "-jar", jar, "--port", "0", "--root-dir", root, "--disable-banner"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            base = f"http://127.0.0.1:{port_said(server.stdout)}"
            post(f"{base}/__admin/recordings/start", {"targetBaseUrl": origin.plain})
            run(["node", "client.mjs", base], cwd=Origin.scripts)
            post(f"{base}/__admin/recordings/stop", {})
        finally:
            server.terminate()
            server.wait()
        return root

    def flags(self, _origin):
        return ["--set", "server_replay_ignore_origin=true"]


class Firefox(Tool):
    def __init__(self):
        pass

    def record(self, origin, folder, _binary):
        bases = [getattr(origin, name) for name in self.origins]
        return firefox.record(first_of("firefox-esr", "firefox"), folder, bases, RECORD_SECONDS)

    def version(self, _scripts):
        return said([first_of("firefox-esr", "firefox"), "--version"]).split()[-1]


class Own(Tool):
    """proxyhost itself, as a proxy of the client."""

    def __init__(self, recording):
        self.recording = recording

    def record(self, origin, folder, binary):
        self.binary = binary
        recording = folder / self.recording
        with Proxy(binary, ["-w", recording, "--upstream-ca", origin.certificate], folder) as proxy:
            visit(origin, proxy.ports[0])
        return recording

    def version(self, _scripts):
        return said([self.binary, "--version"]).split()[-1]


class Mitmproxy(Tool):
    """mitmdump, as a proxy of the client, writing by `option`."""

    def __init__(self, recording, option):
        self.recording, self.option = recording, option

    def record(self, origin, folder, _binary):
        recording = folder / self.recording
        command = [mitmdump(), "--set", f"confdir={folder / 'confdir'}", "--ssl-insecure", "-p", "0", *self.option(recording)]
        proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
        try:
            visit(origin, port_said(proxy.stdout))
        finally:
            proxy.terminate()
            proxy.communicate()
        return recording

    def version(self, _scripts):
        return said([mitmdump(), "--version"]).split()[1]


def visit(origin, proxy_port):
    for base in (origin.plain, origin.tls):
        run(["node", "client.mjs", base, str(proxy_port)], cwd=Origin.scripts)


def run(command, **more):
    subprocess.run(command, check=True, timeout=RECORD_SECONDS, stdout=subprocess.DEVNULL, **more)


def said(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def first_of(*names):
    for name in names:
        if path := shutil.which(name):
            return path
    raise Unavailable(f"there is no {names[0]}")


def mitmdump():
    return os.environ.get("PROXYHOST_MITMDUMP") or first_of("mitmdump")


def port_said(output):
    """The first port that a server says it listens on."""
    for line in output:
        words = line.replace("*:", "port: ").replace("127.0.0.1:", "port: ").split()
        for word, number in zip(words, words[1:]):
            if word == "port:" and number.strip(".").isdigit():
                return int(number.strip("."))
    raise OSError("the tool ended before it said where it listens")


def post(url, value):
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=RECORD_SECONDS).read()


def playwright(mode, content, recording):
    return Tool("playwright.mjs", "playwright-core", mode, content, recording=recording, needs=CHROMIUM)


CHROMIUM = [("chromium", "chromium-browser", "google-chrome")]

TOOLS = {
    "Playwright, full, embed": playwright("full", "embed", "visit.har"),
    "Playwright, full, attach, zip": playwright("full", "attach", "visit.zip"),
    "Playwright, minimal, embed": playwright("minimal", "embed", "visit.har"),
    "Playwright, minimal, attach, zip": playwright("minimal", "attach", "visit.zip"),
    "Playwright, minimal, attach, files": playwright("minimal", "attach", "visit.har"),
    "Polly.JS": Polly("polly.mjs", "@pollyjs/core", recording="recordings"),
    "WireMock": WireMock(),
    "chrome-har": Tool("chrome_har.mjs", "chrome-har", needs=CHROMIUM),
    "chrome-har-capturer": Tool("chrome_har_capturer.mjs", "chrome-har-capturer", needs=CHROMIUM),
    "HTTP Toolkit's shape": Tool("http_toolkit.mjs", "mockttp"),
    "Firefox": Firefox(),
    "mitmproxy, flow file": Mitmproxy("visit.mitm", lambda file: ["-w", file]),
    "mitmproxy, HAR": Mitmproxy("visit.har", lambda file: ["--set", f"hardump={file}"]),
    "mitmproxy, packed HAR": Mitmproxy("visit.zhar", lambda file: ["--set", f"hardump={file}"]),
    "proxyhost, flow file": Own("visit.mitm"),
    "proxyhost, HAR": Own("visit.har"),
}
