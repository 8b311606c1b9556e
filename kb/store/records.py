"""The way between rows and types: programmes, reports, pages, vectors, and what readers ask for.

Lessons, which stand in four tables, have :mod:`kb.store.lessons`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row

from kb.domain import (
    Found,
    Kind,
    Lesson,
    LessonId,
    Page,
    Phase,
    Programme,
    ProgrammeSlug,
    ProgrammeType,
    Report,
    ReportId,
    ReportStatus,
    ReportType,
    ThemeId,
)
from kb.passages import PassageRole, passages_of
from kb.tokens import Tokens

_Id = TypeVar("_Id", str, int)

Record = dict[str, Any]
"""The values of one row, by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPointer:
    """The index snapshot that readers use: made of the store at ``generation`` for one model."""

    name: str
    generation: int
    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """The vectors of a lesson, float32 of shape (n, dim), and the role of each passage.

    ``pieces`` are the ids of its tokens, each once; none when it has no token vectors. ``number``
    is the lesson's as long as it is there; that of one that is gone may be given again.
    """

    lesson_id: LessonId
    number: int
    language: str
    vectors: NDArray[np.float32]
    roles: tuple[PassageRole, ...]
    pieces: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRow:
    """What a published lesson can be filtered by; ``themes`` with the main one first."""

    lesson_id: LessonId
    report_id: ReportId
    themes: tuple[ThemeId, ...]
    kind: Kind
    phase: Phase | None
    programme: ProgrammeSlug
    programme_type: ProgrammeType | None
    report_type: ReportType | None
    year: int | None
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Markings:
    """What published lessons can be filtered by, as plain rows of many lessons, in no order.

    ``lessons``: number, id, report id, position, kind, phase, language. ``themes``: number of the
    lesson, position, theme. ``reports``, all there are: id, added, programme, programme type,
    report type, year.
    """

    lessons: Sequence[Row[Any]]
    themes: Sequence[Row[Any]]
    reports: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSummary:
    """A report, and how many lessons it has by status; a status without lessons is left out."""

    report: Report
    lessons: Mapping[str, int]


_BATCH = 500
"""So many ids go into one statement; SQLite may be built to take only 999 values."""


def batches(ids: Iterable[_Id]) -> Iterator[list[_Id]]:
    """Yield ``ids`` without repetition, as many at a time as one statement takes."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), _BATCH):
        yield unique[start : start + _BATCH]


def now() -> str:
    """Return the time as the tables hold it: UTC, ISO 8601, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def sha256_of(text: str) -> str:
    """Return the SHA-256 of ``text`` in UTF-8, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


# --- programmes, reports and pages -------------------------------------------------------------


def programme_record(programme: Programme) -> Record:
    """Return the row of ``programme``."""
    return {
        "slug": programme.slug,
        "name": programme.name,
        "place": programme.place,
        "programme_type": programme.programme_type,
        "period_from": programme.period_from,
        "period_to": programme.period_to,
        "municipalities": programme.municipalities,
        "inhabitants": programme.inhabitants,
        "budget": programme.budget,
    }


def programme_of(row: Row[Any]) -> Programme:
    """Return the programme in a row of its table."""
    kind = row.programme_type
    return Programme(
        slug=row.slug,
        name=row.name,
        place=row.place,
        programme_type=None if kind is None else ProgrammeType(kind),
        period_from=row.period_from,
        period_to=row.period_to,
        municipalities=row.municipalities,
        inhabitants=row.inhabitants,
        budget=row.budget,
    )


def report_record(report: Report, added: int) -> Record:
    """Return the row of ``report``, brought by the generation ``added``."""
    return {
        "id": report.id,
        "programme": report.programme.slug,
        "programme_name": report.programme_name,
        "file": report.file,
        "sha256": report.sha256,
        "title": report.title,
        "report_type": report.report_type,
        "client": report.client,
        "contractor": report.contractor,
        "year": report.year,
        "language": report.language,
        "pages": report.pages,
        "note": report.note,
        "status": report.status,
        "sources": to_json(
            [[name, found.value, found.page, found.evidence] for name, found in report.sources]
        ),
        "added": added,
        "changed": added,
        "edition_of": report.edition_of,
        "text_key": report.text_key,
    }


def report_of(row: Row[Any], programme: Programme) -> Report:
    """Return the report in a row of its table."""
    return Report(
        id=row.id,
        programme=programme,
        programme_name=row.programme_name,
        file=row.file,
        sha256=row.sha256,
        title=row.title,
        report_type=None if row.report_type is None else ReportType(row.report_type),
        client=row.client,
        contractor=row.contractor,
        year=row.year,
        language=row.language,
        pages=row.pages,
        note=row.note,
        status=ReportStatus(row.status),
        sources=tuple(
            (name, Found(value=value, page=page, evidence=evidence))
            for name, value, page, evidence in json.loads(row.sources)
        ),
        edition_of=row.edition_of,
        text_key=row.text_key,
        version=row.changed,
    )


def page_record(report_id: ReportId, page: Page) -> Record:
    """Return the row of ``page``."""
    return {
        "report_id": report_id,
        "number": page.number,
        "label": page.label,
        "text": page.text,
        "text_sha256": sha256_of(page.text),
        "problem": page.problem,
    }


def page_of(row: Row[Any]) -> Page:
    """Return the page in a row of its table."""
    return Page(number=row.number, label=row.label, text=row.text, problem=row.problem)


def facet_row_of(row: Row[Any], themes: Iterable[ThemeId]) -> FacetRow:
    """Return the facet values in a row of lesson, report and programme."""
    return FacetRow(
        lesson_id=row.id,
        report_id=row.report_id,
        themes=tuple(themes),
        kind=Kind(row.kind),
        phase=None if row.phase is None else Phase(row.phase),
        programme=row.programme,
        programme_type=None if row.programme_type is None else ProgrammeType(row.programme_type),
        report_type=None if row.report_type is None else ReportType(row.report_type),
        year=row.year,
        language=row.language,
    )


# --- vectors -----------------------------------------------------------------------------------


def vector_records(
    lesson: Lesson, vectors: NDArray[np.float32] | None, model_id: str
) -> list[Record]:
    """Return one row per passage of ``lesson``.

    Raises:
        ValueError: not one finite vector per passage.
    """
    passages = passages_of(lesson)
    shape = None if vectors is None else vectors.shape
    if vectors is None or shape != (len(passages), vectors.shape[-1]):
        raise ValueError(f"lesson {lesson.id}: {len(passages)} passages, vectors {shape}")
    halves = np.asarray(vectors, "<f2")
    if not np.isfinite(halves).all():
        raise ValueError(f"lesson {lesson.id}: a vector is not finite in float16")
    return [
        {
            "lesson_id": lesson.id,
            "model_id": model_id,
            "position": passage.position,
            "role": passage.role,
            "dim": halves.shape[1],
            "data": half.tobytes(),
        }
        for passage, half in zip(passages, halves, strict=True)
    ]


def token_records(lesson_id: LessonId, tokens: Sequence[Tokens], model_id: str) -> list[Record]:
    """Return one row per quote's ``tokens``."""
    return [
        {
            "lesson_id": lesson_id,
            "model_id": model_id,
            "position": position,
            "dim": one.cells.shape[1],
            "ids": one.ids.astype("<i4").tobytes(),
            "scales": one.scales.astype("<f2").tobytes(),
            "cells": one.cells.tobytes(),
        }
        for position, one in enumerate(tokens)
    ]


def tokens_of(row: Row[Any]) -> Tokens:
    """Return the tokens of one quote from its row."""
    return Tokens(
        ids=np.frombuffer(row.ids, "<i4"),
        scales=np.frombuffer(row.scales, "<f2"),
        cells=np.frombuffer(row.cells, np.int8).reshape(-1, row.dim),
    )


def pieces_of(rows: Sequence[Row[Any]]) -> NDArray[np.int32]:
    """Return the token ids in the rows of one lesson, each once."""
    return np.unique(np.frombuffer(b"".join(row.ids for row in rows), "<i4"))


NO_PIECES: NDArray[np.int32] = np.zeros(0, np.int32)


def vectors_of(rows: Sequence[Row[Any]]) -> NDArray[np.float32]:
    """Return the vectors of one lesson from its rows, in the order of its passages."""
    halves = np.frombuffer(b"".join(row.data for row in rows), "<f2")
    return halves.reshape(len(rows), rows[0].dim).astype(np.float32)


def index_row_of(rows: Sequence[Row[Any]], pieces: NDArray[np.int32]) -> IndexRow:
    """Return what the index needs of one lesson from its rows, in the order of its passages."""
    return IndexRow(
        lesson_id=rows[0].lesson_id,
        number=rows[0].number,
        language=rows[0].language,
        vectors=vectors_of(rows),
        roles=tuple(PassageRole(row.role) for row in rows),
        pieces=pieces,
    )


def to_json(value: object) -> str:
    """Return ``value`` as the text a column holds."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
