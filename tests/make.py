"""Builders that say only what a test is about; the rest is made up and holds together."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kb.desk import Desk
from kb.domain import (
    AssignedBy,
    Evidence,
    Kind,
    Lesson,
    LessonId,
    Page,
    Programme,
    Report,
    ReportId,
    ReportStatus,
    Span,
    Status,
    ThemeTag,
    lesson_id,
    report_id,
)
from kb.embed import Encoder
from kb.passages import passages_of
from kb.store import Action, Revision, Store
from kb.text import slugify
from kb.tokens import Tokens

MODEL = "test-model"
DIM = 8


def a_programme(name: str = "Nye Elvdal", **known: object) -> Programme:
    """Return a programme about which nothing but its name is known, unless told."""
    blank = Programme(
        slug=slugify(name),
        name=name,
        place=None,
        programme_type=None,
        period_from=None,
        period_to=None,
    )
    return replace(blank, **known)


def a_report(original: bytes = b"%PDF original", **known: object) -> Report:
    """Return the report whose file holds ``original``."""
    sha256 = hashlib.sha256(original).hexdigest()
    blank = Report(
        id=report_id(sha256),
        programme=a_programme(),
        programme_name=None,
        file="rapport.pdf",
        sha256=sha256,
        title=None,
        report_type=None,
        client=None,
        contractor=None,
        year=None,
        language="nb",
        pages=None,
        note=None,
        status=ReportStatus.PUBLISHED,
    )
    return replace(blank, **known)


def a_page(text: str = "", number: int = 1, **known: object) -> Page:
    """Return a page with this normalised text."""
    return replace(Page(number=number, label=None, text=text), **known)


def a_lesson(
    *quotes: str,
    report: Report | None = None,
    pages: Sequence[Page] = (),
    themes: Iterable[str] = (),
    **known: object,
) -> Lesson:
    """Return a published lesson with these quotes, each looked up in ``pages``.

    A ``|`` in a quote is where it runs over a page break. Without ``pages`` the lesson stands on
    the page that :func:`pages_for` makes of its quotes.
    """
    report = report or a_report()
    quotes = quotes or ("Styret bør ha flertall fra næringslivet.",)
    pages = pages or pages_for(*quotes)
    evidence = tuple(an_evidence(quote, report=report, pages=pages) for quote in quotes)
    blank = Lesson(
        id=lesson_id(report.sha256, evidence[0].quote),
        report_id=report.id,
        statement=evidence[0].quote,
        is_edited=False,
        kind=Kind.RECOMMENDATION,
        phase=None,
        status=Status.PUBLISHED,
        language="nb",
        reason="test",
        tags=tuple(
            ThemeTag(theme=theme, confidence=0.5, assigned_by=AssignedBy.RULE, reason="test")
            for theme in themes
        ),
        evidence=evidence,
    )
    return replace(blank, **known)


def an_evidence(quote: str, *, report: Report, pages: Sequence[Page]) -> Evidence:
    """Return where ``quote`` stands in ``pages``; a ``|`` in it is a page break."""
    parts = quote.split("|")
    for first in range(len(pages)):
        spans = _spans(parts, pages[first : first + len(parts)])
        if spans:
            text = " ".join(parts)
            return Evidence(report_id=report.id, section=("Læring",), spans=spans, quote=text)
    raise AssertionError(f"{quote!r} stands on none of the pages")


def _spans(parts: Sequence[str], pages: Sequence[Page]) -> tuple[Span, ...] | None:
    starts = [page.text.find(part) for part, page in zip(parts, pages, strict=False)]
    if len(starts) < len(parts) or min(starts) < 0:
        return None
    return tuple(
        Span(page=page.number, start=start, end=start + len(part))
        for part, page, start in zip(parts, pages, starts, strict=True)
    )


def pages_for(*quotes: str) -> tuple[Page, ...]:
    """Return pages that hold ``quotes``, one per line; a ``|`` in a quote begins a new page."""
    texts = "\n".join(quotes).split("|")
    return tuple(a_page(text, number) for number, text in enumerate(texts, start=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A report with all that :meth:`kb.store.Store.add_report` wants, in its order."""

    report: Report
    pages: tuple[Page, ...]
    lessons: tuple[Lesson, ...]
    vectors: dict[LessonId, NDArray[np.float32]]
    model_id: str
    original: bytes
    tokens: Mapping[LessonId, Sequence[Tokens]] = field(default_factory=dict)

    def add_to(self, store: Store) -> "Filing":
        """Add all of it to ``store``; return self."""
        store.add_report(
            self.report,
            self.pages,
            self.lessons,
            self.vectors,
            self.model_id,
            self.original,
            tokens=self.tokens,
        )
        return self


def a_filing(*quotes: str, original: bytes = b"%PDF original", **known: object) -> Filing:
    """Return a report with one published lesson per quote; ``known`` goes to the lessons."""
    quotes = quotes or (
        "Styret bør ha flertall fra næringslivet.",
        "Programlederen må være på plass før oppstart. Det tok for lang tid.",
    )
    report, pages = a_report(original), pages_for(*quotes)
    lessons = tuple(a_lesson(quote, report=report, pages=pages, **known) for quote in quotes)
    return Filing(
        report=report,
        pages=pages,
        lessons=lessons,
        vectors=vectors_for(lessons),
        model_id=MODEL,
        original=original,
    )


def set_status(store: Store, lesson_ids: Iterable[LessonId], status: Status) -> int:
    """Give the lessons another status; return how many did not have it already.

    Lessons are published with their reports: a published lesson is nowhere else.
    """
    found = store.lessons(list(lesson_ids)).values()
    changing = tuple(replace(one, status=status) for one in found if one.status is not status)
    if changing:
        own = {one.report_id: store.report(one.report_id) for one in changing}
        shown = tuple(
            replace(one, status=ReportStatus.PUBLISHED)
            for one in own.values()
            if status is Status.PUBLISHED and one.status is not ReportStatus.PUBLISHED
        )
        store.changes.revise(
            Revision(
                action=Action.EDIT,
                report_id=changing[0].report_id,
                by="test",
                lessons=changing,
                reports=shown,
            )
        )
    return len(changing)


def publish(store: Store, report_id: ReportId) -> int:
    """Publish a report with all that waits in it; return how many lessons that were."""
    ids = store.lesson_ids(report_id=report_id)
    ready = {Status.CANDIDATE, Status.APPROVED}
    waiting = [one for one in store.lessons(ids).values() if one.status in ready]
    if waiting or store.report(report_id).status is not ReportStatus.PUBLISHED:
        Desk(store, _no_encoder, "test").approve_and_publish(report_id)
    return len(waiting)


def _no_encoder() -> Encoder:
    raise AssertionError("publishing changes no words")


def vectors_for(lessons: Iterable[Lesson], dim: int = DIM) -> dict[LessonId, NDArray[np.float32]]:
    """Return a unit vector per passage: the words' hashes counted, so like texts lie close."""
    return {
        lesson.id: np.stack([_vector(passage.text, dim) for passage in passages_of(lesson)])
        for lesson in lessons
    }


def _vector(text: str, dim: int) -> NDArray[np.float32]:
    counts = np.ones(dim, np.float32) / dim
    for word in re.findall(r"\w+", text.lower()):
        counts[zlib.crc32(word.encode()) % dim] += 1
    return counts / np.linalg.norm(counts)
