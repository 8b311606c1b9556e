"""Answers that programs may keep and ask about again: the same until the base changes.

What such an answer holds follows from its address, the generation of the base, the model and the
taxonomy. Nobody may use a kept answer without asking, since a report can be taken back.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec

from flask import Response, request
from werkzeug.http import http_date, parse_date
from werkzeug.wrappers import Response as AnyResponse

from kb.taxonomy import Taxonomy
from web.context import services, store

P = ParamSpec("P")
_first_seen: dict[Path, tuple[int, datetime]] = {}
"""For each base: the generation served last, and when this process saw it first."""


def conditional(view: Callable[P, AnyResponse]) -> Callable[P, AnyResponse]:
    """Answer 304 where the asker has what ``view`` would give, without asking ``view``."""

    @wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> AnyResponse:
        generation = store().generation()
        etag = f"{generation}-{_fingerprint(services().taxonomy, services().model_id)}"
        modified = _modified(services().config.home, generation)
        response = Response(status=304) if _has(etag, modified) else view(*args, **kwargs)
        if response.status_code in (200, 304):
            response.set_etag(etag, weak=True)  # a search tells how long it took
            response.headers["Last-Modified"] = http_date(modified)
            response.headers["Cache-Control"] = "public, no-cache"
        return response

    return answered


def last_modified() -> datetime:
    """Return when this process first saw the base as it is now."""
    return _modified(services().config.home, store().generation())


def _has(etag: str, modified: datetime) -> bool:
    if request.if_none_match:
        return request.if_none_match.contains_weak(etag)
    since = parse_date(request.headers.get("If-Modified-Since"))
    return since is not None and since >= modified


def _modified(home: Path, generation: int) -> datetime:
    """Return a whole second that no earlier generation had, not before this one was there."""
    seen = _first_seen.get(home)
    if seen is not None and seen[0] == generation:
        return seen[1]
    now = datetime.now(UTC).replace(microsecond=0)
    if seen is not None:
        now = max(now, seen[1] + timedelta(seconds=1))
    _first_seen[home] = (generation, now)
    return now


@cache
def _fingerprint(taxonomy: Taxonomy, model_id: str) -> str:
    return hashlib.sha256(f"{taxonomy!r} {model_id}".encode()).hexdigest()[:12]
