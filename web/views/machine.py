"""For programs: the search as JSON, and whether the site is well."""

from flask import Blueprint, Response, jsonify, request

from kb.errors import InvalidQueryError
from kb.output import search_json
from web.access_log import remember_search
from web.context import services, store
from web.query import PAGE_SIZE, read_query

bp = Blueprint("machine", __name__)
_MAX_HITS = 100


@bp.get("/api/v1/search")
def search() -> Response:
    """Return what ``/sok`` shows as JSON; ``?antall=`` (1–100) is the number of hits per page."""
    query = read_query(request.args, page_size=_page_size(request.args.get("antall", "")))
    result = services().searcher.search(store(), query)
    remember_search(result)
    return jsonify(search_json(result))


@bp.get("/healthz")
def health() -> Response:
    """Say that the store opens and what it holds; a broken store answers 503."""
    with store().reading():
        return jsonify(
            ok=True,
            generation=store().generation(),
            lessons=len(store().facets()),
            model=services().model_id,
        )


def _page_size(raw: str) -> int:
    if not raw:
        return PAGE_SIZE
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 3 and 1 <= int(raw) <= _MAX_HITS):  # noqa: PLR2004 - the length of _MAX_HITS
        raise InvalidQueryError(f"antall={raw[:20]!r} is not 1 to {_MAX_HITS}")
    return int(raw)
