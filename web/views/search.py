"""The results page: hits, counts for every filter, and what is chosen."""

from collections import Counter
from dataclasses import dataclass, replace

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from kb.errors import NotFoundError
from kb.narrow import Hint
from kb.question import parse
from kb.search import FacetCount, Group, Hit, HitGroup, SearchQuery, SearchResult, Sort
from kb.store import Store
from web.access_log import remember_search
from web.context import services, store
from web.present import label, theme_label
from web.query import (
    FILTERS,
    GROUP,
    SORT,
    all_of_group,
    chosen,
    page_number,
    page_window,
    read_query,
    without,
    without_filters,
    write_query,
)

bp = Blueprint("search", __name__)
_SPELT = {"ar": "år", "utforer": "utfører"}
"""How people write the names of fields that an address has without Norwegian letters."""
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
class Way:
    """A way to order or group the hits, and the address that does so."""

    label: str
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGroup:
    """A group of hits as the reader sees it; no ``address`` where no filter gives all of it."""

    id: str
    label: str
    total: int
    more: int
    hits: tuple[Hit, ...]
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What the results page shows. ``hits_without_filters`` is only counted if there are none.

    ``elsewhere`` tells for each lesson shown how many other programmes have a similar one;
    ``folded`` how many lessons stand behind another of their report. ``did_you_mean`` is a question
    and its address. ``hints`` are pairs of what was not understood and values that exist.
    """

    query: SearchQuery
    result: SearchResult
    elsewhere: dict[str, int]
    folded: int
    groups: tuple[ShownGroup, ...]
    sorts: tuple[Way, ...]
    groupings: tuple[Way, ...]
    kept: tuple[tuple[str, str], ...]
    did_you_mean: tuple[str, str] | None
    hints: tuple[tuple[str, str], ...]
    address_without_phrases: str
    feed_address: str
    saving_address: str
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
    if query.offset >= max(result.items, 1):
        raise NotFoundError(f"page {page_number(query)} of {result.items} hits")
    names = {programme.slug: programme.name for programme in store.programmes()}
    last = -(-result.items // query.limit)
    groups = tuple(_shown_group(query, group, names) for group in result.groups)
    shown = (*result.hits, *result.weak, *(hit for group in groups for hit in group.hits))
    return Results(
        query=query,
        result=result,
        elsewhere={
            hit.lesson.id: services().searcher.programmes_with_similar(store, hit.lesson.id)
            for hit in shown
        },
        feed_address=url_for("feeds.search", **write_query(query)),
        saving_address=url_for("saved.page", **write_query(query)),
        folded=0 if query.group else result.total - result.items,
        groups=groups,
        sorts=_sorts(query),
        groupings=_groupings(query),
        kept=tuple(
            (name, value) for name, value in write_query(query).items() if name in (SORT, GROUP)
        ),
        did_you_mean=_suggestion(query, result),
        hints=tuple(_hint(hint, names) for hint in result.hints),
        address_without_phrases=_address(replace(query, text=_unquoted(query.text), offset=0)),
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
        themes=_themes_with_content(store) if result.no_match else (),
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


def _sorts(query: SearchQuery) -> tuple[Way, ...]:
    names = {
        Sort.RELEVANCE: _("Mest treffende"),
        Sort.NEWEST: _("Nyeste rapport"),
        Sort.OLDEST: _("Eldste rapport"),
    }
    return tuple(
        Way(
            label=name,
            address=_address(replace(query, sort=sort, offset=0)),
            is_chosen=query.sort is sort,
        )
        for sort, name in names.items()
    )


def _groupings(query: SearchQuery) -> tuple[Way, ...]:
    names: dict[Group | None, str] = {None: _("Ingen")}
    names |= {group: _legend(group) for group in Group}
    return tuple(
        Way(
            label=name,
            address=_address(replace(query, group=group, offset=0)),
            is_chosen=query.group is group,
        )
        for group, name in names.items()
    )


def _shown_group(query: SearchQuery, group: HitGroup, names: dict[str, str]) -> ShownGroup:
    behind = sum(1 + len(hit.twins) for hit in group.hits)
    facet = query.group or Group.PROGRAMME
    return ShownGroup(
        id=group.value or "uten",
        label=_value_label(facet, group.value, names) if group.value else _without(facet),
        total=group.total,
        more=group.total - behind,
        hits=group.hits,
        address=_address(all_of_group(query, group.value)) if group.value else None,
    )


def _without(group: Group) -> str:
    names = {
        Group.PROGRAMME: _("Uten program"),
        Group.THEME: _("Uten tema"),
        Group.PHASE: _("Uten fase"),
    }
    return str(names[group])


def _suggestion(query: SearchQuery, result: SearchResult) -> tuple[str, str] | None:
    if result.did_you_mean is None:
        return None
    other = replace(query, text=result.did_you_mean, offset=0)
    return result.did_you_mean, _address(other)


def _hint(hint: Hint, names: dict[str, str]) -> tuple[str, str]:
    """Return what was written and not understood, and what may stand there instead."""
    written = f"{_SPELT.get(hint.field, hint.field)}:{hint.value}"
    if not hint.value:
        return written, ", ".join(f"{_SPELT.get(name, name)}:" for name in hint.known)
    shown = (_value_label(hint.field, value, names) for value in hint.known)
    return written, ", ".join(shown)


def _unquoted(text: str) -> str:
    return parse(text).text


def _hits_without_filters(store: Store, query: SearchQuery, result: SearchResult) -> int:
    if not result.no_match or not chosen(query):
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
