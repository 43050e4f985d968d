"""Recordings for benchmarks: flow files as mitmproxy writes them."""

HOST, PORT = "bench.example", 80
PATH = "/item/0"


def tnetstring(value):
    """One value as mitmproxy writes it; its reader wants a dict's entries in no particular order."""
    if value is None:
        payload, kind = b"", b"~"
    elif isinstance(value, bool):
        payload, kind = str(value).lower().encode(), b"!"
    elif isinstance(value, int):
        payload, kind = str(value).encode(), b"#"
    elif isinstance(value, float):
        payload, kind = repr(value).encode(), b"^"
    elif isinstance(value, bytes):
        payload, kind = value, b","
    elif isinstance(value, str):
        payload, kind = value.encode(), b";"
    elif isinstance(value, (list, tuple)):
        payload, kind = b"".join(map(tnetstring, value)), b"]"
    else:
        payload, kind = b"".join(tnetstring(k) + tnetstring(v) for k, v in value.items()), b"}"
    return str(len(payload)).encode() + b":" + payload + kind


def connection(**more):
    return {
        "id": "c", "peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2), "transport_protocol": "tcp",
        "error": None, "tls": False, "certificate_list": [], "alpn": None, "alpn_offers": [], "cipher": None,
        "cipher_list": [], "tls_version": None, "sni": None, "timestamp_start": 1700000000.0, "timestamp_end": None,
        "timestamp_tls_setup": None, **more,
    }


def flow(path, body):
    message = {"http_version": b"HTTP/1.1", "trailers": None, "timestamp_start": 1700000000.0,
               "timestamp_end": 1700000000.1}
    return {
        "version": 21, "type": "http", "id": path, "error": None, "intercepted": False, "is_replay": None,
        "marked": "", "metadata": {}, "comment": "", "timestamp_created": 1700000000.0, "backup": None,
        "websocket": None,
        "client_conn": connection(mitmcert=None, proxy_mode="regular"),
        "server_conn": connection(address=(HOST, PORT), timestamp_tcp_setup=1700000000.0, via=None),
        "request": {**message, "host": HOST, "port": PORT, "method": b"GET", "scheme": b"http", "authority": b"",
                    "path": path.encode(), "headers": [[b"Host", HOST.encode()]], "content": b""},
        "response": {**message, "status_code": 200, "reason": b"OK", "content": body,
                     "headers": [[b"Server", b"recorded"], [b"Date", b"Tue, 14 Nov 2023 22:13:20 GMT"],
                                 [b"Content-Type", b"application/octet-stream"],
                                 [b"Content-Length", str(len(body)).encode()]]},
    }


def recording(flows, size):
    """A flow file with answers of `size` bytes to `/item/0` and so on."""
    return b"".join(tnetstring(flow(f"/item/{i}", bytes([97 + i % 26]) * size)) for i in range(flows))
