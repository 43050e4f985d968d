"""A matcher in Python: JSON by its values, query parameters in any order, and without those that follow people.

README.md says how to build and run it.
"""

import json
from urllib.parse import parse_qsl

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.declaration import Declared, Kind_Texts, OptionDeclaration
from wit_world.exports.matcher import Part
from wit_world.imports import options
from wit_world.imports.messages import Comparison, Request

LARGEST_JSON = 1 << 20


class Declaration(exports.Declaration):
    def declare(self) -> Declared:
        ignored = OptionDeclaration(
            name="ignored_params",
            help="Leave this query parameter out when matching, besides utm_*",
            kind=Kind_Texts(),
            default=None,
            flags=[],
            deprecated=None,
        )
        return Declared(summary="matches JSON by its values", options=[ignored], singleton=False, reads_bodies=True, reads=[])


class Matcher(exports.Matcher):
    def key(self, request: Request) -> bytes | None:
        return json.dumps(parts(request)).encode()

    def key_by(self, request: Request, comparison: Comparison) -> bytes | None:
        return None

    def explain(self, request: Request, limit: int) -> list[Part]:
        return [Part(name, value.encode(), False) for name, value in parts(request)]

    def suggest(self, live: Request, recorded: Request, limit: int) -> str | None:
        return None


def parts(request: Request) -> list[tuple[str, str]]:
    """What counts of a request: names and values."""
    path, _, query = request.path().partition("?")
    found = [
        ("method", request.method()),
        ("origin", f"{request.scheme()}://{request.host()}:{request.port()}"),
        ("path", path),
    ]
    found += [(f"query {name}", value) for name, value in params(query, ignored_params())]
    found.append(("content", content(request)))
    return found


def ignored_params() -> list[str]:
    value = options.get("ignored_params")
    return value.value if isinstance(value, options.Value_Texts) else []


def params(query: str, ignored: list[str]) -> list[tuple[str, str]]:
    """The parameters that count, sorted."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return sorted((name, value) for name, value in pairs if not name.startswith("utm_") and name not in ignored)


def content(request: Request) -> str:
    """JSON in one spelling; of anything else a digest, which the host computes."""
    with request.body() as body:
        try:
            if b"json" in (request.field("content-type") or b""):
                return canonical(body.read(LARGEST_JSON))
            return body.digest().hex()
        except Err as unreadable:
            return f"unreadable: {type(unreadable.value).__name__}"


def canonical(text: bytes) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text.hex()
