"""The results page: hits, counts for every filter, and what is chosen."""

from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from kb.errors import NotFoundError
from kb.search import FacetCount, Hit, SearchQuery, SearchResult
from kb.store import Store
from web.access_log import remember_search
from web.context import services, store
from web.present import label, theme_label
from web.query import (
    FILTERS,
    chosen,
    page_number,
    page_window,
    read_query,
    without,
    without_filters,
    write_query,
)

bp = Blueprint("search", __name__)
_SIMILAR = 3
_SHOWN_VALUES = 8
"""A longer filter folds the rest away, chosen values excepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value of a filter as the reader sees it."""

    name: str
    value: str
    label: str
    count: int
    is_selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A filter with the values that would give hits: some shown, the rest folded away."""

    name: str
    legend: str
    shown: tuple[Choice, ...]
    folded: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A filter value that is set, and the address without it."""

    legend: str
    label: str
    address_without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What the results page shows. ``hits_without_filters`` is only counted if there are none."""

    query: SearchQuery
    result: SearchResult
    similar: dict[str, tuple[Hit, ...]]
    facets: tuple[Facet, ...]
    chosen: tuple[Chosen, ...]
    address_without_filters: str
    hits_without_filters: int
    themes: tuple[tuple[str, int], ...]
    page: int
    pages: tuple[tuple[int | None, str], ...]


@bp.get("/sok")
def page() -> str:
    """Show ranked lessons for the search in the address; htmx gets only the part that changes."""
    query = read_query(request.args)
    results = _results(store(), query, services().searcher.search(store(), query))
    is_part = request.headers.get("HX-Request") == "true"
    return render_template("search/part.html" if is_part else "search/page.html", results=results)


def _results(store: Store, query: SearchQuery, result: SearchResult) -> Results:
    remember_search(result)
    if query.offset and not result.hits:
        raise NotFoundError(f"page {page_number(query)} of {result.total} hits")
    names = {programme.slug: programme.name for programme in store.programmes()}
    last = -(-result.total // query.limit)
    return Results(
        query=query,
        result=result,
        similar={
            hit.lesson.id: services().searcher.similar(
                store, hit.lesson.id, _SIMILAR, elsewhere=True
            )
            for hit in result.hits
        },
        facets=_facets(result, names),
        chosen=tuple(
            Chosen(
                legend=_legend(name),
                label=_value_label(name, value, names),
                address_without=_address(without(query, name, value)),
            )
            for name, value in chosen(query)
        ),
        address_without_filters=_address(without_filters(query)),
        hits_without_filters=_hits_without_filters(store, query, result),
        themes=_themes_with_content(store) if not result.hits else (),
        page=page_number(query),
        pages=tuple(
            (number, _address(query, number) if number else "")
            for number in page_window(page_number(query), last)
        )
        if last > 1
        else (),
    )


def _address(query: SearchQuery, page: int = 1) -> str:
    return url_for("search.page", **write_query(query, page=page))


def _hits_without_filters(store: Store, query: SearchQuery, result: SearchResult) -> int:
    if result.hits or not chosen(query):
        return 0
    return services().searcher.search(store, without_filters(query)).total


def _themes_with_content(store: Store) -> tuple[tuple[str, int], ...]:
    counts = Counter(theme for row in store.facets() for theme in row.themes)
    return tuple(
        (each.id, counts[each.id]) for each in services().taxonomy.themes if counts[each.id]
    )


def _facets(result: SearchResult, names: dict[str, str]) -> tuple[Facet, ...]:
    facets = []
    for name in FILTERS:
        choices = _choices(name, result.facets.get(name, ()), names)
        shown = tuple(
            choice
            for place, choice in enumerate(choices)
            if place < _SHOWN_VALUES or choice.is_selected
        )
        folded = tuple(choice for choice in choices if choice not in shown)
        if choices:
            facets.append(Facet(name=name, legend=_legend(name), shown=shown, folded=folded))
    return tuple(facets)


def _choices(name: str, counts: tuple[FacetCount, ...], names: dict[str, str]) -> list[Choice]:
    choices = [
        Choice(
            name=name,
            value=each.value,
            label=_value_label(name, each.value, names),
            count=each.count,
            is_selected=each.is_selected,
        )
        for each in counts
        if each.count or each.is_selected
    ]
    if name == "ar":
        choices.sort(key=lambda choice: choice.value, reverse=True)
    if name == "fase":
        order = [phase.id for phase in services().taxonomy.phases]
        choices.sort(key=lambda choice: order.index(choice.value))
    return choices


def _legend(name: str) -> str:
    legends: dict[str, str] = {
        "tema": _("Tema"),
        "program": _("Program"),
        "fase": _("Fase"),
        "type": _("Type lærdom"),
        "programtype": _("Programtype"),
        "rapporttype": _("Type rapport"),
        "ar": _("Rapportår"),
    }
    return legends[name]


def _value_label(name: str, value: str, names: dict[str, str]) -> str:
    taxonomy = services().taxonomy
    terms = {
        "fase": taxonomy.phases,
        "type": taxonomy.kinds,
        "programtype": taxonomy.programme_types,
        "rapporttype": taxonomy.report_types,
    }
    if name in terms:
        return label(terms[name], value)
    return theme_label(value) if name == "tema" else names.get(value, value)
