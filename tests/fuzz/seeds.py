"""What fuzzing starts from: the examples and vectors of this repository, cut to pieces that change quickly."""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import struct
import zipfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOWS = ROOT / "tests" / "recordings"
# Larger inputs are cut off by the fuzzer.
LIMIT = 65536
# Where an input is read and written several times, small ones find more in the same time.
LIMITS = {"flow_file": 16384, "zipped_recording": 8192, "round_trip": 4096, "append": 16384}


def write(target, folder):
    """Puts the seeds of a target into a folder, beside what is there."""
    for seed in SEEDS[target]():
        if len(seed) <= LIMITS.get(target, LIMIT):
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def flows():
    """Whole flow files, and each flow by itself."""
    for path in sorted(FLOWS.rglob("*.mitm")):
        content = path.read_bytes()
        yield content
        while content[:1].isdigit():
            digits, _, _ = content.partition(b":")
            end = len(digits) + 1 + int(digits) + 1
            yield content[:end]
            content = content[end:]


def appended():
    yield from flows()
    entry = (
        '{"startedDateTime":"2024-01-01T00:00:00.000Z","time":1,"request":{"method":"GET","url":"http://a.example/",'
        '"headers":[]},"response":{"status":200,"headers":[],"content":{"size":2,"text":"hi"}},"_id":"1"}'
    )
    head = '{"log":{"version":"1.2","creator":{"name":"proxyhost","version":"0.1.0"},"pages":[],"entries":['
    for entries in [], [entry], [entry, entry]:
        whole = head + "\n" + "\n,".join(entries) + "\n" * bool(entries) + "]}}\n"
        yield whole.encode()
        yield whole[:-60].encode()


def documents():
    """HAR files, each entry by itself, a Web Page Replay archive and stubs."""
    for path in sorted(FLOWS.rglob("*.har")):
        content = path.read_bytes()
        yield content
        for entry in json.loads(content).get("log", {}).get("entries", [])[:20]:
            yield json.dumps({"log": {"entries": [entry]}}).encode()
    yield har({"text": "aGk=", "encoding": "base64", "_body": "coded"})
    yield har({"_file": "body"})
    yield har({"_file": "../secret"})
    yield json.dumps(archive()).encode()
    for stub in stubs():
        yield json.dumps(stub).encode()
        yield json.dumps({"mappings": [stub, stub]}).encode()


def har(content):
    request = {
        "method": "POST",
        "url": "https://a.example:8443/b?c=d#e",
        "httpVersion": "h2",
        "headers": [{"name": ":authority", "value": "a.example"}, {"name": "content-type", "value": "a/b;charset=x"}],
        "postData": {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "a", "value": "b"}]},
    }
    response = {
        "status": 200,
        "headers": [{"name": "content-encoding", "value": "gzip"}, ["x", "y"]],
        "content": content,
    }
    entry = {
        "startedDateTime": "2024-02-29T23:59:60.5+01:00",
        "request": request,
        "response": response,
        "timings": {"send": 1, "wait": 2, "receive": -1},
    }
    return json.dumps({"log": {"entries": [entry, entry]}}).encode()


def archive():
    request = encoded(b"GET /b HTTP/1.1\r\nHost: a.example\r\n\r\n")
    exchanges = [
        {"SerializedRequest": request, "SerializedResponse": encoded(answer)}
        for answer in (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nT: u\r\n\r\n",
            b"HTTP/2.0 404 Not Found\r\nContent-Length: 1\r\nX: y\r\n\r\nx",
        )
    ]
    hosts = {"a.example": {"http://a.example/b": exchanges}, "empty": None}
    return {"Requests": hosts, "DeterministicTimeSeedMs": 1700000000000}


def encoded(content):
    return base64.b64encode(content).decode()


def stubs():
    response = {"status": 201, "headers": {"A": ["b", "c"]}, "body": "hi", "fixedDelayMilliseconds": 1}
    yield {"request": {"method": "GET", "url": "/a?b=c"}, "response": response}
    yield {
        "priority": 1,
        "scenarioName": "s",
        "requiredScenarioState": "Started",
        "newScenarioState": "t",
        "request": {
            "method": "POST",
            "urlPath": "/a",
            "host": {"equalTo": "a.example"},
            "port": 81,
            "scheme": "https",
            "headers": {"X": {"equalTo": "y"}, "Z": {"absent": True}},
            "queryParameters": {"b": {"equalTo": "c"}, "d": {"hasExactly": [{"equalTo": "1"}, {"equalTo": "2"}]}},
            "cookies": {"e": {"equalTo": "f"}},
            "basicAuthCredentials": {"username": "u", "password": "p"},
            "bodyPatterns": [{"equalToJson": {"b": 1, "a": [1.50]}}],
        },
        "response": {"jsonBody": {"z": 1, "a": "\u00e9"}, "statusMessage": "Fine"},
    }
    for body in {"bodyFileName": "body"}, {"bodyFileName": "link"}, {"base64Body": "aGk="}:
        yield {"id": "1", "request": {"urlPathPattern": "/a", "bodyPatterns": [{"equalTo": "x"}]}, "response": body}


def packed():
    for document in documents():
        yield document
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.har", har({"_file": "body"}))
        archive.writestr("body", "hi")
        archive.writestr("b.HAR", har({"text": "hi"}))
    yield packed.getvalue()
    yield gzip.compress(har({"text": "hi"}), mtime=0)
    yield har({"text": "hi"}) + b"\0" + har({"_file": "body"})


def sessions():
    """Frames of both sides, cut to pieces."""
    for mode in range(3):
        for at, said in enumerate(frames()):
            pieces = [said[start : start + 100] for start in range(1, len(said), 100)]
            yield bytes([mode]) + b"".join(bytes([len(piece) << 1 | at % 2]) + piece for piece in pieces)


def frames():
    """Frames of either side, plain and compressed, after the byte that says so."""
    deflate = zlib.compressobj(wbits=-15)
    compressed = deflate.compress(b"hello hello hello") + deflate.flush(zlib.Z_SYNC_FLUSH)
    ended = zlib.compressobj(wbits=-15)
    whole = ended.compress(b"hello") + ended.flush()
    sessions = [
        [(0x81, b"hi"), (0x82, b"\0" * 300), (0x89, b"ping"), (0x88, struct.pack(">H", 1000) + b"bye")],
        [(0x01, b"a"), (0x8A, b""), (0x00, b"b"), (0x80, b"")],
        [(0xC1, compressed[:-4]), (0xC1, compressed[:-4]), (0x41, compressed[:3]), (0x80, compressed[3:-4])],
        [(0xC2, whole), (0xC2, whole)],
    ]
    for session in sessions:
        for mode in range(8):
            yield bytes([mode]) + b"".join(frame(first, payload, mode % 2 == 0) for first, payload in session)
    yield b"\0permessage-deflate; server_no_context_takeover; client_max_window_bits=10"


def frame(first, payload, is_masked):
    mask = b"\x01\x02\x03\x04" if is_masked else b""
    size = len(payload)
    length = bytes([size | is_masked << 7]) if size < 126 else bytes([126 | is_masked << 7]) + struct.pack(">H", size)
    content = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if is_masked else payload
    return bytes([first]) + length + mask + content


def expressions():
    vectors = json.loads((ROOT / "host/flowfilter/tests/vectors/filter.json").read_text())
    for expression in [case[0] for case in vectors["cases"]] + vectors["refused"]:
        yield expression.encode()


def messages():
    """The requests of the matcher's vectors, alone and in pairs."""
    for case in json.loads((ROOT / "tests/vectors/match.json").read_text())["cases"]:
        pair = [message(case["recorded"]), message(case["incoming"])]
        yield pair[0]
        yield b"\0".join(pair)
    for kind, body in {
        "application/json": '{"user":{"pw":"a"},"t":[1,{"0":2}],"\\u0074":null}',
        "text/event-stream": 'event: a\ndata: {"user":\ndata: {"pw":1}}\n\ndata: [DONE]\n\n',
        "application/x-ndjson": '{"user":{"pw":1}}\n{"a":{"pw":[2]}}\n',
        "application/x-www-form-urlencoded": "t=1&pw=2&%70w=3&x",
        "application/grpc": "\0\0\0\0\2hi\1\0\0\0\1a",
        "multipart/form-data; boundary=B": '--B\r\nContent-Disposition: form-data; name="pw"; filename=x\r\n'
        "Content-Type: application/json\r\n\r\n1\r\n--B\r\n"
        "Content-Disposition: form-data; name=t\r\n\r\n2\r\n--B--\r\n",
        "text/plain": '{"user":{"pw":1}}',
    }.items():
        for coding, code in ("", bytes), ("Content-Encoding: gzip\n", gzip.compress):
            head = f"POST /?t=1&pw=2#pw=3\nCookie: pw=1; t=2\nX-Tok: y\nContent-Type: {kind}\n{coding}\n"
            yield head.encode() + code(body.encode())


def message(request):
    body = base64.b64decode(request["body_base64"]) if "body_base64" in request else request["body"].encode()
    lines = [f"{request['method']} {request['path']}"] + [f"{name}: {value}" for name, value in request["headers"]]
    return "\n".join(lines).encode() + b"\n\n" + body


def dates():
    for case in json.loads((ROOT / "tests/vectors/refresh.json").read_text())["cases"]:
        lines = [str(case["now"] - case["recorded"])] + [f"{name}: {value}" for name, value in case["before"]]
        yield "\n".join(lines).encode()


def contents():
    """The contents of messages behind their types."""
    for seed in messages():
        head, _, body = seed.partition(b"\n\n")
        kinds = [line[13:] for line in head.split(b"\n") if line.lower().startswith(b"content-type:")]
        yield b"".join(kinds[:1]).strip() + b"\n" + body


def pointers():
    for pointer in "", "/a/*/b", "/~0~1":
        yield (pointer + '\n{"a": [1, {"b": null}], "/~": "x"}\n{"a": [2, {"b": null}, 3], "c": {}}').encode()


def coded():
    """A text in each coding, after the byte that says which. There are no encoders for the last two."""
    text = b"hello hello hello " * 20
    deflate = zlib.compressobj(wbits=-15)
    contents = [gzip.compress(text, mtime=0), zlib.compress(text), deflate.compress(text) + deflate.flush()]
    contents.append(bytes.fromhex("0f0280616263646503"))
    contents.append(bytes.fromhex("28b52ffd04582900006162636465be6b3d09"))
    for kind, content in enumerate(contents):
        yield bytes([kind]) + content
        yield bytes([kind]) + content * 2
    yield b"\0" + gzip.compress(bytes(1 << 20), mtime=0)


def requests():
    """Each route, by somebody who may; and what a page would send."""
    document = json.loads((ROOT / "host" / "api" / "src" / "openapi.json").read_text())
    fields = "host: localhost:9090\nauthorization: Bearer 0123456789abcdef\ncontent-type: application/json\n"
    bodies = {
        "/v1/options": {"a": True, "b": 1, "c": "x", "d": ["x"], "e": None, "f": {"text": "x"}},
        "/v1/flows/save": {"file": "x", "filter": "~e"},
        "/v1/commands/{name}": {"arguments": ["x"], "session": "a"},
        "/v1/recordings": {"file": "x", "addon": "a"},
        "/v1/sessions/reset": {"session": "a"},
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            queries = [f"{one['name']}=1" for one in operation.get("parameters", []) if one["in"] == "query"]
            target = path.replace("{id}", "1").replace("{name}", "x") + "?" * bool(queries) + "&".join(queries)
            body = json.dumps(bodies.get(path, {"use": "x"}))
            yield f"{method.upper()} {target}\n{fields}\n{body}".encode()
    for more in "origin: http://localhost:9090", "origin: http://evil.example", "origin: null", "sec-fetch-site: cross-site":
        yield f"GET /v1/flows?filter=~u%20x&limit=3\n{fields}{more}\n\n".encode()
    for host in "[::1]:1", "127.0.0.1", "evil.example", "[::ffff:127.0.0.1]", "a@localhost":
        yield f"GET /v1/health\nhost: {host}\nauthorization: bearer 0123456789abcdef\n\n".encode()


def none():
    """Inputs that mean nothing by themselves."""
    yield bytes(range(64))


SEEDS = {
    "flow_file": flows,
    "json_recording": documents,
    "zipped_recording": packed,
    "websocket": frames,
    "session": sessions,
    "append": appended,
    "round_trip": flows,
    "filter": expressions,
    "redaction": messages,
    "matcher": messages,
    "refresher": dates,
    "key": none,
    "replay": none,
    "answer": none,
    "forms": contents,
    "pointer": pointers,
    "coding": coded,
    "repair": flows,
    "api": requests,
}
