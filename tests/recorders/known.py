"""Differences that have another reason than a fault of proxyhost: what a tool does not record, or changes."""

import fnmatch

CHROMIUM = ("Playwright*", "chrome-har*")
BROWSERS = (*CHROMIUM, "Firefox")
ALL = ("*",)

# Tools, exchanges, and why.
KNOWN = [
    (BROWSERS, ["* /redirect"], "browsers do not keep the content of a redirect"),
    (ALL, ["* /bom"], "the tool leaves the byte order mark out"),
    (ALL, ["* /utf16"], "the tool has the text only, which is sent in UTF-8, and says so"),
    (("Playwright*", "Firefox"), ["* /events"], "the browser decodes events as windows-1252, and nothing tells their length"),
    (("Playwright*, embed",), ["* /upload", "* /binary", "* /zipped", "* /untyped"],
     "Playwright replaces what is no text in requests, or leaves it out"),
    (("Polly.JS",), ["* /upload", "* /binary", "* /zipped"], "Polly.JS leaves out requests that are no text"),
    (("Polly.JS", "chrome-har-capturer", "HTTP Toolkit*"), ["* /twice"], "the tool joins the lines of a field"),
    (("WireMock",), ["* /br", "* /deflate", "* /broken-text"], "WireMock replaces what is no text"),
    (("WireMock",), ["* /latin1"], "WireMock has the text only, which is sent in UTF-8, and says so"),
    (("chrome-har",), ["* /json[?]q=redirected", "* /json[?]q=formed"],
     "chrome-har gives the fields of a redirect to what comes after it"),
    (("chrome-har",), ["* /untyped"], "chrome-har leaves out requests without a type"),
    (("chrome-har-capturer",), ["* /cookies"], "chrome-har-capturer does not listen for cookies"),
    (("chrome-har-capturer",), ["* /nothing"], "nothing tells whether the request had a content"),
]


def reason(tool, exchange):
    """Why an exchange of a tool may differ; nothing if there is no reason."""
    for tools, exchanges, why in KNOWN:
        if any(fnmatch.fnmatchcase(tool, name) for name in tools) and any(
            fnmatch.fnmatchcase(exchange, pattern) or fnmatch.fnmatchcase(exchange, f"{pattern} (*)") for pattern in exchanges
        ):
            return why
    return None
