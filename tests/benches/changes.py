#!/usr/bin/env python3
"""Changes options, an addon and a recording of a proxy that serves many clients, and checks that nothing is lost.

200 clients at once take recorded answers, each of which may be given once, while 100 options are changed and 50 times each an
addon and a recording are replaced. Not one request may fail, no answer may come twice, nothing may be sent to any server,
and memory has to stay where it is.

    cargo build --release
    python3 tests/benches/changes.py
"""

import argparse
import asyncio
import collections
import pathlib
import re
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADDON = ROOT / "target/components/wasm32-wasip2/guest/serverreplay.wasm"
# Of each four changes, two are of options, one is of the addon and one of the recording.
CHANGES = 200
# What the last quarter may have beyond the second one.
GROWTH, MEBIBYTES = 1.15, 24


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--during-each", type=int, default=200, help="requests while a change is made")
    parser.add_argument("--proxyhost", type=pathlib.Path, default=ROOT / "target/release/proxyhost")
    options = parser.parse_args()
    for needed in (options.proxyhost, ADDON):
        if not needed.exists():
            sys.exit(f"error: `{needed}` is missing: build it as said in --help")
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(asyncio.run(run(options, pathlib.Path(folder))))


async def run(options, folder):
    connections = 0

    def connected(_, writer):
        nonlocal connections
        connections += 1
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    recording, addon = folder / "queue.mitm", folder / "serverreplay.wasm"
    recorded = CHANGES * options.during_each
    recording.write_bytes(b"".join(flow(host, number) for number in range(recorded)))
    addon.write_bytes(ADDON.read_bytes())
    proxy = await Proxy.start(options.proxyhost, folder, addon, recording)
    turns, given = asyncio.Queue(), collections.Counter()
    failed = []
    clients = [asyncio.create_task(client(proxy.port, host, turns, given, failed)) for _ in range(options.clients)]
    samples, began = [], time.monotonic()
    for number in range(CHANGES):
        for _ in range(options.during_each):
            turns.put_nowait(None)
        kind = number % 4
        if kind < 2:
            said = await proxy.ctl("options", "set", f"server_replay_refresh={'false' if kind == 0 else 'true'}")
        elif kind == 2:
            # A custom section: other bytes, the same code.
            replace(addon, ADDON.read_bytes() + b"\0\6\4mark" + bytes([number % 8]))
            said = await proxy.ctl("reload")
        else:
            replace(recording, recording.read_bytes() + flow(host, recorded))
            recorded += 1
            said = await proxy.ctl("reload")
        if "nothing has changed" in said:
            failed.append(f"change {number} was none")
        await turns.join()
        samples.append(proxy.resident())
        if number % 20 == 19:
            print(f"{number + 1} changes, {time.monotonic() - began:.0f} s, {samples[-1]} MiB", flush=True)
    took = time.monotonic() - began
    for task in clients:
        task.cancel()
    left = int(await proxy.ctl("run", "replay.server.count"))
    await proxy.stop()
    return verdict(given, failed, connections, samples, took, recorded - left)


async def client(port, host, turns, given, failed):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET http://{host}/queue HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    while True:
        await turns.get()
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1]))
            if head.startswith(b"HTTP/1.1 200 "):
                given[body] += 1
            else:
                failed.append(body.decode())
        except (OSError, asyncio.IncompleteReadError, TypeError) as error:
            failed.append(f"{type(error).__name__}: {error}")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        finally:
            turns.task_done()


def verdict(given, failed, connections, samples, took, used):
    requests = sum(given.values())
    twice = sum(count - 1 for count in given.values())
    quarter = len(samples) // 4
    before, after = max(samples[quarter:2 * quarter]), max(samples[-quarter:])
    print(f"{requests} answers in {took:.0f} s during {CHANGES} changes: {len(failed)} requests failed, {twice} answers came "
          f"twice, {connections} connections to the server, {used} exchanges are counted as served")
    print(f"memory: {before} MiB at most in the second quarter, {after} MiB in the last one")
    for message in failed[:5]:
        print(f"  {message}")
    is_flat = after <= before * GROWTH + MEBIBYTES
    return 0 if not failed and not twice and not connections and used == requests and is_flat else 1


def replace(path, content):
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.rename(path)


class Proxy:
    """The running binary."""

    @classmethod
    async def start(cls, program, folder, addon, recording):
        proxy = cls()
        proxy.program, proxy.environment = program, {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        folder.chmod(0o700)
        proxy.process = await asyncio.create_subprocess_exec(
            program, "-q", "--listen", "127.0.0.1:0", "--control", "0", "--no-default-addons", "--addon", addon, "-k", "-S",
            recording, env=proxy.environment, stderr=asyncio.subprocess.PIPE)
        said = b""
        while not (found := re.search(rb"listening on http://127.0.0.1:(\d+)", said)):
            line = await proxy.process.stderr.readline()
            if not line:
                sys.exit(f"error: it did not start: {said.decode()}")
            said += line
        proxy.port = int(found[1])
        # Nobody reads the rest of what it says, for which it does not wait.
        await proxy.ctl("wait")
        return proxy

    async def ctl(self, *arguments):
        ran = await asyncio.create_subprocess_exec(self.program, "ctl", *arguments, env=self.environment,
                                                   stdout=asyncio.subprocess.PIPE)
        said, _ = await ran.communicate()
        if ran.returncode != 0:
            sys.exit(f"error: `ctl {' '.join(arguments)}` failed")
        return said.decode()

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024

    async def stop(self):
        self.process.terminate()
        await self.process.wait()


def flow(host, number):
    """A recorded exchange as a flow file of mitmproxy has it."""
    name, port = host.split(":")
    at = value("^", f"{1_700_000_000 + number}.0")
    headers = value("]", value("]", value(",", "Host") + value(",", host)))
    nothing, version = value("~", ""), value(",", "HTTP/1.1")
    request = table(path=value(",", "/queue"), authority=value(",", ""), scheme=value(",", "http"), method=value(",", "GET"),
                    port=value("#", port), host=value(";", name), timestamp_start=at, trailers=nothing,
                    content=value(",", ""), headers=headers, http_version=version)
    response = table(reason=value(",", "OK"), status_code=value("#", "200"), timestamp_start=at, trailers=nothing,
                     content=value(",", f"answer {number}"), headers=value("]", ""), http_version=version)
    return table(websocket=nothing, response=response, request=request, metadata=table(), error=nothing,
                 id=value(";", "1"), type=value(";", "http"), version=value("#", "21"))


def value(kind, payload):
    payload = payload if isinstance(payload, bytes) else payload.encode()
    return b"%d:%s%s" % (len(payload), payload, kind.encode())


def table(**entries):
    return value("}", b"".join(value(";", name) + entry for name, entry in entries.items()))


if __name__ == "__main__":
    main()
