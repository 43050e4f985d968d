#!/usr/bin/env python3
"""The server of soak.py: answers by its paths, well or badly. Prints its ports, plain and TLS (0 without a certificate)."""

import hashlib
import random
import socket
import ssl
import struct
import sys
import threading
import time


def body(size, seed):
    """So many bytes that nobody else has."""
    block = hashlib.sha256(str(seed).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def serve(listener, context):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer_all, args=(connection, context), daemon=True).start()


def answer_all(connection, context):
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as reader:
            while answer(connection, reader):
                pass
    except (OSError, ValueError):
        # The proxy left, as it may.
        pass


def answer(connection, reader):
    """Answers one request, and says whether another one may follow."""
    first = reader.readline().split()
    if len(first) < 3:
        return False
    length = 0
    while line := reader.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    content = reader.read(length)
    parts = first[1].decode().split("/")
    if parts[1] == "echo":
        return send(connection, hashlib.sha256(content).hexdigest().encode())
    way, size, seed = parts[1], int(parts[2]), int(parts[3])
    whole = body(size, seed)
    match way:
        case "reset" | "short":
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
            connection.sendall(head + whole[:random.randrange(size)])
            if way == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        case "silent":
            reader.read(1)
            return False
        case "slow":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            step = size // 5 + 1
            for at in range(0, size, step):
                piece = whole[at:at + step]
                connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                time.sleep(0.05)
            connection.sendall(b"0\r\n\r\n")
            return True
        case _:
            return send(connection, whole)


def send(connection, content):
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    return True


def main():
    context = None
    if len(sys.argv) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1])
    listeners = [(socket.create_server(("127.0.0.1", 0), backlog=1024), None)]
    if context:
        listeners.append((socket.create_server(("127.0.0.1", 0), backlog=1024), context))
    ports = [listener.getsockname()[1] for listener, _ in listeners]
    print(*(ports + [0])[:2], flush=True)
    threads = [threading.Thread(target=serve, args=pair) for pair in listeners]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
