"""A server and a client of gRPC, of bytes that no schema describes.

    grpc_peer.py serve
    grpc_peer.py call PROXY_PORT SERVER [WAY]

WAY is `CONNECT`, or the authority that the client names; none for a reverse proxy.
"""

import json
import os
import sys
import time
from concurrent import futures

import grpc

METADATA = (("x-first", "1"), ("x-bytes-bin", b"\x00\xff"))
TRAILERS = (("x-last", "2"), ("x-last-bin", b"\xfe"))


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        method = details.method.rsplit("/", 1)[1]
        if method in ("Stream", "Break"):
            return grpc.unary_stream_rpc_method_handler(lambda request, context: stream(method, request, context))
        return grpc.unary_unary_rpc_method_handler(lambda request, context: unary(method, request, context))


def unary(method, request, context):
    context.send_initial_metadata(METADATA)
    context.set_trailing_metadata(TRAILERS)
    if method == "Fail":
        context.abort(grpc.StatusCode.NOT_FOUND, "nicht gefunden: Käse")
    return request[::-1] * (50_000 if method == "Large" else 1)


def stream(method, request, context):
    context.send_initial_metadata(METADATA)
    context.set_trailing_metadata(TRAILERS)
    for number in range(4):
        time.sleep(0.02)
        yield request + bytes([number])
    if method == "Break":
        context.abort(grpc.StatusCode.ABORTED, "enough")


def serve():
    server = grpc.server(futures.ThreadPoolExecutor())
    server.add_generic_rpc_handlers((Handler(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


def call(proxy_port, server, way):
    proxy = f"127.0.0.1:{proxy_port}"
    options = [("grpc.enable_http_proxy", int(way == "CONNECT"))]
    if way == "CONNECT":
        # Names of loopback are never proxied, whatever the variable says.
        os.environ.update(http_proxy=f"http://{proxy}", no_proxy="none.invalid")
    elif way:
        options.append(("grpc.default_authority", way))
    outcomes = {}
    with grpc.insecure_channel(server if way == "CONNECT" else proxy, options) as channel:
        for method in ("Unary", "Large", "Stream", "Fail", "Break"):
            outcomes[method] = outcome(channel, method)
    print(json.dumps(outcomes))


def outcome(channel, method):
    request, messages = b"\x00abc\xff", []
    kind = channel.unary_stream if method in ("Stream", "Break") else channel.unary_unary
    path = f"/shop.Orders/{method}"
    try:
        if kind == channel.unary_stream:
            started = kind(path)(request, timeout=20)
            for message in started:
                messages.append(message)
        else:
            message, started = kind(path).with_call(request, timeout=20)
            messages.append(message)
    except grpc.RpcError as error:
        started = error
    digest = [message.hex() if len(message) < 100 else f"{len(message)} bytes, {hash_of(message)}" for message in messages]
    metadata = [[[name, repr(value)] for name, value in pairs or () if name.startswith("x-")]
                for pairs in (started.initial_metadata(), started.trailing_metadata())]
    return [started.code().name, started.details(), digest, *metadata]


def hash_of(message):
    import hashlib

    return hashlib.sha256(message).hexdigest()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        call(*sys.argv[2:5])
