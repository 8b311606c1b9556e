"""A document as tables: what Excel and CSV are made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from kb.export.addresses import Addresses
from kb.export.document import Document, Entry, Section
from kb.export.words import Words, page_of, statement_of, title_of, words_of


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; ``rows`` are as long as ``columns``."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(document: Document) -> tuple[Table, ...]:
    """Return the lessons, one row per quote, then each section's own table, then the checklist.

    A section that has neither is one row of the lessons' table with its text, so that a question
    without an answer is not lost.
    """
    words = words_of(document.language)
    lessons = tuple(row for one in document.sections for row in _rows(document, one))
    own = (Table(one.heading, one.columns, one.rows) for one in document.sections if one.columns)
    listed = tuple((item,) for item in document.checklist)
    found = (
        Table(words.lessons, columns(words), lessons),
        *own,
        Table(words.checklist, (words.checklist,), listed),
    )
    return tuple(table for table in found if table.rows)


def columns(words: Words) -> tuple[str, ...]:
    """Return the heads of the lessons' table."""
    return (
        words.section,
        words.lesson,
        words.number,
        words.quote,
        words.page_column,
        words.programme,
        words.report,
        words.contractor,
        words.year,
        words.kind,
        words.phase,
        words.themes,
        words.comment,
        words.label,
        words.lesson_address,
        words.source_address,
        words.id,
    )


def _rows(document: Document, section: Section) -> Iterator[tuple[str, ...]]:
    if not section.entries and not section.columns:
        told = {0: section.heading, 1: section.text}
        yield tuple(told.get(place, "") for place in range(len(columns(words_of("nb")))))
    for entry in section.entries:
        yield from _entry_rows(document, section, entry)


def _entry_rows(document: Document, section: Section, entry: Entry) -> Iterator[tuple[str, ...]]:
    addresses = Addresses.of(document)
    lesson, report, names = entry.lesson, entry.report, document.names
    for number, evidence in enumerate(lesson.evidence, start=1):
        yield (
            section.heading,
            statement_of(lesson, document.language),
            str(number),
            evidence.quote,
            page_of(evidence),
            report.programme.name,
            title_of(report),
            report.contractor or "",
            str(report.year or ""),
            names.get(lesson.kind, lesson.kind),
            names.get(lesson.phase, lesson.phase) if lesson.phase else "",
            "; ".join(names.get(tag.theme, tag.theme) for tag in lesson.tags),
            entry.note,
            entry.label,
            addresses.lesson(lesson),
            addresses.source(lesson, evidence),
            lesson.id,
        )
