"""What the base is about: programmes, reports, and lessons with their evidence.

Frozen values without behaviour beyond their own rules. Nothing here knows about files, SQL or
models. Kinds, phases and types carry the ids of ``corpus/taxonomy.toml``; their names in three
languages live there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from kb.text import key

ReportId = str
LessonId = str
ProgrammeSlug = str
ThemeId = str

MAX_THEMES = 3
"""A lesson has up to so many."""

OFFER = "offer:"
"""Begins the name of a source that holds a value nobody has chosen yet: ``offer:programme``."""


class Kind(StrEnum):
    """What sort of lesson it is (definitions for users in ``corpus/taxonomy.toml``)."""

    SUCCESS = "success"
    """Something that worked, and what made it work."""
    WARNING = "warning"
    """Something that went wrong or would be done differently: a pitfall to avoid."""
    RECOMMENDATION = "recommendation"
    """What another programme should do."""
    CHALLENGE = "challenge"
    """A demanding condition or a trade-off: two considerations pull, no plain advice follows."""


class Phase(StrEnum):
    """The four phases of Innovasjon Norge's process, under their own names."""

    AVKLARING = "avklaring"
    STRATEGI = "strategi"
    GJENNOMFORING = "gjennomforing"
    AVSLUTNING = "avslutning"


class Status(StrEnum):
    """Where a lesson stands. Only ``PUBLISHED`` lessons are found by search."""

    CANDIDATE = "candidate"
    """Proposed by the program; nobody has decided."""
    APPROVED = "approved"
    """Approved by a person; seen by readers once its report is published."""
    PUBLISHED = "published"
    REJECTED = "rejected"
    MERGED = "merged"
    """Told by another lesson of the report, which took over its quotes."""
    RETIRED = "retired"
    """Was published; a newer edition of the report has taken its place."""


class AssignedBy(StrEnum):
    """Who set a theme. A human's choice is never overwritten by a machine's."""

    RULE = "rule"
    MODEL = "model"
    HUMAN = "human"


class ReportType(StrEnum):
    """What sort of report it is."""

    SLUTTEVALUERING = "sluttevaluering"
    MIDTVEISEVALUERING = "midtveisevaluering"
    PROGRAMSTATUSVURDERING = "programstatusvurdering"
    FORENKLET_EVALUERING = "forenklet-evaluering"
    SLUTTRAPPORT = "sluttrapport"
    SYNTESE = "syntese"
    FORSTUDIE = "forstudie"


class ProgrammeType(StrEnum):
    """One municipality, or several together."""

    ENKELTKOMMUNE = "enkeltkommune"
    REGIONALT = "regionalt"


class ReportStatus(StrEnum):
    """How far a report has come. Lessons are published only where their report is."""

    CANDIDATE = "candidate"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    TRASHED = "trashed"
    SUPERSEDED = "superseded"
    """A newer edition is published instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one page's normalised text: ``text[start:end]``, 0-based, end exclusive.

    ``page`` is the 1-based position in the file, not the printed label.
    """

    page: int
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.page < 1 or not 0 <= self.start < self.end:
            raise ValueError(f"{self.page}:{self.start}-{self.end} is not a span")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as it is kept: its normalised text, which every quote must be found in.

    Normalised text holds one block (heading, paragraph, bullet, table row) per line; within a
    block lines are joined and hyphens repaired; running heads and page numbers are left out.
    ``label`` is the printed page number where the file tells it. ``problem`` names what was wrong
    with the page (a stable code), or None.
    """

    number: int
    label: str | None
    text: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a lesson is written. ``quote`` is verbatim.

    ``quote`` equals the texts of ``spans`` joined by one space; a quote that runs over a page
    break has two spans. ``section`` is the path of headings, outermost first. ``lead_in`` is the
    sentence that introduces a bullet list: context for the reader, not part of the quote.
    """

    report_id: ReportId
    section: tuple[str, ...]
    spans: tuple[Span, ...]
    quote: str
    lead_in: str | None = None

    def __post_init__(self) -> None:
        if not self.spans or not self.quote.strip():
            raise ValueError("evidence needs a quote and the place it was read from")

    @property
    def page(self) -> int:
        """The page the quote begins on, 1-based in the file."""
        return self.spans[0].page

    @property
    def last_page(self) -> int:
        """The page the quote ends on."""
        return self.spans[-1].page


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeTag:
    """A theme with who set it and why. ``confidence`` is 0–1 and never shown as a percentage."""

    theme: ThemeId
    confidence: float
    assigned_by: AssignedBy
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What another programme can learn: one statement, and 1..n places that say it.

    ``statement`` is a sentence of the evidence unless ``is_edited``, which staff set when they
    rewrite it. ``reason`` tells staff why it was proposed, ``kind_reason`` and ``phase_reason`` why
    with that kind and phase (empty: nothing to tell); ``confidence`` (0-1, never shown as a number)
    orders what they look at first. ``tags`` hold the main theme first. ``previous`` is the
    lesson of the report's earlier edition that this one continues, ``has_changed`` whether its
    words were changed there. ``version`` is the store's generation that last touched it, 0 for one
    that is not stored.
    """

    id: LessonId
    report_id: ReportId
    statement: str
    is_edited: bool
    kind: Kind
    phase: Phase | None
    status: Status
    language: str
    reason: str
    tags: tuple[ThemeTag, ...]
    evidence: tuple[Evidence, ...]
    kind_reason: str = ""
    phase_reason: str = ""
    confidence: float | None = None
    merged_into: LessonId | None = None
    previous: LessonId | None = None
    has_changed: bool = False
    version: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not self.evidence or not self.statement.strip():
            raise ValueError(f"lesson {self.id} lacks a statement or evidence")

    @property
    def is_said(self) -> bool:
        """Whether one of the quotes holds the statement word for word."""
        return any(self.statement in one.quote for one in self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A piece of metadata with the text it was read from; ``page`` is 1-based in the file."""

    value: str
    page: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A restructuring programme; several reports may be about the same one.

    ``municipalities`` and ``inhabitants`` count, ``budget`` is what it had to spend in words: with
    type and period what a reader needs to judge whether a lesson holds elsewhere.
    """

    slug: ProgrammeSlug
    name: str
    place: str | None
    programme_type: ProgrammeType | None
    period_from: int | None
    period_to: int | None
    municipalities: int | None = None
    inhabitants: int | None = None
    budget: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One ingested file. Unknown values are None, never guessed.

    ``sha256`` is its identity. ``pages`` counts the pages of a PDF and is None for plain text
    without page breaks. ``note`` is a remark printed on the cover that every reader must see,
    such as «Oppdiktet eksempelrapport». ``sources`` tells where each piece of metadata was read;
    those called ``offer:`` and a field are values that a person may choose from.
    ``edition_of`` is the report that this one is a newer edition of. ``text_key`` is the same for
    two files with the same words (:func:`text_key`). ``version`` is the generation of the last
    change to the row.
    """

    id: ReportId
    programme: Programme
    programme_name: str | None
    file: str
    sha256: str
    title: str | None
    report_type: ReportType | None
    client: str | None
    contractor: str | None
    year: int | None
    language: str
    pages: int | None
    note: str | None
    status: ReportStatus
    sources: tuple[tuple[str, Found], ...] = ()
    edition_of: ReportId | None = None
    text_key: str | None = None
    version: int = field(default=0, compare=False)


def report_id(sha256: str) -> ReportId:
    """Return the id of the report whose file has this SHA-256 (hex): its first 12 digits."""
    return sha256[:12]


def lesson_id(sha256: str, core_quote: str) -> LessonId:
    """Return a stable id: the same file and core quote give the same id, also after re-ingestion.

    The quote is reduced to letters and digits first, so that a better line repair keeps the id.
    """
    return hashlib.sha256(f"{sha256}\n{key(core_quote)}".encode()).hexdigest()[:12]


def part_of(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    """Return where ``text[start:end]`` stands, of a text that is at ``spans``, joined by blanks."""
    part, offset = [], 0
    for span in spans:
        length = span.end - span.start
        first, last = max(start - offset, 0), min(end - offset, length)
        if first < last:
            part.append(Span(page=span.page, start=span.start + first, end=span.start + last))
        offset += length + 1
    return tuple(part)


def text_key(pages: Sequence[Page]) -> str:
    """Return what two files with the same words share: a SHA-256 of their letters and digits."""
    return hashlib.sha256("".join(key(page.text) for page in pages).encode()).hexdigest()


def quote_of(spans: Sequence[Span], texts: dict[int, str]) -> str | None:
    """Return what stands at ``spans`` in the page texts (by page number), or None if outside."""
    parts = []
    for span in spans:
        text = texts.get(span.page)
        if text is None or span.end > len(text):
            return None
        parts.append(text[span.start : span.end])
    return " ".join(parts)
