"""What a page shows as a document to take away, and its files as answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard
from urllib.parse import urlencode

from flask import Flask, Response, g, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from kb.domain import LessonId, Report, ReportStatus, Status
from kb.errors import InvalidQueryError, NotFoundError
from kb.export import FORMATS, Document, Entry, Section
from kb.export.words import facts, full_citation, paragraphs, short_citation
from kb.search import MAX_LIMIT, SearchQuery
from kb.store import Collection, Store
from kb.text import slugify
from web import auth
from web.access_log import remember_search
from web.addresses import public_url
from web.context import services, store
from web.language import language
from web.present import report_title, theme_label
from web.query import chosen, read_query, write_query

MOST_EXPORTED = MAX_LIMIT
"""One file holds at most so many lessons, and says so if there are more."""
MOST_IN_ADDRESS = 100
"""A collection that stands in an address holds at most so many lessons."""
PRINT = "utskrift"
"""The way out that is no file: a page made for paper."""
_CHOICES = ("docx", PRINT, *(name for name in FORMATS if name != "docx"))
GROUPINGS = ("", "tema", "program", "fase")
MAX_TITLE_CHARS, MAX_INTRO_CHARS = 200, 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The lessons an address names, in the order its page shows them.

    ``address`` is the path of that page, ``args`` are what addresses the same lessons elsewhere.
    ``total`` counts those there are, ``gone`` those that were named and cannot be read any more.
    ``grouping`` is how that page puts them together.
    """

    title: str
    address: str
    args: Mapping[str, Any]
    entries: tuple[Entry, ...]
    total: int
    query: str = ""
    gone: int = 0
    grouping: str = ""


def install(app: Flask) -> None:
    """Let the templates of ``app`` offer files and saving."""
    app.jinja_env.globals.update(
        export_choices=_CHOICES,
        export_formats=tuple(FORMATS),
        address_of=address_of,
        format_name=format_name,
        document_facts=facts,
        full_citation=full_citation,
        my_collections=my_collections,
        paragraphs=paragraphs,
        print_format=PRINT,
        saved_in=saved_in,
        source_words=lambda report, evidence: short_citation(report, evidence, language()),
    )


def format_name(name: str) -> str:
    """Return what a file format is called on a button."""
    names: dict[str, str] = {
        "docx": "Word",
        "xlsx": "Excel",
        "csv": "CSV",
        "md": "Markdown",
        "ris": "RIS",
        "bib": "BibTeX",
        "json": "CSL-JSON",
        PRINT: str(_("Skriv ut")),
    }
    return names[name]


def address_of(endpoint: str, args: Mapping[str, Any] | None = None, **values: Any) -> str:
    """Return the address of a page for the lessons that ``args`` name.

    Without them: those of the search that this page shows.
    """
    given = write_query(read_query(request.args)) if args is None else args
    query = urlencode(given, doseq=True)
    return url_for(endpoint, **values) + (f"?{query}" if query else "")


def new_document(
    *,
    title: str,
    sections: Iterable[Section],
    address: str = "",
    query: str = "",
    intro: str = "",
    checklist: Sequence[str] = (),
) -> Document:
    """Return a document in the reader's language, made today.

    ``address`` is the path of the page that shows the same; without one it is that of this request.
    """
    return Document(
        title=title,
        made=datetime.now(UTC).date(),
        language=language(),
        address=public_url() + (address or request.full_path.rstrip("?")),
        query=query,
        intro=intro,
        sections=tuple(sections),
        checklist=tuple(checklist),
        names=_names(),
    )


def answer(document: Document, name: str) -> Response | str:
    """Return the document as a file to keep, or as a page made for paper.

    Raises:
        NotFoundError: there is no such format.
    """
    if name == PRINT:
        return render_template("takeaway/print.html", document=document)
    form = FORMATS.get(name)
    if form is None:
        raise NotFoundError(f"format {name}")
    file = f"{slugify(document.title)[:60].strip('-')}.{form.name}"
    response = Response(form.write(document), mimetype=form.mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def read_selection(args: MultiDict[str, str]) -> Selection:
    """Return the lessons that an address names: ``l=…``, ``rapport=…``, or those of a search.

    Raises:
        InvalidQueryError: the search cannot be, or too many lessons are named.
        NotFoundError: there is no such report.
    """
    with store().reading():
        if "l" in args:
            return _named(store(), args.getlist("l"))
        if args.get("rapport"):
            return _of_report(store(), args["rapport"])
        return _found(store(), _first_page(args))


def entries_of(store: Store, ids: Sequence[LessonId]) -> tuple[Entry, ...]:
    """Return the lessons of ``ids`` that anyone may read, in this order, each with its report."""
    reports: dict[str, Report | None] = {}
    entries = []
    lessons = store.lessons(ids)
    for lesson in (lessons[each] for each in ids if each in lessons):
        if lesson.report_id not in reports:
            reports[lesson.report_id] = store.report(lesson.report_id)
        report = reports[lesson.report_id]
        if lesson.status is Status.PUBLISHED and _is_published(report):
            entries.append(Entry(lesson=lesson, report=report))
    return tuple(entries)


def grouped(entries: Sequence[Entry], by: str) -> tuple[Section, ...]:
    """Return ``entries`` in sections by their main theme, programme or phase; "" keeps the order.

    Raises:
        InvalidQueryError: there is no such grouping.
    """
    if by not in GROUPINGS:
        raise InvalidQueryError(f"gruppe={by[:20]!r}")
    if not by:
        heading = str(_("Lærdommer"))
        return (Section(heading=heading, entries=tuple(entries)),) if entries else ()
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_group(entry, by), []).append(entry)
    if by == "fase":
        order = [*(phase.id for phase in services().taxonomy.phases), ""]
        groups = {phase: groups[phase] for phase in order if phase in groups}
    return tuple(
        Section(heading=_group_name(members[0], by), entries=tuple(members))
        for members in groups.values()
    )


def with_total(selection: Selection, intro: str) -> str:
    """Return the introduction, told first how many lessons are left out."""
    if selection.total <= len(selection.entries):
        return intro
    told = _(
        "Filen har de %(some)s første av %(all)s lærdommer. Bruk filtre for å få med resten.",
        some=len(selection.entries),
        all=selection.total,
    )
    return f"{told}\n\n{intro}".strip()


def read_grouping(args: MultiDict[str, str], usual: str = "") -> str:
    """Return how the reader wants the lessons grouped; ``usual`` if they did not say."""
    return args.get("gruppe", usual)


def read_intro(args: MultiDict[str, str]) -> str:
    """Return the introduction that the reader wrote, with line ends as one sign."""
    return "\n".join(args.get("innledning", "").splitlines())[:MAX_INTRO_CHARS].strip()


def read_title(args: MultiDict[str, str]) -> str:
    """Return the title that the reader wrote, on one line."""
    return " ".join(args.get("tittel", "").split())[:MAX_TITLE_CHARS]


def saved_in(lesson_id: LessonId) -> str:
    """Return the name of the reader's collection that holds the lesson, or nothing."""
    if "saved_in" not in g:
        account = auth.account()
        g.saved_in = store().collections.holding(account.name) if account else {}
    return str(g.saved_in.get(lesson_id, ""))


def my_collections() -> tuple[Collection, ...]:
    """Return the reader's collections, last used first."""
    account = auth.account()
    everything = store().collections.all(account.name) if account else ()
    return tuple(one for one in everything if one.deleted is None)


def _first_page(args: MultiDict[str, str]) -> MultiDict[str, str]:
    first = args.copy()
    first.poplist("side")
    return first


def _named(store: Store, ids: Sequence[LessonId]) -> Selection:
    unique = tuple(dict.fromkeys(ids))
    if len(unique) > MOST_IN_ADDRESS:
        raise InvalidQueryError(f"{len(unique)} lessons in one address")
    entries = entries_of(store, unique)
    return Selection(
        title=str(_("Samling")),
        address=url_for("takeaway.collected", l=list(unique)),
        args={"l": list(unique)},
        entries=entries,
        total=len(entries),
        gone=len(unique) - len(entries),
    )


def _of_report(store: Store, report_id: str) -> Selection:
    report = store.report(report_id)
    if not _is_published(report):
        raise NotFoundError(f"report {report_id}")
    ids = store.lesson_ids(report_id=report_id, status=Status.PUBLISHED)
    entries = entries_of(store, ids[:MOST_EXPORTED])
    return Selection(
        title=report_title(report),
        address=url_for("reports.page", report_id=report_id),
        args={"rapport": report_id},
        entries=entries,
        total=len(ids),
    )


def _found(store: Store, args: MultiDict[str, str]) -> Selection:
    query = read_query(args)
    result = services().searcher.search(store, read_query(args, page_size=MOST_EXPORTED))
    remember_search(result)
    names = {programme.slug: programme.name for programme in store.programmes()}
    return Selection(
        title=_search_title(query, names),
        address=url_for("search.page", **write_query(query)),
        args=write_query(query),
        entries=tuple(Entry(lesson=hit.lesson, report=hit.report) for hit in result.hits),
        total=result.total,
        query=query.text,
        grouping=query.group or "",
    )


def _search_title(query: SearchQuery, names: Mapping[str, str]) -> str:
    if query.text:
        return str(_("Lærdommer om «%(question)s»", question=query.text))
    filters = chosen(query)
    if len(filters) == 1 and filters[0][0] in ("tema", "program"):
        name, value = filters[0]
        return theme_label(value) if name == "tema" else names.get(value, value)
    return str(_("Lærdommer"))


def _is_published(report: Report | None) -> TypeGuard[Report]:
    return report is not None and report.status is ReportStatus.PUBLISHED


def _group(entry: Entry, by: str) -> str:
    if by == "tema":
        return entry.lesson.tags[0].theme if entry.lesson.tags else ""
    return entry.report.programme.slug if by == "program" else entry.lesson.phase or ""


def _group_name(entry: Entry, by: str) -> str:
    if by == "program":
        return entry.report.programme.name
    value = _group(entry, by)
    if by == "tema":
        return theme_label(value) if value else str(_("Uten tema"))
    return _names().get(value, "") if value else str(_("Gjelder ikke én bestemt fase"))


def _names() -> dict[str, str]:
    taxonomy, here = services().taxonomy, language()
    terms = (*taxonomy.kinds, *taxonomy.phases, *taxonomy.report_types)
    return {
        **{term.id: term.label.in_language(here) for term in terms},
        **{theme.id: theme.label.in_language(here) for theme in taxonomy.themes},
    }
