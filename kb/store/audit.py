"""Does everything kept hold together? Asked before a report is kept, and by ``check`` after."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from kb.domain import Lesson, LessonId, Page, Report, ReportId, ReportStatus, Status, quote_of
from kb.passages import passages_of
from kb.store import files, lessons, records, schema, sqlite

_HALF = 2  # bytes of a float16


def refuse_unsound(report: Report, pages: Sequence[Page], found: Sequence[Lesson]) -> None:
    """Raise ValueError if a lesson is another report's, or is not what its pages say."""
    texts = {page.number: page.text for page in pages}
    for lesson in found:
        owners = {lesson.report_id, *(evidence.report_id for evidence in lesson.evidence)}
        if owners != {report.id}:
            raise ValueError(f"lesson {lesson.id} is not of report {report.id} alone")
        for problem in unsaid(lesson, texts):
            raise ValueError(problem)


def problems(connection: Connection, home: Path) -> Iterator[str]:
    """Yield what is wrong, in plain English. Runs in the caller's read transaction."""
    yield from _generations(connection)
    for number in sqlite.ownerless_words(connection):
        yield f"words: row {number} belongs to no lesson"
    for row in connection.execute(select(schema.report).order_by(schema.report.c.added)).all():
        yield from _original(files.place(home, row.sha256, row.file), row)
        pages = connection.execute(
            select(schema.page).where(schema.page.c.report_id == row.id)
        ).all()
        for page in pages:
            if records.sha256_of(page.text) != page.text_sha256:
                yield f"report {row.id}, page {page.number}: the text does not have its SHA-256"
        yield from _lessons(connection, row.id, {page.number: page.text for page in pages})
        yield from _shown(connection, row)


def _lessons(connection: Connection, report_id: ReportId, texts: dict[int, str]) -> Iterator[str]:
    for numbers in _batches(connection, report_id):
        vectors = _vectors(connection, numbers)
        words = sqlite.words(connection, numbers.values())
        for lesson_id, lesson in _read(connection, numbers).items():
            if isinstance(lesson, ValueError):
                yield f"lesson {lesson_id} cannot be read: {lesson}"
                continue
            yield from unsaid(lesson, texts)
            yield from _unembedded(lesson, vectors[lesson_id])
            if " ".join(lessons.words_of(lesson)) != words.get(numbers[lesson_id], ""):
                yield f"lesson {lesson_id}: its words are not those it is found by"


def _shown(connection: Connection, report: Row[Any]) -> Iterator[str]:
    """Yield the lessons that readers find although their report is not published."""
    if report.status == ReportStatus.PUBLISHED:
        return
    lesson = schema.lesson
    shown = select(lesson.c.id).where(
        lesson.c.report_id == report.id, lesson.c.status == Status.PUBLISHED
    )
    for row in connection.execute(shown):
        yield f"lesson {row.id} is published, its report {report.id} is {report.status}"


def unsaid(lesson: Lesson, texts: dict[int, str]) -> Iterator[str]:
    """Yield what ``lesson`` says that its pages (texts by number) or its own quotes do not."""
    for evidence in lesson.evidence:
        if quote_of(evidence.spans, texts) != evidence.quote:
            yield f"lesson {lesson.id}: the quote does not stand on page {evidence.page}"
    if not lesson.is_said and not lesson.is_edited:
        yield f"lesson {lesson.id}: the statement is in none of its quotes"


def _unembedded(lesson: Lesson, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Yield what is wrong with the vectors of a lesson: at least one model's must be complete."""
    wanted = [(passage.position, passage.role.value) for passage in passages_of(lesson)]
    by_model: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_model[row.model_id].append(row)
        if len(row.data) != _HALF * row.dim:
            yield f"lesson {lesson.id}: vector {row.position} has {len(row.data)} bytes"
    for model_id, own in by_model.items():
        if [(row.position, row.role) for row in own] != wanted:
            yield f"lesson {lesson.id}: {len(own)} of {len(wanted)} vectors of {model_id}"
    if not by_model:
        yield f"lesson {lesson.id}: 0 of {len(wanted)} vectors"


def _original(path: Path, report: Row[Any]) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        yield f"report {report.id}: the original file cannot be read: {error}"
    else:
        if digest != report.sha256:
            yield f"report {report.id}: the original file does not have its SHA-256"


def _generations(connection: Connection) -> Iterator[str]:
    state = connection.execute(select(schema.state)).one()
    marks = {
        "the index is of": state.index_generation,
        "a report is of": connection.scalar(select(func.max(schema.report.c.added))),
        "a lesson is of": connection.scalar(select(func.max(schema.lesson.c.changed))),
        "a removal is of": connection.scalar(select(func.max(schema.gone.c.generation))),
    }
    for what, generation in marks.items():
        if (generation or 0) > state.generation:
            yield f"{what} generation {generation}, but the store is at {state.generation}"


def _batches(connection: Connection, report_id: ReportId) -> Iterator[dict[LessonId, int]]:
    """Yield the lessons of a report, some at a time: number by id."""
    lesson = schema.lesson
    rows = connection.execute(
        select(lesson.c.id, lesson.c.number)
        .where(lesson.c.report_id == report_id)
        .order_by(lesson.c.position)
    ).all()
    numbers = {row.id: row.number for row in rows}
    for batch in records.batches(numbers):
        yield {lesson_id: numbers[lesson_id] for lesson_id in batch}


def _vectors(connection: Connection, ids: Collection[LessonId]) -> dict[LessonId, list[Row[Any]]]:
    vector = schema.vector
    found: dict[LessonId, list[Row[Any]]] = defaultdict(list)
    chosen = select(vector).where(vector.c.lesson_id.in_(ids)).order_by(vector.c.position)
    for row in connection.execute(chosen):
        found[row.lesson_id].append(row)
    return found


def _read(connection: Connection, ids: Collection[LessonId]) -> dict[LessonId, Lesson | ValueError]:
    """Return each lesson, or why there is none; one that cannot be read does not hide the rest."""
    try:
        return {**lessons.read(connection, list(ids))}
    except ValueError as error:
        if len(ids) == 1:
            return dict.fromkeys(ids, error)
        found: dict[LessonId, Lesson | ValueError] = {}
        for lesson_id in ids:
            found |= _read(connection, [lesson_id])
        return found
