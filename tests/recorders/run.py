#!/usr/bin/env python3
"""Records real traffic with other people's tools, replays each recording with the server gone, and compares.

    python3 tests/recorders/run.py [--binary PATH] [--only PATTERN] [--tools FOLDER] [--keep FOLDER] [-v]

The server logs what it got and what it sent. Each of those requests is sent again, by way of proxyhost with the miss policy
`kill`, and the answer has to be the server's: status, fields and content, byte by byte. The table says for each tool how many
exchanges are the same, how many are the same but decoded (a browser's HAR has contents as they are after decoding), and how
many differ for a reason that is known, in `known.py`. Any other difference makes the exit code 1.

Needs Node 20, npm and openssl; Java 11 for WireMock, and Chromium and Firefox for what records in them. What is not there is
named and left out. npm and pip take the tools from their registries.
"""

import argparse
import fnmatch
import functools
import pathlib
import shutil
import subprocess
import sys
import tempfile

import calls
import known
from origin import Origin
from replay import Failed, replay
from tools import TOOLS, Unavailable

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=built())
    parser.add_argument("--only", default="*", help="tools whose names match this")
    parser.add_argument("--tools", type=pathlib.Path, help="where the tools are, or will be, installed")
    parser.add_argument("--keep", type=pathlib.Path, help="where recordings are kept")
    parser.add_argument("-v", "--verbose", action="store_true", help="say known differences too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        install(options.tools or folder / "tools")
        sys.exit(run(options, folder))


def built():
    for profile in ("release", "debug"):
        binary = REPOSITORY / "target" / profile / "proxyhost"
        if binary.exists():
            return binary
    return None


def install(folder):
    """Node finds packages beside the script that asks for them, so the scripts are copied to where the packages are."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*HERE.glob("*.mjs"), HERE / "package.json"):
        shutil.copy(file, folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    Origin.scripts = folder


def run(options, folder):
    if not options.binary:
        sys.exit("error: there is no built proxyhost; build it, or name it by `--binary`")
    rows, faults = [], []
    for name, run_one in {**recorders(options, folder), **grpc_calls(options, folder)}.items():
        if not fnmatch.fnmatch(name, options.only):
            continue
        try:
            row, unexpected = run_one(name)
        except Unavailable as reason:
            row, unexpected = (name, "", "", "", "", "", f"left out: {reason}"), []
        except (Failed, OSError, subprocess.SubprocessError) as reason:
            row, unexpected = (name, "", "", "", "", "", "failed"), [f"{name}: {reason}"]
        rows.append(row)
        faults += unexpected
        print(name, file=sys.stderr, flush=True)
    print("| tool | version | exchanges | same | same, decoded | known | differing |\n|---|---|---|---|---|---|---|")
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")
    print(*(f"\nerror: {fault}" for fault in faults), sep="")
    return 1 if faults else 0


def recorders(options, folder):
    def run_one(name, tool):
        place = (options.keep or folder) / name.replace(" ", "-").replace(",", "")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return one(name, tool, options, place)

    return {name: functools.partial(run_one, tool=tool) for name, tool in TOOLS.items()}


def grpc_calls(options, folder):
    def run_one(name):
        return calls.row(name, options.binary, calls.install(options.tools or folder / "tools"), folder)

    return dict.fromkeys(calls.WAYS, run_one)


def one(name, tool, options, place):
    with Origin(place) as origin:
        recording = tool.record(origin, place, options.binary)
        exchanges = origin.stop()
    outcomes = replay(options.binary, recording, exchanges, tool.flags(origin), place)
    same = decoded = excused = 0
    unexpected = []
    for label, differences, was_decoded in outcomes:
        reason = known.reason(name, label)
        if not differences:
            same, decoded = same + (not was_decoded), decoded + was_decoded
        elif reason:
            excused += 1
            if options.verbose:
                print(f"{name}: {label}: {'; '.join(differences)} ({reason})", file=sys.stderr)
        else:
            unexpected.append(f"{name}: {label}: {'; '.join(differences)}")
    row = (name, tool.version(Origin.scripts), len(outcomes), same, decoded, excused, len(unexpected))
    return row, unexpected


if __name__ == "__main__":
    main()
