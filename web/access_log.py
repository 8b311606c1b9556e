"""One line per request as JSON: what was asked for and how it went, never the question itself.

Questions can tell about people and places, so we log how long the question was and how many
lessons it found, and leave out the query string altogether. A one-time link is as good as a
password, and so is the link to a collection: their tokens are left out too.
"""

import json
import logging
import re
import time

from flask import Flask, Response, g, request

from kb.search import SearchResult

_log = logging.getLogger("web.access")
_LINK = re.compile(r"(/(?:inn|delt|varsling/\w+)/).+", re.IGNORECASE | re.DOTALL)


def install(app: Flask) -> None:
    """Log every request of ``app``."""
    app.before_request(_start)
    app.after_request(_finish)


def remember_search(result: SearchResult) -> None:
    """Add the figures of a search to this request's line."""
    g.search_figures = {"query_chars": len(result.query.text), "hits": result.total}


def path_to_log() -> str:
    """Return the path of this request without the token of a link, mistyped or not."""
    return _LINK.sub(r"\1…", request.path)


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    now = time.perf_counter()
    started = g.get("started", now)  # a request can be refused before it begins
    line = {
        "method": request.method,
        "path": path_to_log(),
        "status": response.status_code,
        "ms": round((now - started) * 1000, 1),
        **g.get("search_figures", {}),
    }
    _log.info(json.dumps(line, ensure_ascii=False))
    return response
