"""A transparent proxy in a network of its own.

    unshare --user --map-root-user --net python3 namespace.py PROXYHOST FOLDER

There are servers at addresses of the loopback interface, clients at another one, and rules of nftables between them, which
lead to the proxy. FOLDER has `server.pem` and `server.key` for `shop.example`, and `shop.mitm`. Prints a JSON object: what
clients got, what servers saw, or why it cannot be tried here ("skipped").
"""

import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

SERVER, CLIENT = {4: "203.0.113.10", 6: "2001:db8::10"}, {4: "198.51.100.1", 6: "2001:db8:1::1"}
PROXY = 8080
OPAQUE = 8025
PORTS = (80, 443, OPAQUE)


def main(binary, folder):
    folder = pathlib.Path(folder)
    try:
        network()
        rules = Nftables()
        rules.redirect(4)
        rules.redirect(6)
    except (OSError, subprocess.CalledProcessError) as error:
        print(json.dumps({"skipped": str(error)}))
        return
    servers = Servers(folder)
    trusting = ("--upstream-ca", folder / "server.pem")
    seen = {}
    with Proxy(binary, folder, f"transparent@[::]:{PROXY}", *trusting) as proxy:
        seen["redirect"] = {
            "plain": get(4, "/v4"),
            "plain v6": get(6, "/v6"),
            "tls": get_tls(proxy, "/tls"),
            "opaque": opaque(b"\0\1\2\3"),
            "direct": exchange(4, (SERVER[4], PROXY), request("/")),
        }
        # Only a line of the log tells why.
        while "redirects it" not in proxy.log():
            time.sleep(0.01)
    seen["redirect servers"] = servers.take()
    rules.clear()
    rules.tproxy()
    with Proxy(binary, folder, f"transparent@0.0.0.0:{PROXY}", *trusting) as proxy:
        seen["tproxy"] = {"plain": get(4, "/v4"), "tls": get_tls(proxy, "/tls")}
    seen["tproxy servers"] = servers.take()
    with Proxy(binary, folder, f"transparent@0.0.0.0:{PROXY}", "-k", "-S", folder / "shop.mitm") as proxy:
        seen["replay"] = {
            "plain": get(4, "/plain"),
            "used": get(4, "/plain"),
            "tls": get_tls(proxy, "/tls"),
            "tls missed": get_tls(proxy, "/never"),
            "opaque": opaque(b"\0\1\2\3"),
        }
    seen["replay servers"] = servers.take()
    print(json.dumps(seen))


def network():
    commands = ["link set lo up"]
    for address in (SERVER[4], CLIENT[4]):
        commands.append(f"addr add {address}/32 dev lo")
    for address in (SERVER[6], CLIENT[6]):
        commands.append(f"addr add {address}/128 dev lo nodad")
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True, capture_output=True)


class Servers:
    """What clients want to reach. They take note of each connection, and of what is asked for on it."""

    def __init__(self, folder):
        self.seen = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        for family, port, tls in ((4, 80, None), (6, 80, None), (4, 443, context), (4, OPAQUE, None)):
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            listener = socket.create_server((SERVER[family], port), family=kind)
            threading.Thread(target=self.accept, args=(listener, tls), daemon=True).start()

    def accept(self, listener, tls):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.serve, args=(connection, tls), daemon=True).start()

    def serve(self, connection, tls):
        seen = ["connection"]
        self.seen.append(seen)
        try:
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                data = connection.recv(65536)
                if data.startswith(b"GET "):
                    lines = data.decode().split("\r\n")
                    host = next(line for line in lines if line.lower().startswith("host:"))
                    seen[0] = f"{lines[0]} {host.split(':', 1)[1].strip()}"
                    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
                connection.sendall(data)
        except OSError as error:
            seen[0] = str(error)

    def take(self):
        seen, self.seen = self.seen, []
        return [what for [what] in seen]


class Proxy:
    def __init__(self, binary, folder, mode, *args):
        self.said, self.authority, self.ready = folder / "log", folder / "ca", folder / "ready.json"
        files = ["--ca-dir", self.authority, "--ready-file", self.ready]
        command = [binary, "--mode", mode, "--allow-open", "--no-via", *files, *args]
        self.process = subprocess.Popen(command, cwd=folder, stderr=open(self.said, "wb"))

    def __enter__(self):
        while not self.ready.exists():
            if self.process.poll() is not None:
                sys.exit(self.log())
            time.sleep(0.01)
        return self

    def log(self):
        return self.said.read_text()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def exchange(family, server, data, tls=None):
    """What comes back from a server when a client sends this: all of it, as a text."""
    with socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6) as connection:
        connection.settimeout(30)
        connection.bind((CLIENT[family], 0))
        connection.connect(server)
        if tls:
            connection = tls.wrap_socket(connection, server_hostname="shop.example")
        received = b""
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                received += piece
        except (ConnectionResetError, ssl.SSLEOFError):
            return "closed"
        return received.decode("latin-1") or "closed"


def body(answer):
    return answer.partition("\r\n\r\n")[2] if answer.startswith("HTTP/1.1 200") else answer


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n".encode()


def get(family, path):
    return body(exchange(family, (SERVER[family], 80), request(path)))


def get_tls(proxy, path):
    context = ssl.create_default_context(cafile=proxy.authority / "proxyhost-ca-cert.pem")
    return body(exchange(4, (SERVER[4], 443), request(path), context))


def opaque(data):
    return exchange(4, (SERVER[4], OPAQUE), data)


class Nftables:
    """The few messages of nftables that are needed, as there may be no program for them."""

    NEW_TABLE, DELETE_TABLE, NEW_CHAIN, NEW_RULE = 0, 2, 3, 6
    FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
    PREROUTING, OUTPUT = 0, 3

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0))
        self.tables = []

    def redirect(self, family):
        self.chain(family, "nat", self.OUTPUT, -100, self.expression("redir", self.number(1, 2)))

    def tproxy(self):
        target = self.expression("tproxy", self.number(1, socket.AF_INET) + self.number(3, 2))
        self.chain(4, "filter", self.PREROUTING, -150, target)

    def clear(self):
        self.send([(self.DELETE_TABLE, family, self.text(1, "led")) for family in self.tables])
        self.tables.clear()

    def chain(self, family, kind, hook, priority, target):
        """A chain in which what comes from the clients' address to the servers' ports meets its target, with the proxy's
        port in the second register."""
        place = self.nested(4, self.number(1, hook) + self.attribute(2, struct.pack(">i", priority)))
        messages = [
            (self.NEW_TABLE, family, self.text(1, "led")),
            (self.NEW_CHAIN, family, self.text(1, "led") + self.text(3, "clients") + place + self.text(7, kind)),
        ]
        offset, length = {4: (12, 4), 6: (8, 16)}[family]
        client = socket.inet_pton(self.FAMILY[family], CLIENT[family])
        for port in PORTS:
            expressions = [
                self.expression("meta", self.number(1, 1) + self.number(2, 16)),
                self.equal(bytes([socket.IPPROTO_TCP])),
                self.payload(1, offset, length),
                self.equal(client),
                self.payload(2, 2, 2),
                self.equal(struct.pack(">H", port)),
                self.expression("immediate", self.number(1, 2) + self.nested(2, self.value(struct.pack(">H", PROXY)))),
                target,
            ]
            expressions = self.nested(4, b"".join(self.nested(1, each) for each in expressions))
            messages.append((self.NEW_RULE, family, self.text(1, "led") + self.text(2, "clients") + expressions))
        self.send(messages)
        self.tables.append(family)

    def payload(self, base, offset, length):
        numbers = [self.number(at, value) for at, value in enumerate((1, base, offset, length), 1)]
        return self.expression("payload", b"".join(numbers))

    def equal(self, data):
        return self.expression("cmp", self.number(1, 1) + self.number(2, 0) + self.nested(3, self.value(data)))

    def expression(self, name, data):
        return self.text(1, name) + self.nested(2, data)

    def value(self, data):
        return self.attribute(1, data)

    def number(self, kind, value):
        return self.attribute(kind, struct.pack(">I", value))

    def text(self, kind, value):
        return self.attribute(kind, value.encode() + b"\0")

    def nested(self, kind, data):
        return self.attribute(kind | 0x8000, data)

    @staticmethod
    def attribute(kind, data):
        return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)

    def send(self, messages):
        """Sends messages as one batch, all of which the kernel has to agree to."""
        batch = struct.pack(">BBH", 0, 0, 10)
        acknowledged, create = 0x1 | 0x4, 0x400
        packets = [self.packet(0x10, 0x1, batch, 0)]
        for number, (kind, family, data) in enumerate(messages, 1):
            flags = acknowledged | (0 if kind == self.DELETE_TABLE else create)
            packets.append(self.packet(10 << 8 | kind, flags, struct.pack(">BBH", self.FAMILY[family], 0, 0) + data, number))
        packets.append(self.packet(0x11, 0x1, batch, 0))
        self.socket.send(b"".join(packets))
        waiting = len(messages)
        while waiting:
            received = self.socket.recv(65536)
            while received:
                length, kind = struct.unpack_from("=IH", received)
                if kind == 2:
                    error = -struct.unpack_from("=i", received, 16)[0]
                    if error:
                        raise OSError(error, f"no rule of nftables: {os.strerror(error)}")
                    waiting -= 1
                received = received[(length + 3) & ~3 :]

    @staticmethod
    def packet(kind, flags, data, number):
        return struct.pack("=IHHII", 16 + len(data), kind, flags, number, 0) + data


if __name__ == "__main__":
    main(*sys.argv[1:])
