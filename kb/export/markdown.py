"""Markdown: plain text with headings, quotes and links, that many programs show."""

import re
from collections.abc import Iterator

from kb.export.addresses import Addresses
from kb.export.document import Document, Entry, Section
from kb.export.words import (
    facts,
    full_citation,
    paragraphs,
    short_citation,
    statement_of,
    words_of,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_LIST_OR_RULE = re.compile(r"^(\s*)([-+=]|\d+[.)])", re.MULTILINE)


def write(document: Document) -> bytes:
    """Return the document as UTF-8."""
    return ("\n\n".join(_blocks(document)) + "\n").encode("utf-8", "replace")


def _blocks(document: Document) -> Iterator[str]:
    words = words_of(document.language)
    yield f"# {_line(document.title)}"
    yield "\\\n".join(_line(fact) for fact in facts(document))
    yield from _paragraphs(document.intro)
    for section in document.sections:
        yield from _section(document, section)
    if document.checklist:
        yield f"## {words.checklist}"
        yield "\n".join(f"- [ ] {_line(item)}" for item in document.checklist)
    reports = document.reports()
    if reports:
        addresses = Addresses.of(document)
        yield f"## {words.sources}"
        yield "\n".join(
            f"{number}. [{_line(full_citation(report))}]({addresses.report(report)})"
            for number, report in enumerate(reports, start=1)
        )


def _section(document: Document, section: Section) -> Iterator[str]:
    if section.heading:
        yield f"## {_line(section.heading)}"
    yield from _paragraphs(section.text)
    if section.columns:
        rule = tuple("---" for _ in section.columns)
        rows = (section.columns, rule, *section.rows)
        yield "\n".join(
            "| " + " | ".join(cell if row is rule else _line(cell) for cell in row) + " |"
            for row in rows
        )
    for entry in section.entries:
        yield from _entry(document, entry)


def _entry(document: Document, entry: Entry) -> Iterator[str]:
    words, addresses = words_of(document.language), Addresses.of(document)
    lesson, report = entry.lesson, entry.report
    statement = _line(statement_of(lesson, document.language))
    yield f"### [{statement}]({addresses.lesson(lesson)})"
    if entry.label:
        yield f"*{_line(entry.label)}*"
    for evidence in lesson.evidence:
        cited = _line(short_citation(report, evidence, document.language))
        yield (
            f"> «{_line(evidence.quote)}»\n>\n> — [{cited}]({addresses.source(lesson, evidence)})"
        )
    if entry.note:
        yield f"**{words.comment}:** {_line(entry.note)}"


def _paragraphs(text: str) -> Iterator[str]:
    return (_line(each) for each in paragraphs(text))


def _line(text: str) -> str:
    """Return ``text`` as one line in which nothing is Markdown."""
    joined = " ".join(text.split())
    return _LIST_OR_RULE.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", joined))
