"""A search as an address and back: the one place that knows ``?q=&tema=&program=…``.

Everything about a search stands in its address, so that it can be bookmarked, shared and printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from kb.domain import Kind, Phase, ProgrammeType, ReportType
from kb.errors import InvalidQueryError
from kb.search import Group, SearchQuery, Sort
from kb.text import MAX_QUERY_CHARS, normalise

PAGE_SIZE = 20
GROUPS_PER_PAGE = 10
SORT, GROUP = "sorter", "grupper"
"""Their names in the address; without them hits come by relevance and one by one."""
_MAX_PAGE = 10_000
_MAX_VALUES = 60
_MAX_VALUE_CHARS = 120
_YEARS = range(1900, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter: its name in the address (and among the facets), its field in ``SearchQuery``.

    ``allowed`` are the only values there are; None where the base decides (themes, programmes).
    """

    name: str
    field: str
    allowed: frozenset[str] | None = None


FILTERS: Mapping[str, Filter] = {
    each.name: each
    for each in (
        Filter(name="tema", field="themes"),
        Filter(name="program", field="programmes"),
        Filter(name="fase", field="phases", allowed=frozenset(Phase)),
        Filter(name="type", field="kinds", allowed=frozenset(Kind)),
        Filter(name="programtype", field="programme_types", allowed=frozenset(ProgrammeType)),
        Filter(name="rapporttype", field="report_types", allowed=frozenset(ReportType)),
        Filter(name="ar", field="years"),
    )
}
"""All filters, in the order they are shown."""


def read_query(args: MultiDict[str, str], *, page_size: int | None = None) -> SearchQuery:
    """Return the search that an address asks for. Unknown names are ignored, empty values too.

    A theme or programme that the base does not know is kept and finds nothing; the reader sees it
    among the chosen filters and can remove it. With a ``page_size`` the hits are for a program or a
    file: every lesson by itself, in no groups.

    Raises:
        InvalidQueryError: a value cannot be what its name says, or there are too many.
    """
    page = _page(args.get("side", ""))
    sort, group = _sort(args.get(SORT, "")), _group(args.get(GROUP, ""))
    is_for_people = page_size is None
    if page_size is None:
        page_size = GROUPS_PER_PAGE if group else PAGE_SIZE
    return SearchQuery(
        text=normalise(args.get("q", "").replace("\n", " "))[:MAX_QUERY_CHARS].strip(),
        themes=_values(args, FILTERS["tema"]),
        programmes=_values(args, FILTERS["program"]),
        phases=_values(args, FILTERS["fase"]),
        kinds=_values(args, FILTERS["type"]),
        programme_types=_values(args, FILTERS["programtype"]),
        report_types=_values(args, FILTERS["rapporttype"]),
        years=frozenset(_year(raw) for raw in _values(args, FILTERS["ar"])),
        sort=sort,
        group=group if is_for_people else None,
        is_folded=is_for_people,
        offset=(page - 1) * page_size,
        limit=page_size,
    )


def write_query(query: SearchQuery, *, page: int = 1) -> dict[str, Any]:
    """Return what ``url_for`` needs to address ``query``; ``read_query`` gives it back."""
    address: dict[str, Any] = {"q": query.text} if query.text else {}
    for each in FILTERS.values():
        values = sorted(str(value) for value in getattr(query, each.field))
        if values:
            address[each.name] = values
    if query.sort is not Sort.RELEVANCE:
        address[SORT] = query.sort.value
    if query.group is not None:
        address[GROUP] = query.group.value
    if page > 1:
        address["side"] = str(page)
    return address


def all_of_group(query: SearchQuery, value: str) -> SearchQuery:
    """Return the search for one group of ``query``: a filter instead of the grouping."""
    if query.group is None:
        raise ValueError("the query has no groups")
    field = FILTERS[query.group.value].field
    alone = replace(query, group=None, limit=PAGE_SIZE)
    return _with(alone, field, frozenset({value}))


def without(query: SearchQuery, name: str, value: str) -> SearchQuery:
    """Return ``query`` without one value of the filter ``name``, from the first hit on."""
    field = FILTERS[name].field
    kept = frozenset(each for each in getattr(query, field) if str(each) != value)
    return _with(query, field, kept)


def without_filters(query: SearchQuery) -> SearchQuery:
    """Return only the question of ``query``, in the same order and groups."""
    return SearchQuery(
        text=query.text,
        sort=query.sort,
        group=query.group,
        is_folded=query.is_folded,
        limit=query.limit,
    )


def chosen(query: SearchQuery) -> tuple[tuple[str, str], ...]:
    """Return (filter name, value) of every filter value that is set, in the order shown."""
    return tuple(
        (each.name, value)
        for each in FILTERS.values()
        for value in sorted(str(value) for value in getattr(query, each.field))
    )


def page_number(query: SearchQuery) -> int:
    """Return the 1-based page of hits that ``query`` asks for."""
    return query.offset // query.limit + 1


def page_window(current: int, last: int) -> tuple[int | None, ...]:
    """Return the page numbers to show, at most nine; None stands for a gap."""
    shown = sorted({1, last, *range(max(1, current - 2), min(last, current + 2) + 1)})
    window: list[int | None] = []
    for previous, number in zip([0, *shown], shown, strict=False):
        if number - previous == 2:  # noqa: PLR2004 - a gap of one is shorter written out
            window.append(number - 1)
        elif number - previous > 1:
            window.append(None)
        window.append(number)
    return tuple(window)


def _with(query: SearchQuery, field: str, values: frozenset[str] | frozenset[int]) -> SearchQuery:
    changes: dict[str, object] = {field: values, "offset": 0}
    return replace(query, **changes)  # type: ignore[arg-type]  # the field's name is a value here


def _values(args: MultiDict[str, str], each: Filter) -> frozenset[str]:
    given = args.getlist(each.name)
    values = frozenset(value for raw in given if (value := normalise(raw)))
    if len(given) > _MAX_VALUES or any(len(value) > _MAX_VALUE_CHARS for value in values):
        raise InvalidQueryError(f"{each.name} has too many or too long values")
    if each.allowed is not None and not values <= each.allowed:
        raise InvalidQueryError(f"{each.name} is one of {', '.join(sorted(each.allowed))}")
    return values


def _sort(raw: str) -> Sort:
    try:
        return Sort(raw) if raw else Sort.RELEVANCE
    except ValueError as error:
        raise InvalidQueryError(f"{SORT} is one of {', '.join(Sort)}") from error


def _group(raw: str) -> Group | None:
    try:
        return Group(raw) if raw else None
    except ValueError as error:
        raise InvalidQueryError(f"{GROUP} is one of {', '.join(Group)}") from error


def _year(raw: str) -> int:
    if not (raw.isascii() and raw.isdecimal() and len(raw) == 4 and int(raw) in _YEARS):  # noqa: PLR2004 - four digits make a year
        raise InvalidQueryError(f"ar={raw[:20]!r} is not a year")
    return int(raw)


def _page(raw: str) -> int:
    raw = raw.strip()
    if not raw:
        return 1
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 5 and 1 <= int(raw) <= _MAX_PAGE):  # noqa: PLR2004 - the length of _MAX_PAGE
        raise InvalidQueryError(f"side={raw[:20]!r} is not a page of hits")
    return int(raw)
