"""Files of what a page shows, a collection that needs no account, and the note made of either."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from kb.errors import NotFoundError
from kb.export import FORMATS, Section
from kb.search import Hit, SearchQuery
from kb.text import MAX_QUERY_CHARS, normalise
from web.access_log import remember_search
from web.context import services, store
from web.takeaway import (
    GROUPINGS,
    MAX_INTRO_CHARS,
    MAX_TITLE_CHARS,
    MOST_IN_ADDRESS,
    PRINT,
    Selection,
    answer,
    grouped,
    new_document,
    read_grouping,
    read_intro,
    read_selection,
    read_title,
    with_total,
)

bp = Blueprint("takeaway", __name__)
_HITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A lesson that can be put into the collection in the address, and how."""

    hit: Hit
    address: str
    is_in: bool


@bp.get("/eksport/<name>")
def export(name: str) -> Response | str:
    """Give the lessons in the address as a file, in the order of their page, all of them."""
    if name not in FORMATS and name != PRINT:
        raise NotFoundError(f"format {name}")
    selection = read_selection(request.args)
    nothing = Section(heading=str(_("Lærdommer")), text=str(_("Ingen lærdommer passer.")))
    document = new_document(
        title=read_title(request.args) or selection.title,
        address=selection.address,
        query=selection.query,
        intro=with_total(selection, read_intro(request.args)),
        sections=grouped(selection.entries, read_grouping(request.args, selection.grouping))
        or (nothing,),
    )
    return answer(document, name)


@bp.get("/notat")
def note() -> str:
    """Let the reader give the lessons in the address a title, words of their own and an order."""
    selection = read_selection(request.args)
    grouping = read_grouping(request.args, selection.grouping or "tema")
    sections = grouped(selection.entries, grouping)
    return render_template(
        "takeaway/note.html",
        selection=selection,
        sections=sections,
        grouping=grouping,
        groupings=GROUPINGS,
        title=read_title(request.args) or selection.title,
        intro=read_intro(request.args),
        max_title=MAX_TITLE_CHARS,
        max_intro=MAX_INTRO_CHARS,
    )


@bp.get("/samling")
def collected() -> str:
    """Show a collection that stands in the address alone; ``?q=`` finds more for it."""
    ids = list(dict.fromkeys(request.args.getlist("l")))
    selection = read_selection(request.args) if ids else None
    question = normalise(request.args.get("q", "").replace("\n", " "))[:MAX_QUERY_CHARS].strip()
    return render_template(
        "takeaway/collected.html",
        selection=selection,
        rows=_rows(selection, question),
        ids=ids,
        question=question,
        found=_found(question, ids),
        most=MOST_IN_ADDRESS,
    )


def _rows(selection: Selection | None, question: str) -> list[dict[str, Any]]:
    """Return each lesson with the addresses of the collection without it, or with it elsewhere."""
    entries = selection.entries if selection else ()
    ids = [entry.lesson.id for entry in entries]
    rows = []
    for place, entry in enumerate(entries):
        rest = ids[:place] + ids[place + 1 :]
        up = [*rest[: place - 1], ids[place], *rest[place - 1 :]] if place else None
        down = [*rest[: place + 1], ids[place], *rest[place + 1 :]] if rest[place:] else None
        rows.append(
            {
                "entry": entry,
                "without": _address(rest, question),
                "up": _address(up, question) if up else "",
                "down": _address(down, question) if down else "",
            }
        )
    return rows


def _found(question: str, ids: list[str]) -> tuple[Found, ...]:
    if not question:
        return ()
    result = services().searcher.search(store(), SearchQuery(text=question, limit=_HITS))
    remember_search(result)
    return tuple(
        Found(
            hit=hit,
            address=_address([*ids, hit.lesson.id], question),
            is_in=hit.lesson.id in ids,
        )
        for hit in result.hits
    )


def _address(ids: list[str], question: str) -> str:
    return url_for("takeaway.collected", l=ids, q=question or None)
