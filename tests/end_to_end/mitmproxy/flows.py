"""Shows a recording as mitmproxy reads it, or writes one that only mitmproxy would write.

    flows.py show FILE            prints one JSON object a line
    flows.py write FILE CA        writes flows, with the certificate in the file CA in them
"""

import json
import sys

from mitmproxy.flow import Flow
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader, tnetstring
from mitmproxy.test import tflow


def text(raw: bytes) -> str:
    """A byte is a character, so that nothing is lost."""
    return raw.decode("latin-1")


def message(first: bytes, of) -> dict:
    return {
        "first": text(first),
        "fields": [[text(name), text(value)] for name, value in of.headers.fields],
        "body": None if of.raw_content is None else text(of.raw_content),
        "trailers": [[text(name), text(value)] for name, value in of.trailers.fields] if of.trailers else [],
    }


def shown(flow: HTTPFlow) -> dict:
    request, response, websocket = flow.request, flow.response, flow.websocket
    times = [flow.timestamp_created, request.timestamp_start, request.timestamp_end]
    if response:
        times.append(response.timestamp_start)
    if websocket:
        times += [*(said.timestamp for said in websocket.messages), websocket.timestamp_end]
    elif response:
        times.append(response.timestamp_end)
    if flow.error:
        times.append(flow.error.timestamp)
    first = f"{request.method} {request.url} {request.http_version}"
    status = response and f"{response.http_version} {response.status_code} {response.reason}"
    return {
        "request": message(first.encode(), request),
        "response": response and message(status.encode(), response),
        "websocket": websocket
        and {
            "messages": [[said.type.name, said.from_client, text(said.content)] for said in websocket.messages],
            "closed": [websocket.closed_by_client, websocket.close_code, websocket.close_reason],
        },
        "error": flow.error and flow.error.msg,
        "metadata": flow.metadata,
        "times": times,
    }


def decorated(flow: Flow, certificate: bytes) -> dict:
    """A flow as somebody has worked on it, with everything that nobody needs to replay it."""
    flow.marked = ":grapes:"
    flow.comment = "two lines,\none \N{GRAPES}"
    flow.metadata = {
        "text": "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        "bytes": b"\x00\xff",
        "numbers": [-1, 2**70, 1e300, 0.1],
        "truths": [True, False, None],
        "nested": {"": {}, "list": [[], [b""]]},
    }
    flow.backup()
    flow.comment = "another"
    state = flow.get_state()
    for connection in (state["client_conn"], state["server_conn"]):
        connection.update(certificate_list=[certificate], sni="localhost", alpn=b"h2", cipher_list=["a", "b"])
    state["client_conn"]["mitmcert"] = certificate
    return state


def write(path: str, certificate: bytes) -> None:
    kinds = (tflow.tflow(resp=True), tflow.tflow(err=True), tflow.twebsocketflow(), tflow.ttcpflow())
    states = [decorated(flow, certificate) for flow in (*kinds, tflow.tudpflow(), tflow.tdnsflow(resp=True))]
    # As a mitmproxy of the future may write them.
    states[0]["future"] = {"key": [1, b"2", "3", 4.0, None]}
    states[0]["request"]["future"] = b"\x00"
    with open(path, "wb") as file:
        for state in states:
            tnetstring.dump(state, file)


match sys.argv[1:]:
    case ["show", path]:
        with open(path, "rb") as file:
            for flow in FlowReader(file).stream():
                print(json.dumps(shown(flow)))
    case ["write", path, ca]:
        with open(ca, "rb") as file:
            write(path, file.read())
    case _:
        sys.exit(__doc__)
