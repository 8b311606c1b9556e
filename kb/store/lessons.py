"""A lesson and the four tables it stands in."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select

from kb.domain import (
    AssignedBy,
    Evidence,
    Kind,
    Lesson,
    LessonId,
    Phase,
    Span,
    Status,
    ThemeTag,
)
from kb.lexical import grams
from kb.store import sqlite
from kb.store.records import Record, batches, to_json
from kb.store.schema import evidence as evidence_table
from kb.store.schema import evidence_span, gone, lesson_theme, relation, token_vector, vector
from kb.store.schema import lesson as lesson_table


def read(connection: Connection, ids: Iterable[LessonId]) -> dict[LessonId, Lesson]:
    """Return those of the lessons that are there, by id, in no order."""
    found: dict[LessonId, Lesson] = {}
    for batch in batches(ids):
        found |= _read(connection, batch)
    return found


def _read(connection: Connection, ids: Sequence[LessonId]) -> dict[LessonId, Lesson]:
    own: list[dict[LessonId, list[Row[Any]]]] = []
    for table in (lesson_theme, evidence_table, evidence_span):
        groups: dict[LessonId, list[Row[Any]]] = defaultdict(list)
        chosen = select(table).where(table.c.lesson_id.in_(ids))
        for row in connection.execute(chosen.order_by(*table.primary_key.columns)):
            groups[row.lesson_id].append(row)
        own.append(groups)
    rows = connection.execute(select(lesson_table).where(lesson_table.c.id.in_(ids)))
    return {row.id: _lesson_of(row, *(groups[row.id] for groups in own)) for row in rows}


def words_of(lesson: Lesson) -> list[str]:
    """Return the tokens that ``lesson`` is found by: none unless it is published."""
    if lesson.status is not Status.PUBLISHED:
        return []
    texts = [lesson.statement, *(evidence.quote for evidence in lesson.evidence)]
    return grams("\n".join(texts))


def put_words(connection: Connection, ids: Sequence[LessonId]) -> None:
    """Bring the words of these lessons in step: those published have them, the rest do not."""
    for batch in batches(ids):
        rows = connection.execute(
            select(lesson_table.c.id, lesson_table.c.number).where(lesson_table.c.id.in_(batch))
        )
        numbers = {row.id: row.number for row in rows}
        found = _read(connection, batch)
        sqlite.put_words(connection, {numbers[id_]: words_of(one) for id_, one in found.items()})


def insert_parts(connection: Connection, lessons: Sequence[Lesson]) -> None:
    """Write the themes and quotes of lessons that have a row and no parts yet."""
    for table, records in (
        (lesson_theme, theme_records),
        (evidence_table, evidence_records),
        (evidence_span, span_records),
    ):
        rows = [row for one in lessons for row in records(one)]
        if rows:
            connection.execute(insert(table), rows)


def remove_parts(connection: Connection, lesson_id: LessonId) -> None:
    """Take away the themes and quotes of a lesson; its row stays."""
    for table in (evidence_span, evidence_table, lesson_theme):
        connection.execute(delete(table).where(table.c.lesson_id == lesson_id))


def remove(connection: Connection, ids: Sequence[LessonId], generation: int) -> None:
    """Take these lessons away with all that hangs on them, leaving word that they are gone."""
    for batch in batches(ids):
        chosen = select(lesson_table.c.number).where(lesson_table.c.id.in_(batch))
        sqlite.drop_words(connection, [row.number for row in connection.execute(chosen)])
        pairs = or_(relation.c.first.in_(batch), relation.c.second.in_(batch))
        connection.execute(delete(relation).where(pairs))
        for table in (token_vector, vector, evidence_span, evidence_table, lesson_theme, gone):
            connection.execute(delete(table).where(table.c.lesson_id.in_(batch)))
        connection.execute(delete(lesson_table).where(lesson_table.c.id.in_(batch)))
        connection.execute(
            insert(gone), [{"lesson_id": id_, "generation": generation} for id_ in batch]
        )


def lesson_record(lesson: Lesson, position: int, generation: int) -> Record:
    """Return the row of a new ``lesson``, the ``position``-th of its report."""
    return {
        "id": lesson.id,
        "report_id": lesson.report_id,
        "position": position,
        "statement": lesson.statement,
        "is_edited": int(lesson.is_edited),
        "kind": lesson.kind,
        "phase": lesson.phase,
        "status": lesson.status,
        "language": lesson.language,
        "reason": lesson.reason,
        "kind_reason": lesson.kind_reason,
        "phase_reason": lesson.phase_reason,
        "created": generation,
        "changed": generation,
        "confidence": lesson.confidence,
        "merged_into": lesson.merged_into,
        "previous": lesson.previous,
        "has_changed": int(lesson.has_changed),
    }


def theme_records(lesson: Lesson) -> list[Record]:
    """Return one row per theme of ``lesson``."""
    return [
        {
            "lesson_id": lesson.id,
            "position": position,
            "theme": tag.theme,
            "confidence": tag.confidence,
            "assigned_by": tag.assigned_by,
            "reason": tag.reason,
        }
        for position, tag in enumerate(lesson.tags)
    ]


def evidence_records(lesson: Lesson) -> list[Record]:
    """Return one row per quote of ``lesson``."""
    return [
        {
            "lesson_id": lesson.id,
            "position": position,
            "section": to_json(evidence.section),
            "quote": evidence.quote,
            "lead_in": evidence.lead_in,
        }
        for position, evidence in enumerate(lesson.evidence)
    ]


def span_records(lesson: Lesson) -> list[Record]:
    """Return one row per stretch of page text that a quote of ``lesson`` was read from."""
    return [
        {
            "lesson_id": lesson.id,
            "evidence": number,
            "position": position,
            "report_id": evidence.report_id,
            "page": span.page,
            "start_at": span.start,
            "end_at": span.end,
        }
        for number, evidence in enumerate(lesson.evidence)
        for position, span in enumerate(evidence.spans)
    ]


def _lesson_of(
    row: Row[Any], themes: Iterable[Row[Any]], quotes: Iterable[Row[Any]], spans: Sequence[Row[Any]]
) -> Lesson:
    """Return the lesson in a row of its table, with its rows of the others, each in order."""
    return Lesson(
        id=row.id,
        report_id=row.report_id,
        statement=row.statement,
        is_edited=bool(row.is_edited),
        kind=Kind(row.kind),
        phase=None if row.phase is None else Phase(row.phase),
        status=Status(row.status),
        language=row.language,
        reason=row.reason,
        kind_reason=row.kind_reason,
        phase_reason=row.phase_reason,
        tags=tuple(
            ThemeTag(
                theme=theme.theme,
                confidence=theme.confidence,
                assigned_by=AssignedBy(theme.assigned_by),
                reason=theme.reason,
            )
            for theme in themes
        ),
        evidence=tuple(
            Evidence(
                report_id=row.report_id,
                section=tuple(json.loads(quote.section)),
                spans=tuple(
                    Span(page=span.page, start=span.start_at, end=span.end_at)
                    for span in spans
                    if span.evidence == quote.position
                ),
                quote=quote.quote,
                lead_in=quote.lead_in,
            )
            for quote in quotes
        ),
        confidence=row.confidence,
        merged_into=row.merged_into,
        previous=row.previous,
        has_changed=bool(row.has_changed),
        version=row.changed,
    )
