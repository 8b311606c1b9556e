"""The same base for programs: ``/api/v1``, read-only, described by an OpenAPI document.

Ids, order and counts are those of the pages: each address asks what the page of the same thing
asks. Whatever is shown of a lesson has its quotes, their pages and permalinks.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from kb.domain import Lesson, Report, ReportStatus, Status
from kb.errors import InvalidQueryError
from kb.output import lesson_json, search_json
from kb.store import ReportSummary, Store
from kb.taxonomy import LANGUAGES, Wording
from web import auth
from web.access_log import remember_search
from web.addresses import public_url, whole
from web.conditional import conditional
from web.context import services, store
from web.language import language
from web.openapi import MAX_HITS, MAX_PAGE, MAX_SIMILAR, PREFIX, SIMILAR, document
from web.query import PAGE_SIZE, read_query
from web.views.published import published_lesson, published_report

bp = Blueprint("api", __name__)
PER_ADDRESS = "300 per minute"
"""So often may one address ask; a person's program that goes through the base needs less."""
_limited = auth.limiter.shared_limit(lambda: PER_ADDRESS, scope="api")
_OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Expose-Headers": "ETag, Last-Modified, Link, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
Row = dict[str, Any]
T = TypeVar("T")


@bp.after_app_request
def _open_to_all(response: Response) -> Response:
    """Let scripts of other sites read; they get what anyone gets, and no cookie is looked at."""
    if request.path.startswith(f"{PREFIX}/"):
        response.headers.update(_OPEN_TO_ALL)
    return response


@bp.get(f"{PREFIX}/search")
@_limited
@conditional
def search() -> Response:
    """Return what ``/sok`` shows; ``?antall=`` (1-100) is the number of hits per page."""
    size, number = _number("antall", PAGE_SIZE, MAX_HITS), _number("side", 1, MAX_PAGE)
    query = replace(read_query(request.args), limit=size, offset=(number - 1) * size)
    result = services().searcher.search(store(), query)
    remember_search(result)
    answer = search_json(result)
    rows, hits = [*answer["results"], *answer["weak"]], [*result.hits, *result.weak]
    for row, group in zip(answer.get("groups", ()), result.groups, strict=True):
        rows += row["results"]
        hits += group.hits
    for row, hit in zip(rows, hits, strict=True):
        _add_addresses(row, hit.report.id)
    response = jsonify(answer)
    _add_links(response, number, size, result.items)
    return response


@bp.get(f"{PREFIX}/lessons/<lesson_id>")
@_limited
@conditional
def lesson(lesson_id: str) -> AnyResponse:
    """Return one lesson; an old id leads to the lesson that replaced it."""
    heir = store().heir(lesson_id)
    if heir not in {None, lesson_id}:
        return redirect(url_for("api.lesson", lesson_id=heir), 302)
    found = published_lesson(store(), lesson_id)
    return jsonify(_lesson(found, published_report(store(), found.report_id)))


@bp.get(f"{PREFIX}/lessons/<lesson_id>/similar")
@_limited
@conditional
def similar(lesson_id: str) -> AnyResponse:
    """Return lessons of other programmes that say nearly the same, as the lesson's page does."""
    most = _number("antall", SIMILAR, MAX_SIMILAR)
    heir = store().heir(lesson_id)
    if heir not in {None, lesson_id}:
        return redirect(url_for("api.similar", lesson_id=heir), 302)
    published_lesson(store(), lesson_id)
    hits = services().searcher.similar(store(), lesson_id, most, elsewhere=True)
    rows = [_lesson(hit.lesson, hit.report) for hit in hits]
    return jsonify(total=len(rows), results=rows)


@bp.get(f"{PREFIX}/reports")
@_limited
@conditional
def reports() -> Response:
    """Return the published reports, last added first."""
    return _page_of(_published_reports(store()), _report)


@bp.get(f"{PREFIX}/reports/<report_id>")
@_limited
@conditional
def report(report_id: str) -> Response:
    """Return one report."""
    published_report(store(), report_id)
    found = next(one for one in store().reports() if one.report.id == report_id)
    return jsonify(_report(found))


@bp.get(f"{PREFIX}/programmes")
@_limited
@conditional
def programmes() -> Response:
    """Return the programmes with a published report, by id."""
    with store().reading():
        own: dict[str, list[str]] = {}
        for one in _published_reports(store()):
            own.setdefault(one.report.programme.slug, []).append(one.report.id)
        counts = Counter(row.programme for row in store().facets())
        known = [one for one in store().programmes() if one.slug in own]
    return _page_of(
        known,
        lambda one: {
            "id": one.slug,
            "name": one.name,
            "place": one.place,
            "programme_type": one.programme_type,
            "period_from": one.period_from,
            "period_to": one.period_to,
            "lessons": counts[one.slug],
            "reports": own[one.slug],
            "url": whole("programmes.page", slug=one.slug),
            "feed": whole("feeds.programme", slug=one.slug),
        },
    )


@bp.get(f"{PREFIX}/themes")
@_limited
@conditional
def themes() -> Response:
    """Return the themes in the order of the taxonomy."""
    counts = Counter(theme for row in store().facets() for theme in row.themes)
    return _page_of(
        services().taxonomy.themes,
        lambda one: {
            "id": one.id,
            "label": _words(one.label),
            "lessons": counts[one.id],
            "url": whole("themes.page", theme_id=one.id),
            "feed": whole("feeds.theme", theme_id=one.id),
            "group": one.group,
            "definition": _words(one.definition),
        },
    )


@bp.get(f"{PREFIX}/phases")
@_limited
@conditional
def phases() -> Response:
    """Return the phases of a programme in their order."""
    counts = Counter(str(row.phase) for row in store().facets())
    return _page_of(
        services().taxonomy.phases,
        lambda one: {
            "id": one.id,
            "label": _words(one.label),
            "lessons": counts[one.id],
            "url": whole("search.page", fase=one.id),
            "feed": whole("feeds.phase", phase_id=one.id),
        },
    )


@bp.get(f"{PREFIX}/openapi.json")
def openapi() -> Response:
    """Return the document that describes all of this."""
    response = jsonify(document(services().taxonomy, public_url()))
    response.headers["Cache-Control"] = "public, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/api")
def page() -> str:
    """Explain the interface to people who write programs."""
    return render_template(
        "api.html",
        spec=document(services().taxonomy, public_url()),
        prose=f"prose/api.{language()}.html",
        prefix=PREFIX,
    )


def _published_reports(store: Store) -> tuple[ReportSummary, ...]:
    return tuple(one for one in store.reports() if one.report.status is ReportStatus.PUBLISHED)


def _page_of(found: Sequence[T], row_of: Callable[[T], Row]) -> Response:
    """Return one page of ``found`` as JSON."""
    size, number = _number("antall", PAGE_SIZE, MAX_HITS), _number("side", 1, MAX_PAGE)
    shown = found[(number - 1) * size : number * size]
    response = jsonify(total=len(found), results=[row_of(one) for one in shown])
    _add_links(response, number, size, len(found))
    return response


def _add_links(response: Response, number: int, size: int, total: int) -> None:
    """Lead to the pages before and after in the header ``Link`` (RFC 8288)."""
    for relation, other in (("prev", number - 1), ("next", number + 1)):
        if 1 <= other <= -(-total // size):
            values = request.args.to_dict(flat=False) | {"side": [str(other)]}
            address = whole(str(request.endpoint), **values)
            response.headers.add("Link", f'<{address}>; rel="{relation}"')


def _lesson(found: Lesson, own: Report) -> Row:
    row = lesson_json(found, own) | {"language": found.language, "report_id": own.id}
    _add_addresses(row, own.id)
    return row


def _add_addresses(row: Row, report_id: str) -> None:
    """Tell where the lesson and each of its quotes can be seen."""
    row["url"] = whole("lessons.page", lesson_id=row["id"])
    for quote in row["quotes"]:
        quote["url"] = whole("source.page", report_id=report_id, number=quote["page"], l=row["id"])


def _report(summary: ReportSummary) -> Row:
    one = summary.report
    return {
        "id": one.id,
        "file": one.file,
        "title": one.title,
        "note": one.note,
        "programme": one.programme.slug,
        "report_type": one.report_type,
        "year": one.year,
        "contractor": one.contractor,
        "client": one.client,
        "language": one.language,
        "pages": one.pages,
        "sha256": one.sha256,
        "lessons": summary.lessons.get(Status.PUBLISHED, 0),
        "url": whole("reports.page", report_id=one.id),
        "file_url": whole("reports.file", report_id=one.id),
    }


def _words(wording: Wording) -> Mapping[str, str]:
    return {each: wording.in_language(each) for each in LANGUAGES}


def _number(name: str, usual: int, most: int) -> int:
    """Return the value of a parameter that is a number from 1 to ``most``."""
    raw = request.args.get(name, "")
    if not raw:
        return usual
    is_number = raw.isascii() and raw.isdecimal() and len(raw) <= len(str(most))
    if not (is_number and 1 <= int(raw) <= most):
        raise InvalidQueryError(f"{name}={raw[:20]!r} is not 1 to {most}")
    return int(raw)
