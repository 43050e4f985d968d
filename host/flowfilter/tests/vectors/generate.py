"""Makes filter.json: what mitmproxy says of each flow to each expression.

Run with the Python of mitmproxy 12.2.3, from this folder: python generate.py ../../../../tests/recordings > filter.json
"""

import base64
import copy
import json
import pathlib
import random
import sys

from mitmproxy import flowfilter, http
from mitmproxy.http import Headers
from mitmproxy.io import FlowReader
from mitmproxy.tcp import TCPFlow
from mitmproxy.udp import UDPFlow

FILES = """
simple_get methods gzip binary post_json post_forms multipart cookies errors etag304 redirects repeated http2 websocket
shop synth_tcp_udp_dns
""".split()


def load(folder):
    for name in FILES:
        with open(folder / f"{name}.mitm", "rb") as file:
            yield from FlowReader(file).stream()


def variants(flows):
    """Copies of flows with what recordings seldom have."""

    def variant(index, change):
        flow = copy.deepcopy(flows[index])
        change(flow)
        return flow

    def request(**values):
        def change(flow):
            for name, value in values.items():
                setattr(flow.request.data, name, value)

        return change

    def hosts(*values):
        return request(headers=Headers([(b"Host", value) for value in values]))

    def attributes(**values):
        def change(flow):
            for name, value in values.items():
                setattr(flow, name, value)

        return change

    def response(headers, content):
        def change(flow):
            flow.response.headers = Headers(headers)
            flow.response.raw_content = content

        return change

    yield variant(0, attributes(marked=":grapes:"))
    yield variant(0, attributes(comment="first line\nsecond line"))
    yield variant(0, attributes(metadata={"colour": "red", "number": 3}))
    yield variant(0, attributes(is_replay="request"))
    yield variant(0, attributes(is_replay="response"))
    for named in [b"Other.Example", b"other.example:80", b"other.example:8443", b"[::1]:8080", b"a b", b"a:99999", b"a:0"]:
        yield variant(0, hosts(named))
    yield variant(0, hosts(b"one.example", b"two.example"))
    yield variant(0, hosts())
    yield variant(0, hosts(b""))
    yield variant(0, request(path=b"*", method=b"OPTIONS"))
    yield variant(0, request(path=b"/\xc3\xa9?q=\xff", method=b"get"))
    yield variant(0, request(method=b"CONNECT", authority=b"tunnel.example:443", path=b""))
    yield variant(0, request(http_version=b"HTTP/2.0", authority=b"h2.example:8443", scheme=b"https"))
    yield variant(0, request(http_version=b"HTTP/2.0", authority=b"", scheme=b"https", port=443))
    yield variant(0, request(host="::1", port=8080, headers=Headers()))
    yield variant(0, request(host="m\u00fcnchen.example", headers=Headers([(b"X-Latin", b"caf\xe9")])))
    yield variant(0, response([(b"Content-Type", b"image/png"), (b"content-type", b"text/css")], b"\x89PNG\r\n\x1a\n\0\xff"))
    yield variant(0, response([(b"CONTENT-TYPE", b"Application/JSON; charset=utf-8")], b'{"a": [1, {"b": "caf\xc3\xa9"}]}\n'))
    yield variant(0, response([(b"content-encoding", b"gzip")], b"not gzip"))
    yield variant(0, response([(b"content-encoding", b"GZip")], base64.b64decode("H4sIAAAAAAAAA0u0NVQrsTUEAIBln3kHAAAA")))
    yield variant(0, response([(b"content-encoding", b"unknown")], b"a=1&t=1"))
    yield variant(0, response([], None))
    yield variant(0, response([], b""))


def latin(data):
    return data.decode("latin-1")


def packed(content):
    return None if content is None else base64.b64encode(content).decode()


def side(message):
    return {
        "fields": [[latin(name), latin(value)] for name, value in message.headers.fields],
        "content": packed(message.get_content(strict=False)),
    }


def address(pair):
    return pair and f"{pair[0]}:{pair[1]}"


def described(flow):
    """A flow as the test reads it."""
    head = {
        "protocol": flow.type,
        "failed": flow.error is not None,
        "replayed": flow.is_replay,
        "marker": flow.marked,
        "comment": flow.comment,
        "metadata": "\n".join(f"{key}: {value}" for key, value in flow.metadata.items()),
        "source": address(flow.client_conn.peername),
        "destination": address(flow.server_conn.address),
        "messages": [],
    }
    if isinstance(flow, http.HTTPFlow):
        data = flow.request.data
        head["request"] = side(flow.request) | {
            "method": latin(data.method),
            "scheme": latin(data.scheme),
            "host": data.host,
            "port": data.port,
            "authority": latin(data.authority),
            "path": latin(data.path),
            "prefers_authority": data.http_version in (b"HTTP/2.0", b"HTTP/3"),
        }
        if flow.response:
            head["response"] = side(flow.response) | {"status": flow.response.status_code}
        head["websocket"] = flow.websocket is not None
        said = flow.websocket.messages if flow.websocket else []
    elif isinstance(flow, (TCPFlow, UDPFlow)):
        said = flow.messages
    else:
        said = []
        head["question"] = flow.request.questions[0].name if flow.request.questions else None
        head["answered"] = bool(flow.response)
        head["contents"] = [said and packed(str(said).encode()) for said in (flow.request, flow.response)]
    head["messages"] = [[message.from_client, packed(message.content)] for message in said]
    return head


ALONE = "~a ~all ~e ~http ~marked ~replay ~replayq ~replays ~q ~s ~tcp ~udp ~dns ~websocket".split()

PATTERNS = {
    "~u": ["hello", "^http:", "HELLO$", "127.0.0.1:18080", "localhost", "/$", "'\\\\?a=1'", "'(a|x)=1'", "https", "[0-9]+$",
           "':\\\\d+/'", "\u00e9", "'other.example/'", "8443", "'^\\\\S+$'", "::1", "tunnel", "one.example,", "%C3%A9", "''",
           "'http://a b/'", "a:99999", "m\u00dcnchen", "dns.google|example.com", "'^[^?]*$'"],
    "~d": ["127", "^localhost$", "example", "OTHER", "^shop", "::1", "two", "'\\\\.example$'", "m\u00fcnchen", "'^$'"],
    "~m": ["GET", "get", "^P", "POST|PUT", "'^(HEAD|OPTIONS)$'", "connect", "x"],
    "~h": ["content-type", "'^host:'", "json", "'^content-length: 0\\r$'", "'gzip\\r'", "set-cookie.*session", "caf.$", "'^$'",
           "'\\\\r\\\\n\\\\Z'", "user-agent", "'^server: .+$'", "'\\\\xe9'", "\u00e9"],
    "~hq": ["^Accept", "json", "cookie", "x-latin", "'.'"],
    "~hs": ["^content", "date", "image", "location", "'.'", "''"],
    "~t": ["json", "text", "'^image'", "urlencoded|multipart", "''"],
    "~tq": ["json", "form", "'.'"],
    "~ts": ["json", "text/plain", "css", "'^text'", "charset"],
    "~b": ["hello", "HELLO", "'{\"a\"'", "'\\\\[1'", "caf\u00e9", "'caf\u00c9'", "'^.+$'", "'\\\\A\\\\x89png'", "[\\\\x80-\\\\xff]",
           "'a=1&t=1'", "'not gzip'", "t=1$", "'\\\\w{5,}'", "''", "ping|pong", "'h.*o'", "'^$'", "'\\n'", "'o\\\\n'"],
    "~bq": ["'.'", "a", "json|name", "'{'", "hello", "'^$'"],
    "~bs": ["'.'", "hello", "ok", "'}$'", "'^$'", "'\\\\0'"],
    "~src": ["127", "'^127\\\\.0\\\\.0\\\\.1:'", "'.'", "192"],
    "~dst": ["18080", "shop", "'^localhost:'", ":443$", "'.'"],
    "~meta": ["colour", "'^number: 3$'", "'^red'", "''", "'.'"],
    "~marker": ["grapes", "'^:'", "''", "x"],
    "~comment": ["'^second'", "'line$'", "'^first line\\nsecond'", "'.'", "''"],
}

EXTRA = [
    "hello", "json | hello", "!hello", "! ~q ~s", "!!~q", "~m GET | ~m POST & ~u echo", "(~m GET | ~m POST) & ~u echo",
    "~m GET | ~m POST ~u echo", "~u count & !~u t=1", "~c 200 ~h json", "~c 200|~c 404", "~c 0200", "~c 404 | ~c 500 | ~c 302",
    "~http & ~e & ~s", "~u hello(18080|localhost)", "'hello'", '"hello" ~m get', '~u "h\\ello"', "~u 'a\\'b'", "a|b",
    "hello |json|b", "~websocket ~bq hello", "~websocket & ~bs .", "~tcp ~b .", "~udp ~bq .", "~dns ~u example",
    "~dns & ~q", "~dns ~s", "~c 99999999999999999999", " ~all ", "\t~s\n", "(hello)(json)", "(hello | json) & !(~c 404)",
    "!~marked !~comment .", "~u a\xa0b", "~u '\\t'", "'(?i)HELLO'", "'(?P<name>hel)lo'", "'(?:h|H)ello'",
    "'hel{2}o'", "'l{,3}o'", "'x{,}'", "'h[a-f]l'", "'[]h]ello'", "'[[a-h]ello'", "'[+--]'", "'\\\\bjson\\\\b'", "'\\\\x68ello'",
    "'\\\\150ello'", "'\\\\u0068ello'", "'h\\\\Sllo'", "~h '(?-i:Content-Type)'", "~h '(?-i:content-type)'", "~d '[^a-z.]'",
]

REFUSED = [
    "", "  ", "~x", "~u", "~u ~q", "~c", "~c x", "~c200", "~u 'a", "~u \"a", "(a", "a)", "()", "~d [", "~d '('", "~d '*'", "!~c abc",
    "~u '\\\\q'", "~u (?i)a", "~b 'a**'", "~meta", "~u 'a\nb'",
]


def compounds(count):
    """Random expressions, the same in every run."""
    chance = random.Random(7)
    simple = ALONE + [f"{name} {pattern}" for name, patterns in PATTERNS.items() for pattern in patterns if len(pattern) > 2]
    simple += ["~c 200", "~c 404", "~c 101", "hello"]

    def make(depth):
        kind = chance.choice(["simple"] * 2 + ["not", "and", "or", "group"]) if depth else "simple"
        if kind == "simple":
            return chance.choice(simple)
        if kind == "not":
            return "! " + make(depth - 1)
        if kind == "group":
            # Without the space mitmproxy takes the bracket for a part of an operator's name.
            return "( " + make(depth - 1) + " )"
        return make(depth - 1) + (" & " if kind == "and" else " | ") + make(depth - 1)

    for _ in range(count):
        yield " ".join(make(3) for _ in range(chance.choice([1, 1, 2])))


def main(folder):
    flows = list(load(folder))
    flows += variants(flows)
    expressions = ALONE + [f"{name} {pattern}" for name, patterns in PATTERNS.items() for pattern in patterns]
    expressions += [f"~c {status}" for status in (101, 200, 201, 204, 302, 304, 404, 500)] + EXTRA + list(compounds(150))
    cases = []
    for expression in expressions:
        found = flowfilter.parse(expression)
        cases.append([expression, "".join("01"[bool(found(flow))] for flow in flows)])
    for expression in REFUSED:
        try:
            flowfilter.parse(expression)
        except ValueError:
            continue
        raise SystemExit(f"mitmproxy takes {expression!r}")
    lists = {"flows": map(described, flows), "cases": cases, "refused": REFUSED}
    print("{")
    for at, (name, items) in enumerate(lists.items()):
        lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
        print(f'"{name}": [\n{lines}\n]' + ("," if at < len(lists) - 1 else ""))
    print("}")


main(pathlib.Path(sys.argv[1]))
