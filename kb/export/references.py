"""What reference managers read: RIS, BibTeX and CSL-JSON.

One record per report; every quote goes with it as a note that names its page.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kb.domain import Report
from kb.export.addresses import Addresses
from kb.export.document import Document
from kb.export.words import page_of, statement_of, title_of, words_of

_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # Not \\{ and \\}: BibTeX counts them, and one alone would end the entry.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}
_TEX_SIGNS = re.compile("[" + re.escape("".join(_TEX)) + "]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A report with what is taken from it."""

    report: Report
    title: str
    genre: str
    origin: str
    address: str
    themes: tuple[str, ...]
    notes: tuple[str, ...]


def write_ris(document: Document) -> bytes:
    """Return RIS, one ``RPRT`` per report."""
    lines = [line for source in _sources(document) for line in _ris(source, document)]
    return "".join(f"{tag}  - {_one_line(text)}\r\n" for tag, text in lines).encode(
        "utf-8", "replace"
    )


def write_bibtex(document: Document) -> bytes:
    """Return BibTeX, one ``@techreport`` per report, in UTF-8."""
    entries = [_bibtex(source) for source in _sources(document)]
    return "\n".join(entries).encode("utf-8", "replace")


def write_csl(document: Document) -> bytes:
    """Return CSL-JSON, one ``report`` per report."""
    items = [_csl(source, document) for source in _sources(document)]
    return (json.dumps(items, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def _sources(document: Document) -> Iterator[_Source]:
    addresses, words = Addresses.of(document), words_of(document.language)
    for report in document.reports():
        notes: list[str] = []
        themes: dict[str, None] = {}  # a set that keeps its order
        for _, entry in document.entries():
            if entry.report.id != report.id:
                continue
            for tag in entry.lesson.tags:
                themes[document.names.get(tag.theme, tag.theme)] = None
            if entry.lesson.is_edited:
                notes.append(statement_of(entry.lesson, document.language))
            notes += [
                f"«{one.quote}» ({words.page.format(page=page_of(one))})"
                for one in entry.lesson.evidence
            ]
            if entry.note:
                notes.append(f"{words.comment}: {entry.note}")
        kind = report.report_type
        yield _Source(
            report=report,
            title=title_of(report),
            genre=document.names.get(kind, kind) if kind else words.report,
            origin=report.contractor or report.client or "",
            address=addresses.report(report),
            themes=tuple(themes),
            notes=tuple(dict.fromkeys(notes)),
        )


def _ris(source: _Source, document: Document) -> Iterator[tuple[str, str]]:
    report = source.report
    yield "TY", "RPRT"
    yield "ID", report.id
    yield "TI", source.title
    if source.origin:
        yield "AU", source.origin
        yield "PB", source.origin
    if report.year:
        yield "PY", str(report.year)
    yield "M3", source.genre
    yield "T2", report.programme.name
    yield "LA", report.language
    for theme in source.themes:
        yield "KW", theme
    for note in source.notes:
        yield "N1", note
    yield "UR", source.address
    yield "Y2", document.made.strftime("%Y/%m/%d")
    yield "ER", ""


def _bibtex(source: _Source) -> str:
    report = source.report
    fields = {
        "title": "{" + _tex(source.title) + "}",
        "author": "{" + _tex(source.origin) + "}" if source.origin else "",
        "institution": _tex(source.origin),
        "year": str(report.year or ""),
        "type": _tex(source.genre),
        "series": _tex(report.programme.name),
        "keywords": _tex(", ".join(source.themes)),
        "url": source.address,
        "annote": _tex("\n\n".join(source.notes)),
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@techreport{{erfaringsbanken-{report.id},\n{lines}}}\n"


def _csl(source: _Source, document: Document) -> dict[str, Any]:
    report, made = source.report, document.made
    item: dict[str, Any] = {
        "id": report.id,
        "type": "report",
        "title": source.title,
        "genre": source.genre,
        "collection-title": report.programme.name,
        "language": report.language,
        "URL": source.address,
        "accessed": {"date-parts": [[made.year, made.month, made.day]]},
        "note": "\n".join(source.notes),
    }
    if source.origin:
        item |= {"author": [{"literal": source.origin}], "publisher": source.origin}
    if report.year:
        item["issued"] = {"date-parts": [[report.year]]}
    if source.themes:
        item["keyword"] = ", ".join(source.themes)
    return item


def _tex(text: str) -> str:
    return _TEX_SIGNS.sub(lambda found: _TEX[found[0]], text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
