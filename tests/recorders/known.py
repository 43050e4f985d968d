"""Differences that have a reason other than a fault of proxyhost: what the tool does not record, or changes."""

import fnmatch

KNOWN = []


def reason(tool, exchange):
    """Why `exchange` of `tool` may differ."""
    for tools, exchanges, why in KNOWN:
        if fnmatch.fnmatch(tool, tools) and any(fnmatch.fnmatchcase(exchange, pattern) for pattern in exchanges):
            return why
    return None
