"""What is new, for programs that ask again: a feed for each search, theme, programme and phase."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _

from kb.domain import LessonId, Phase, Status
from kb.errors import NotFoundError
from kb.search import MAX_LIMIT
from kb.taxonomy import LANGUAGES
from web import auth
from web.access_log import remember_search
from web.addresses import public_url
from web.conditional import conditional, last_modified
from web.context import services, store
from web.describe import describe
from web.feeds import Feed, newest, publications, write
from web.language import language
from web.present import label, theme_label
from web.query import read_query, write_query
from web.views.published import in_order

bp = Blueprint("feeds", __name__, url_prefix="/feed")
_limited = auth.limiter.shared_limit("60 per minute", scope="feeds")


@bp.before_request
def _choose_language() -> None:
    """Speak the language in the address: a program that asks has no cookie."""
    wanted = request.args.get("sprak", "nb")
    g.language = wanted if wanted in LANGUAGES else "nb"


@bp.get("/sok.atom")
@_limited
@conditional
def search() -> Response:
    """Return the lessons that a search finds; the address is that of the search page."""
    query = replace(read_query(request.args, page_size=MAX_LIMIT), offset=0)
    result = services().searcher.search(store(), query)
    remember_search(result)
    ids = [hit.lesson.id for hit in result.hits]
    title = _("Erfaringsbanken: %(search)s", search=describe(query))
    return _feed(title, write_query(query), url_for("search.page", **write_query(query)), ids)


@bp.get("/tema/<theme_id>.atom")
@_limited
@conditional
def theme(theme_id: str) -> Response:
    """Return the lessons of a theme."""
    if services().taxonomy.theme(theme_id) is None:
        raise NotFoundError(f"theme {theme_id}")
    ids = store().lesson_ids(theme=theme_id, status=Status.PUBLISHED)
    title = _("Erfaringsbanken: %(search)s", search=theme_label(theme_id))
    return _feed(title, {"theme_id": theme_id}, url_for("themes.page", theme_id=theme_id), ids)


@bp.get("/program/<slug>.atom")
@_limited
@conditional
def programme(slug: str) -> Response:
    """Return the lessons of a programme that has something published."""
    found = store().programme(slug)
    ids = store().lesson_ids(programme=slug, status=Status.PUBLISHED)
    if found is None or not ids:
        raise NotFoundError(f"programme {slug}")
    title = _("Erfaringsbanken: %(search)s", search=found.name)
    return _feed(title, {"slug": slug}, url_for("programmes.page", slug=slug), ids)


@bp.get("/fase/<phase_id>.atom")
@_limited
@conditional
def phase(phase_id: str) -> Response:
    """Return the lessons of a phase."""
    if phase_id not in set(Phase):
        raise NotFoundError(f"phase {phase_id}")
    ids = [row.lesson_id for row in store().facets() if row.phase == phase_id]
    name = label(services().taxonomy.phases, phase_id)
    title = _("Erfaringsbanken: %(search)s", search=name)
    return _feed(title, {"phase_id": phase_id}, url_for("search.page", fase=phase_id), ids)


def _feed(title: str, own: dict[str, Any], page: str, ids: Sequence[LessonId]) -> Response:
    """Return the newest of the lessons as a feed; ``own`` are the values of its own address."""
    with store().reading():
        lessons = in_order(store(), newest(store(), ids))
        reports = {one.report_id: store().report(one.report_id) for one in lessons}
        known = publications(store())
    spoken = {} if language() == "nb" else {"sprak": language()}
    values: dict[str, Any] = {**own, **spoken}
    here = url_for(str(request.endpoint), **values)
    feed = Feed(
        path=here.lstrip("/"),
        title=str(title),
        own=public_url() + here,
        page=public_url() + page,
        language=language(),
    )
    entries = [
        (one, report, known.get(one.id))
        for one in lessons
        if (report := reports[one.report_id]) is not None
    ]
    xml = write(feed, entries, last_modified().isoformat())
    response = Response(
        '<?xml version="1.0" encoding="utf-8"?>\n' + xml, mimetype="application/atom+xml"
    )
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
