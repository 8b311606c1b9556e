"""The document that tells programs what ``/api/v1`` takes and gives: OpenAPI 3.1.

Written by hand from the same values that the site checks against, so that it needs no library. The
tests let schemathesis hold every answer against it, and compare its paths with the routes.
"""

from collections.abc import Mapping
from typing import Any

from kb.domain import Kind, Phase, ProgrammeType, ReportType
from kb.floors import State
from kb.search import Group, Sort
from kb.taxonomy import LANGUAGES, Taxonomy
from kb.text import MAX_QUERY_CHARS
from web.query import FILTERS, GROUP, PAGE_SIZE, SORT

MAX_HITS, MAX_SIMILAR, SIMILAR = 100, 20, 5
MAX_PAGE = 10_000
PREFIX = "/api/v1"

Schema = dict[str, Any]

_FILTER_WORDS = {
    "tema": "Ids of themes (see /themes).",
    "program": "Ids of programmes (see /programmes).",
    "fase": "Phases of a programme.",
    "type": "Kinds of lessons.",
    "programtype": "One municipality, or several together.",
    "rapporttype": "Sorts of reports.",
    "ar": "Years that reports were published in.",
}
_ERRORS = {
    "400": "A parameter cannot be used (`invalid-query`).",
    "404": "There is no such thing, or it is not published (`not-found`).",
    "429": "Too many requests (`too-many-requests`); wait as many seconds as `Retry-After` says.",
    "503": "The base or the language model cannot be used now; `code` says why.",
}
_NONE: Mapping[str, Schema] = {}
_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{12}$"}


def document(taxonomy: Taxonomy, server: str) -> Schema:
    """Return the OpenAPI document of a site at ``server`` that uses ``taxonomy``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Erfaringsbanken",
            "version": "1",
            "summary": "Lessons from Norwegian restructuring programmes, each with its quote.",
            "description": _ABOUT,
        },
        "servers": [{"url": server + PREFIX}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(taxonomy),
            "responses": {f"error{code}": _problem(text) for code, text in _ERRORS.items()},
        },
    }


_ABOUT = (
    "Read-only and without a key. Every lesson is shown with a verbatim quote, the page it stands "
    "on and a permalink. `/search` gives the same lessons in the same order as the search page. "
    "Answers carry an `ETag`: ask again with `If-None-Match` and get 304 while nothing has "
    "changed. Lists come in pages: `side` is the page, `antall` how many stand on it; a `Link` "
    'header with `rel="next"` leads on. Errors are `application/problem+json` (RFC 9457) with a '
    "stable `code`. Unknown parameters are ignored."
)


def _paths() -> Schema:
    return {
        "/search": _get(
            "search",
            "Find lessons by meaning and words. Without `q` all lessons inside the filters.",
            "SearchResult",
            [_question(), *_filters(), *_ways(), *_paging()],
        ),
        "/lessons/{lesson_id}": _get(
            "lesson", "One lesson with its quotes.", "Lesson", [_path_id("lesson_id")], moves=True
        ),
        "/lessons/{lesson_id}/similar": _get(
            "similar",
            "Lessons of other programmes that say nearly the same, nearest first.",
            "SimilarLessons",
            [_path_id("lesson_id"), _number("antall", SIMILAR, MAX_SIMILAR, "At most so many.")],
            moves=True,
        ),
        "/reports": _get("reports", "Published reports, newest first.", "Reports", _paging()),
        "/reports/{report_id}": _get("report", "One report.", "Report", [_path_id("report_id")]),
        "/programmes": _get(
            "programmes", "Programmes with a published report.", "Programmes", _paging()
        ),
        "/themes": _get("themes", "What lessons are about.", "Themes", _paging()),
        "/phases": _get("phases", "The phases of a programme, in order.", "Phases", _paging()),
    }


def _get(
    name: str, summary: str, schema: str, parameters: list[Schema], *, moves: bool = False
) -> Schema:
    headers = {
        name: {"schema": {"type": "string"}} for name in ("ETag", "Last-Modified", "Cache-Control")
    }
    answers: Schema = {
        "200": {
            "description": "The answer.",
            "headers": headers,
            "content": {"application/json": {"schema": _ref(schema)}},
        },
        "304": {"description": "Nothing has changed since the answer with this `ETag`."},
    }
    if moves:
        answers["302"] = {
            "description": "Another lesson has taken over; `Location` leads to it.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        }
    for code in _ERRORS:
        answers[code] = {"$ref": f"#/components/responses/error{code}"}
    operation = {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": answers,
    }
    return {"get": operation}


def _question() -> Schema:
    text = f"A question or some words; what is beyond {MAX_QUERY_CHARS} characters is cut off."
    return _parameter("q", text, {"type": "string"})


def _filters() -> list[Schema]:
    filters = []
    for each in FILTERS.values():
        item: Schema = {"type": "string", "minLength": 1, "maxLength": 120}
        if each.allowed is not None:
            item = {"type": "string", "enum": sorted(each.allowed)}
        if each.name == "ar":
            item = {"type": "integer", "minimum": 1900, "maximum": 2199}
        schema = {"type": "array", "items": item, "maxItems": 60}
        text = f"{_FILTER_WORDS[each.name]} Repeated, it means «or»."
        filters.append(_parameter(each.name, text, schema) | {"style": "form", "explode": True})
    return filters


def _ways() -> list[Schema]:
    order: Schema = {"type": "string", "enum": list(Sort), "default": Sort.RELEVANCE.value}
    groups: Schema = {"type": "string", "enum": list(Group)}
    return [
        _parameter(SORT, "Best first, or by the year of the report.", order),
        _parameter(
            GROUP, "Put hits together; `results` is empty then, and pages are of groups.", groups
        ),
    ]


def _paging() -> list[Schema]:
    return [
        _number("side", 1, MAX_PAGE, "The page, from 1."),
        _number("antall", PAGE_SIZE, MAX_HITS, "How many stand on a page."),
    ]


def _number(name: str, default: int, most: int, text: str) -> Schema:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return _parameter(name, text, schema)


def _parameter(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _path_id(name: str) -> Schema:
    text = "Twelve hexadecimal digits, as in the address of the page."
    return {"name": name, "in": "path", "required": True, "description": text, "schema": _ID}


def _problem(text: str) -> Schema:
    return {
        "description": text,
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }


def _schemas(taxonomy: Taxonomy) -> Schema:
    text, whole = {"type": "string"}, {"type": "integer", "minimum": 0}
    address = {"type": "string", "format": "uri"}
    maybe_text, maybe_year = {"type": ["string", "null"]}, {"type": ["integer", "null"]}
    words = _object(dict.fromkeys(LANGUAGES, text))
    phase = {"type": ["string", "null"], "enum": [*Phase, None]}
    programme_type = {"type": ["string", "null"], "enum": [*ProgrammeType, None]}
    report_type = {"type": ["string", "null"], "enum": [*ReportType, None]}
    themes = {"type": "array", "items": {"enum": [theme.id for theme in taxonomy.themes]}}
    said: Schema = {
        "id": _ID,
        "statement": text,
        "kind": {"enum": list(Kind)},
        "themes": themes,
        "phase": phase,
        "programme": text,
        "report": text,
        "quotes": {"type": "array", "items": _ref("Quote"), "minItems": 1},
        "url": address,
    }
    hit = {"score": {"type": "number"}, "rank": {"type": "integer", "minimum": 1}}
    match = {"enum": ["words", "meaning", "both", ""]}
    about = {"report_type": report_type, "year": maybe_year}
    same = {"nearly_same": {"type": "array", "items": _ID}}
    found = {
        "query": text,
        "no_match": {"type": "boolean"},
        "took_ms": {"type": "number"},
        "state": _told({"enum": list(State)}, "`weak`: nothing reaches the floor; see `weak`."),
        "weak": {"type": "array", "items": _ref("Hit")},
        "did_you_mean": maybe_text,
        "hints": {"type": "array", "items": _ref("Hint")},
    }
    hits: Schema = {"type": "array", "items": _ref("Hit")}
    groups = _told({"type": "array", "items": _ref("Group")}, "Only where they are asked for.")
    named = {"id": text, "label": words, "lessons": whole, "url": address, "feed": address}
    return {
        "Quote": _object(
            {
                "text": _told(text, "Verbatim."),
                "page": _told({"type": "integer", "minimum": 1}, "Counted from 1 in the file."),
                "section": _told(text, "The headings above it, joined by ` › `."),
                "url": _told(address, "The page of the report with the quote marked."),
            }
        ),
        "Hit": _object(said | hit | {"match": match} | about | same),
        "Hint": _object(
            {
                "field": _told(text, "A field in the question that does not exist, or its value."),
                "value": text,
                "known": {"type": "array", "items": text},
            }
        ),
        "Group": _object({"value": text, "total": whole, "results": hits}),
        "SearchResult": _object(found | {"total": whole, "results": hits}, {"groups": groups}),
        "Lesson": _object(
            said | {"status": {"const": "published"}, "language": text, "report_id": _ID}
        ),
        "SimilarLessons": _page_of("Lesson", MAX_SIMILAR),
        "Report": _object(
            {
                "id": _ID,
                "file": text,
                "title": maybe_text,
                "note": _told(maybe_text, "A remark on the cover that every reader must see."),
                "programme": _told(text, "Id of the programme."),
                "report_type": report_type,
                "year": maybe_year,
                "contractor": maybe_text,
                "client": maybe_text,
                "language": text,
                "pages": {"type": ["integer", "null"]},
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "lessons": whole,
                "url": address,
                "file_url": address,
            }
        ),
        "Reports": _page_of("Report"),
        "Programme": _object(
            {
                "id": text,
                "name": text,
                "place": maybe_text,
                "programme_type": programme_type,
                "period_from": maybe_year,
                "period_to": maybe_year,
                "lessons": whole,
                "reports": {"type": "array", "items": _ID},
                "url": address,
                "feed": address,
            }
        ),
        "Programmes": _page_of("Programme"),
        "Theme": _object(named | {"group": text, "definition": words}),
        "Themes": _page_of("Theme"),
        "Phase": _object(named),
        "Phases": _page_of("Phase"),
        "Problem": _object(
            {
                "type": {"const": "about:blank"},
                "title": text,
                "status": {"type": "integer"},
                "code": _told(text, "Stable; see the operations manual."),
                "detail": _told(text, "A sentence for people, in the language they ask for."),
            }
        ),
    }


def _page_of(schema: str, most: int = MAX_HITS) -> Schema:
    results = {"type": "array", "items": _ref(schema), "maxItems": most}
    return _object({"total": {"type": "integer", "minimum": 0}, "results": results})


def _object(always: Mapping[str, Schema], sometimes: Mapping[str, Schema] = _NONE) -> Schema:
    properties = {**always, **sometimes}
    return {"type": "object", "properties": properties, "required": list(always)}


def _told(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
