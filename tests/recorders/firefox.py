"""Records by Firefox: its network monitor says what it would export. Marionette, which is part of Firefox, leads it there."""

import itertools
import json
import pathlib
import socket
import subprocess
import time

START_SECONDS = 60

PREFERENCES = {
    "devtools.netmonitor.har.forceExport": True,
    "devtools.netmonitor.har.includeResponseBodies": True,
    "devtools.netmonitor.persistlog": True,
    "devtools.netmonitor.responseBodyLimit": 0,
    "devtools.netmonitor.requestBodyLimit": 0,
    "marionette.port": 0,
}

OPEN = """
const { require } = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
const { gDevTools } = require("devtools/client/framework/devtools");
const done = arguments[arguments.length - 1];
gDevTools.showToolboxForTab(gBrowser.selectedTab, { toolId: "netmonitor" }).then((toolbox) => {
  window.recorded = () => toolbox.getHARFromNetMonitor();
  done(null);
}, (error) => done(String(error)));
"""
EXPORT = "window.recorded().then((log) => arguments[0](JSON.stringify(log)), (error) => arguments[0](String(error)));"
LOADED = """
const done = arguments[0];
const look = setInterval(() => document.title === "done" && (clearInterval(look), done(null)), 50);
"""


def record(firefox, folder, origins, seconds):
    """Has it load `origins` with its tools open, and gives the HAR file that they export."""
    profile, recording = folder / "profile", folder / "recording.har"
    profile.mkdir()
    (profile / "user.js").write_text("".join(
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()))
    browser = subprocess.Popen(
        [firefox, "--headless", "--no-remote", "--profile", profile, "--marionette", "--remote-allow-system-access"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        marionette = Marionette(profile / "MarionetteActivePort", seconds)
        marionette.call("WebDriver:NewSession", acceptInsecureCerts=True)
        marionette.call("WebDriver:SetTimeouts", script=seconds * 1000)
        marionette.run("chrome", OPEN)
        for origin in origins:
            marionette.call("WebDriver:Navigate", url=f"{origin}/")
            marionette.run("content", LOADED)
        exported = json.loads(marionette.run("chrome", EXPORT))
        recording.write_text(json.dumps({"log": exported.get("log", exported)}))
        return pathlib.Path(recording)
    finally:
        browser.terminate()
        browser.wait(10)


class Marionette:
    """A connection to the browser: commands and answers are JSON behind its length and a colon."""

    def __init__(self, port_file, seconds):
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists() or not port_file.read_text():
            if time.monotonic() > deadline:
                raise TimeoutError("Firefox did not start")
            time.sleep(0.1)
        self.socket = socket.create_connection(("127.0.0.1", int(port_file.read_text())), timeout=seconds)
        self.reader = self.socket.makefile("rb")
        self.numbers = itertools.count(1)
        self.read()

    def call(self, command, **parameters):
        message = json.dumps([0, next(self.numbers), command, parameters]).encode()
        self.socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self.read()
        if error:
            raise OSError(f"Firefox refused `{command}`: {error.get('message')}")
        return result

    def run(self, context, script):
        self.call("Marionette:SetContext", value=context)
        found = self.call("WebDriver:ExecuteAsyncScript", script=script, args=[], newSandbox=False)["value"]
        self.call("Marionette:SetContext", value="content")
        return found

    def read(self):
        length = b""
        while (byte := self.reader.read(1)) != b":":
            if not byte:
                raise OSError("Firefox closed its connection")
            length += byte
        return json.loads(self.reader.read(int(length)))
