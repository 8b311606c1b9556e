"""Atom feeds (RFC 4287): the lessons somebody follows, last published first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

from kb.domain import Lesson, LessonId, Report
from kb.store import Publication, Store
from web.addresses import tag, whole
from web.context import services
from web.present import page_words, theme_label

MAX_ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_AGO = Publication(change=0, at="1970-01-01T00:00:00+00:00")
"""For a lesson that was published before there was a history: Atom asks for a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a feed is about. ``path`` names it for ever; ``page`` shows the same to people."""

    path: str
    title: str
    own: str
    page: str
    language: str


def newest(store: Store, ids: Sequence[LessonId]) -> tuple[LessonId, ...]:
    """Return those of ``ids`` that were published last; equally new ones keep their order."""
    known = publications(store)
    order = sorted(ids, key=lambda id_: -known.get(id_, _LONG_AGO).change)
    return tuple(order[:MAX_ENTRIES])


def publications(store: Store) -> dict[LessonId, Publication]:
    """Return when each lesson was published; read once for each state of the base."""
    with store.reading():
        return _publications(services().config.home, store.generation())


@lru_cache(maxsize=2)
def _publications(home: Path, _generation: int) -> dict[LessonId, Publication]:
    with Store.open(home) as own:
        return own.publications.all()


def write(feed: Feed, entries: Sequence[tuple[Lesson, Report, Publication | None]], at: str) -> str:
    """Return the feed as XML; ``at`` is its time while it has no entries."""
    root = ET.Element("feed", {"xmlns": _ATOM, _LANG: feed.language})
    _text(root, "id", tag(feed.path))
    _text(root, "title", feed.title)
    times = [(when or _LONG_AGO).at for _, _, when in entries]
    _text(root, "updated", max(times, default=at))
    _link(root, "self", feed.own, "application/atom+xml")
    _link(root, "alternate", feed.page, "text/html")
    author = ET.SubElement(root, "author")
    _text(author, "name", "Erfaringsbanken")
    for lesson, report, when in entries:
        _entry(root, lesson, report, when or _LONG_AGO)
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


def _entry(root: ET.Element, lesson: Lesson, report: Report, when: Publication) -> None:
    entry = ET.SubElement(root, "entry", {_LANG: lesson.language})
    first = lesson.evidence[0]
    _text(entry, "id", tag(f"laerdom/{lesson.id}"))
    _text(entry, "title", lesson.statement)
    _text(entry, "updated", when.at)
    _text(entry, "published", when.at)
    _link(entry, "alternate", whole("lessons.page", lesson_id=lesson.id), "text/html")
    _link(entry, "via", _source(lesson, report, first.page), "text/html")
    author = ET.SubElement(entry, "author")
    _text(author, "name", report.contractor or report.client or report.programme.name)
    for tagged in lesson.tags:
        ET.SubElement(entry, "category", term=tagged.theme, label=theme_label(tagged.theme))
    content = ET.SubElement(entry, "content", type="html")
    content.text = _clean(_as_html(lesson, report))


def _as_html(lesson: Lesson, report: Report) -> Markup:
    """Return the statement with each quote, where it stands, and the remark on the cover."""
    html = Markup("<p>{}</p>").format(lesson.statement)
    for one in lesson.evidence:
        html += Markup('<blockquote><p>«{}»</p></blockquote><p><a href="{}">{}, {}</a></p>').format(
            one.quote,
            _source(lesson, report, one.page),
            report.programme.name,
            page_words(one),
        )
    if report.note:
        html += Markup("<p><strong>{}</strong></p>").format(report.note)
    return html


def _source(lesson: Lesson, report: Report, page: int) -> str:
    return whole("source.page", report_id=report.id, number=page, l=lesson.id)


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _clean(text)


def _link(parent: ET.Element, relation: str, address: str, kind: str) -> None:
    ET.SubElement(parent, "link", rel=relation, href=address, type=kind)


def _clean(text: str) -> str:
    """Return ``text`` without what XML cannot hold."""
    return _NOT_XML.sub("", text)
