"""Records by Firefox itself: its network monitor writes a HAR file of each page by itself, when it is told to."""

import json
import pathlib
import subprocess
import time

SETTLED_SECONDS = 3

PREFERENCES = {
    "devtools.netmonitor.har.enableAutoExportToFile": True,
    "devtools.netmonitor.har.forceExport": True,
    "devtools.netmonitor.har.includeResponseBodies": True,
    "devtools.netmonitor.har.pageLoadedTimeout": 4000,
    "devtools.netmonitor.responseBodyLimit": 0,
    "devtools.netmonitor.requestBodyLimit": 0,
    "devtools.toolbox.selectedTool": "netmonitor",
    "devtools.netmonitor.persistlog": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "security.enterprise_roots.enabled": False,
}


def record(firefox, folder, origin, timeout):
    """Has it load `origin` with its tools open, and gives the newest HAR file that it wrote."""
    profile, logs = folder / "profile", folder / "har"
    profile.mkdir()
    logs.mkdir()
    settings = PREFERENCES | {"devtools.netmonitor.har.defaultLogDir": str(logs)}
    (profile / "user.js").write_text("".join(
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items()))
    browser = subprocess.Popen(
        [firefox, "--headless", "--no-remote", "--profile", profile, "--devtools", f"{origin}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return newest_settled(logs, timeout)
    finally:
        browser.terminate()
        browser.wait(10)


def newest_settled(logs, timeout):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        files = sorted(logs.rglob("*.har"), key=lambda file: file.stat().st_mtime)
        if files and time.time() - files[-1].stat().st_mtime > SETTLED_SECONDS:
            return files[-1]
        time.sleep(0.2)
    raise TimeoutError(f"no HAR file appeared in `{pathlib.Path(logs)}`")
