#!/usr/bin/env python3
"""Counts the instructions of what every replayed answer needs, and compares them with budgets.

    python3 tests/benches/instructions.py             # fails where something takes 5 % more than its budget
    python3 tests/benches/instructions.py --renew     # makes what is counted the budget

It needs valgrind. All is built as for tests, so that there is little to be done behind these. Parsing, keys and refreshing are
optimised nevertheless; of the replayed answer and the addon, only the components are: the host's own part of them is not.

Runs on machines of one kind differ by less than a thousandth, as hashing has other seeds each time. Another compiler gives other
counts, which is a reason to renew the budgets.
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUDGETS = pathlib.Path(__file__).with_name("instructions.json")
REPLAY = [ROOT / "examples/shop.mitm", "shop.example/logo.png"]
ADDON = ["--addon", ROOT / "target/components/wasm32-wasip2/guest/header.wasm"]
# What is counted natively, and what it consists of.
OPTIMISED = ["coding", "json-pointer", "matcher", "oneline", "proxyhost-sdk", "recording", "redaction", "refresher", "regular-file"]
# What may be above a budget, and what is said when it is below.
TOLERANCE = 0.05
# Of `decision`.
ROUNDS = 100
# Functions of this name are what is counted, see the benches.
COUNTED = "*::counted*"

# `work` is how much of it one run does.
Figure = collections.namedtuple("Figure", "name program arguments work")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help="write the budgets instead of comparing with them")
    parser.add_argument("--decision", type=pathlib.Path, help="the example, built already; header.wasm then is too")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("error: this needs valgrind; install it with your package manager")
    programs = build_benches() | {"decision": options.decision or build_decision()}
    with tempfile.TemporaryDirectory() as folder:
        compile_components(programs["decision"], folder)
        counts = {figure.name: count(figure, programs[figure.program], folder) for figure in figures(folder)}
    if options.renew:
        BUDGETS.write_text(json.dumps(counts, indent=4) + "\n")
        print(f"{len(counts)} budgets are renewed in `{BUDGETS.relative_to(ROOT)}`")
        return
    faults = compare(counts, json.loads(BUDGETS.read_text()))
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


def figures(folder):
    def bench(name, program, of="", work=1):
        return Figure(name, program, ["--test", of], work)

    def decision(name, what):
        return Figure(name, "decision", ["--no-clock", "--cache", folder, "--rounds", ROUNDS, *what], ROUNDS)

    return [
        # As many as its recording has.
        bench("parse of a flow", "parse", work=16),
        bench("key of a query", "key", of="query"),
        bench("key of a JSON body", "key", of="json"),
        bench("refresh of a response", "refresh"),
        decision("replay decision", REPLAY),
        decision("header addon", ADDON),
    ]


def compile_components(decision, folder):
    """Fills the cache. Under valgrind, as it shows programs another processor, but without counting, which takes longer."""
    for what in (REPLAY, ADDON):
        valgrind(["--tool=none", decision, "--no-clock", "--cache", folder, "--rounds", "1", *what])


def build_benches():
    """The programs by their names."""
    optimised = [part for crate in OPTIMISED for part in ("--config", f"profile.dev.package.{crate}.opt-level=2")]
    said = cargo("build", "--workspace", "--message-format", "json-render-diagnostics", *optimised,
                 "--bench", "parse", "--bench", "key", "--bench", "refresh")
    artifacts = [json.loads(line) for line in said.splitlines()]
    return {artifact["target"]["name"]: artifact["executable"] for artifact in artifacts if artifact.get("executable")}


def build_decision():
    cargo("build", "--quiet", "--workspace", "--example", "decision")
    cargo("build", "--quiet", "--package", "header", "--profile", "guest", "--target", "wasm32-wasip2",
          "--target-dir", "target/components")
    return ROOT / "target/debug/examples/decision"


def cargo(command, *arguments):
    done = subprocess.run(["cargo", command, "--locked", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: `cargo {command}` failed, so that nothing can be counted")
    return done.stdout


def count(figure, program, folder):
    """Instructions for each piece of work."""
    said = valgrind(["--tool=callgrind", f"--toggle-collect={COUNTED}", f"--callgrind-out-file={folder}/callgrind", program,
                     *figure.arguments])
    collected = int(re.search(r"Collected : (\d+)", said)[1])
    if collected == 0:
        sys.exit(f"error: `{program}` has no function that is called `{COUNTED}`")
    each = round(collected / figure.work)
    print(f"{figure.name}: {each:,} instructions", flush=True)
    return each


def valgrind(arguments):
    done = subprocess.run(["valgrind", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: `valgrind {' '.join(map(str, arguments))}` failed: {done.stderr.strip()}")
    return done.stderr


def compare(counts, budgets):
    """What is wrong, a sentence each."""
    faults = [f"`{name}` has no budget: {renewal()}" for name in counts if name not in budgets]
    for name, budget in budgets.items():
        counted = counts.get(name)
        if counted is None:
            faults.append(f"`{name}` has a budget, but is not counted: {renewal()}")
        elif counted > budget * (1 + TOLERANCE):
            faults.append(f"`{name}` takes {counted:,} instructions, {counted / budget - 1:.1%} more than its budget of "
                          f"{budget:,}, and {TOLERANCE:.0%} are allowed: make it cheaper, or, if it is worth it, {renewal()}")
        elif counted < budget * (1 - TOLERANCE):
            print(f"`{name}` takes {1 - counted / budget:.1%} less than its budget of {budget:,}: to keep it so, {renewal()}")
    return faults


def renewal():
    return (f"run `python3 {pathlib.Path(__file__).relative_to(ROOT)} --renew` and commit "
            f"`{BUDGETS.relative_to(ROOT)}`")


if __name__ == "__main__":
    main()
