"""Words and pieces that templates show: names in the page's language, marked text, citations."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from flask import Flask
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from markupsafe import Markup, escape

from kb.domain import Evidence, Lesson, Programme, Report
from kb.taxonomy import Term
from web.context import services
from web.language import language

_FRAGMENT_WORDS = 4
_KIND_LOOKS = {
    "success": ("success", "CheckmarkCircle"),
    "warning": ("warning", "ExclamationmarkTriangle"),
    "recommendation": ("info", "LightBulb"),
    "challenge": ("neutral", "Weight"),
}


def install(app: Flask) -> None:
    """Let the templates of ``app`` use the functions below."""
    app.jinja_env.filters["marked"] = marked
    app.jinja_env.globals.update(
        citation=citation,
        kind_looks=_KIND_LOOKS,
        label=label,
        page_words=page_words,
        report_title=report_title,
        report_type=report_type,
        services=services,
        size_words=size_words,
        theme_label=theme_label,
        wording=wording,
    )


def count_words(number: int) -> str:
    """Return a count as the page's language groups its digits."""
    return str(format_decimal(number))


def size_words(programme: Programme) -> str | None:
    """Return how large a programme is: «6 kommuner, 21 000 innbyggere, 60 millioner kroner»."""
    parts = []
    if programme.municipalities is not None:
        parts.append(ngettext("%(num)s kommune", "%(num)s kommuner", programme.municipalities))
    if programme.inhabitants is not None:
        people = count_words(programme.inhabitants)
        parts.append(_("%(count)s innbyggere", count=people))
    if programme.budget:
        parts.append(programme.budget)
    return ", ".join(map(str, parts)) or None


def label(terms: Iterable[Term], term_id: str) -> str:
    """Return the name of a kind, phase or type in the page's language; the id if it has none."""
    return next(
        (term.label.in_language(language()) for term in terms if term.id == term_id), term_id
    )


def theme_label(theme_id: str) -> str:
    """Return the name of a theme in the page's language; the id if the taxonomy lacks it."""
    theme = services().taxonomy.theme(theme_id)
    return theme.label.in_language(language()) if theme else theme_id


def wording(term: Term) -> str:
    """Return a term's definition in the page's language, or nothing."""
    return term.definition.in_language(language()) if term.definition else ""


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """Return ``text`` as HTML with each (start, end) in a ``<mark>``; overlaps are joined."""
    html, position = Markup(), 0
    for start, end in _joined(spans, len(text)):
        html += escape(text[position:start])
        html += Markup("<mark>{}</mark>").format(text[start:end])
        position = end
    return html + escape(text[position:])


def _joined(spans: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return joined


def report_type(report: Report) -> str:
    """Return what sort of report it is in the page's language; «Rapport» if we do not know."""
    if report.report_type is None:
        return str(_("Rapport"))
    return label(services().taxonomy.report_types, report.report_type)


def report_title(report: Report) -> str:
    """Return the report's title, or its file name where no title was found."""
    return report.title or report.file


def page_words(evidence: Evidence) -> str:
    """Return «side 12» or «side 12–13»."""
    if evidence.last_page > evidence.page:
        return str(_("side %(first)s–%(last)s", first=evidence.page, last=evidence.last_page))
    return str(_("side %(page)s", page=evidence.page))


def citation(lesson: Lesson, evidence: Evidence, report: Report) -> str:
    """Return a plain reference to the quote; what is unknown is left out, never made up."""
    origin = report.contractor or report.client
    year = f"({report.year})" if report.year else ""
    head = " ".join(part for part in (origin, year) if part)
    title = report_title(report) + (f" [{report.note}]" if report.note else "")
    text = ". ".join(part.rstrip(".") for part in (head, title) if part)
    return f"{text}, {page_words(evidence)}: «{evidence.quote}» Erfaringsbanken, {lesson.id}."


def text_fragment(passage: str) -> str:
    """Return ``:~:text=…``, with which Chromium and Edge mark ``passage`` in their PDF viewer.

    Others ignore it and open the page. Only the first and last words are named: a line break in
    between does no harm. ``-`` and ``,`` have a meaning in the fragment and are always encoded.
    """
    words = re.findall(r"\S+", passage)
    if len(words) <= 2 * _FRAGMENT_WORDS:
        ends = [words]
    else:
        ends = [words[:_FRAGMENT_WORDS], words[-_FRAGMENT_WORDS:]]
    coded = (quote(" ".join(end), safe="").replace("-", "%2D") for end in ends)
    return ":~:text=" + ",".join(coded)
