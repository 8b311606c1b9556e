"""The way of the data, on one page: a file becomes a report with tagged lessons in the store."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.artefacts import Artefacts
from ingest.classifier import Head, feature_names, load_head, parse_head
from ingest.examples import load_examples
from ingest.frontmatter import read_frontmatter
from ingest.layout import clean_lines
from ingest.lessons import Learned, find_lessons
from ingest.merge import merge_repeats
from ingest.pdf import Limits, read_document
from ingest.sections import split_sections
from ingest.tags import Confirmed, tag_lessons, theme_prototypes
from ingest.types import Candidate, Frontmatter, RawDocument, TaggedCandidate
from kb.config import Config
from kb.domain import (
    OFFER,
    Found,
    Lesson,
    LessonId,
    Page,
    Programme,
    Report,
    ReportId,
    ReportStatus,
    Status,
    report_id,
    text_key,
)
from kb.embed import Encoder, tokens_of
from kb.errors import AlreadyIngestedError, NotFoundError, Unreadable, UnreadableReportError
from kb.passages import PassageRole, passages_of
from kb.store import Holding, Replaced, Store, StoredHead
from kb.taxonomy import Cues, load_cues, load_taxonomy
from kb.text import sentences, slugify
from kb.tokens import Tokens

STAGES = {
    "read": 0.30,
    "layout": 0.34,
    "sections": 0.36,
    "frontmatter": 0.38,
    "lessons": 0.45,
    "embed": 0.85,
    "tags": 0.87,
    "merge": 0.90,
    "tokens": 0.95,
    "store": 0.97,
    "edition": 0.98,
    "publish": 0.99,
    "index": 1.0,
}
"""The stages in order, each with the share of a usual job (0-1) that is done when it ends."""

_MOST_CANDIDATES = 5_000
"""Far more than any evaluation holds. Merging compares all pairs: 200 MB at so many, and 9 000
kept one processor busy for four minutes."""

_PDF_HEAD = 1024
_HEAD_FILE, _EXAMPLES_FILE = "head.json", "themes.npz"
_log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What came of one file: counts, pages with problems (number, code), milliseconds by stage."""

    id: ReportId
    file: str
    lessons: int
    pages: int
    problems: tuple[tuple[int, str], ...]
    took_ms: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return it as ``kb ingest --json`` prints it."""
        return {
            "id": self.id,
            "file": self.file,
            "lessons": self.lessons,
            "pages": self.pages,
            "problems": [{"page": page, "code": code} for page, code in self.problems],
            "took_ms": self.took_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A report read and cut up, with all that the store wants, before anything is stored."""

    report: Report
    pages: tuple[Page, ...]
    lessons: tuple[Lesson, ...]
    vectors: dict[LessonId, Floats]
    tokens: dict[LessonId, tuple[Tokens, ...]]
    model_id: str

    def published(self) -> "Draft":
        """Return it as it is stored when nobody is asked."""
        return replace(
            self,
            report=replace(self.report, status=ReportStatus.PUBLISHED),
            lessons=tuple(replace(one, status=Status.PUBLISHED) for one in self.lessons),
        )

    def add_to(
        self,
        store: Store,
        original: bytes,
        job: Holding | None = None,
        replaces: Replaced | None = None,
    ) -> None:
        """Store it, in one transaction; ends ``job`` and removes what it replaces in the same."""
        store.add_report(
            self.report,
            self.pages,
            self.lessons,
            self.vectors,
            self.model_id,
            original,
            tokens=self.tokens,
            job=job,
            replaces=replaces,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to be read: where it stands, its name for people, and how it is to be read.

    ``derived`` is the folder for the PDF with recognised text; ``artefacts`` keep what takes long.
    """

    path: Path
    file: str
    sha256: str
    with_ocr: bool = False
    derived: Path | None = None
    artefacts: Artefacts = field(default_factory=lambda: Artefacts(None))


Watch = Callable[[str, float], None]
"""Is told which stage is under way and which share (0-1) of it is done; stops it by raising."""


def nobody(_stage: str, _share: float) -> None:
    """Watch nothing."""


class Ingestor:
    """Reads report files into a store. Holds what every file needs: encoder, themes and cues."""

    def __init__(self, encoder: Encoder, config: Config) -> None:
        self._encoder = encoder
        self._limits = limits_of(config)
        self._taxonomy = load_taxonomy(config.corpus / "taxonomy.toml")
        self._cues = load_cues(config.corpus / "cues.toml")
        self._prototypes = theme_prototypes(self._taxonomy, encoder.embed_passages)
        self._config = config
        self._examples = load_examples(
            config.corpus / _EXAMPLES_FILE,
            [theme.id for theme in self._taxonomy.themes],
            encoder.model_id,
        )

    def add(
        self,
        store: Store,
        path: Path,
        *,
        publish: bool,
        name: str | None = None,
        watch: Watch = nobody,
    ) -> Ingested:
        """Read ``path`` and store it with its lessons: one file, here and now, without a job.

        ``name`` is the file's name where the path has another one.

        Raises:
            UnreadableReportError: the file gives no report.
            AlreadyIngestedError: the same bytes, or the same words, are in the store.
        """
        original, sha256 = read_bytes(path, self._limits)
        known = store.report_by_sha256(sha256)
        if known is not None:
            raise AlreadyIngestedError(known.id)
        clock = Clock(watch)
        source = Source(path=path, file=name or path.name, sha256=sha256)
        draft = self.draft(store, source, clock)
        if read_bytes(path, self._limits)[1] != sha256:
            raise UnreadableReportError(Unreadable.DAMAGED, "the file changed while it was read")
        refuse_known_words(store, draft.report)
        if publish:
            draft = draft.published()
        clock.run("store", lambda: draft.add_to(store, original))
        return ingested(store, draft.report.id, clock.took_ms())

    def draft(self, store: Store, source: Source, clock: "Clock") -> Draft:
        """Read a file and cut it up into proposals; nothing is stored but its artefacts.

        The store is asked for what people have taught: the head in use and the lessons they
        confirmed. With the same of it the same file gives the same draft, whether it is read in one
        go or after a kill.

        Raises:
            UnreadableReportError: the file gives no report.
            OcrUnavailableError: OCR is wished for and needed, and not installed.
        """
        document = clock.run("read", lambda: self._read(source, clock))
        layout = clock.run("layout", lambda: clean_lines(document))
        body = clock.run("sections", lambda: split_sections(layout))
        front = clock.run("frontmatter", lambda: read_frontmatter(document, body))
        vectors = _Vectors(self._encoder, source.artefacts)
        head = head_in_use(store, self._config, self._encoder.model_id, self._cues)
        learned = None if head is None else Learned(head, vectors.embed)
        found = clock.run(
            "lessons", lambda: find_lessons(body.blocks, self._cues, front.language, learned)
        )
        if len(found) > _MOST_CANDIDATES:
            raise UnreadableReportError(Unreadable.LIMIT, f"{len(found)} candidates")
        clock.run("embed", lambda: vectors.embed(_passages(found)))
        quotes = vectors.embed([one.evidence.quote for one in found])
        tagged = clock.run("tags", lambda: self._tagged(store, found, quotes))
        lessons = clock.run("merge", lambda: merge_repeats(tagged, quotes, source.sha256))
        paged = not all(page.is_plain for page in document.pages) or len(document.pages) > 1
        report = replace(
            _report(source.file, source.sha256, front, len(document.pages) if paged else None),
            text_key=text_key(body.pages),
        )
        return Draft(
            report=report,
            pages=body.pages,
            lessons=lessons,
            vectors={
                lesson.id: vectors.embed([one.text for one in passages_of(lesson)])
                for lesson in lessons
            },
            tokens=clock.run("tokens", lambda: tokens_of(lessons, self._encoder)),
            model_id=self._encoder.model_id,
        )

    def _tagged(
        self, store: Store, found: Sequence[Candidate], quotes: Floats
    ) -> tuple[TaggedCandidate, ...]:
        return tag_lessons(
            found,
            quotes,
            self._prototypes,
            self._taxonomy,
            examples=self._examples,
            confirmed=confirmed_in(store, self._encoder.model_id),
        )

    def _read(self, source: Source, clock: "Clock") -> RawDocument:
        def read() -> RawDocument:
            return read_document(
                source.path,
                self._limits,
                ocr=source.with_ocr,
                kept=source.derived,
                progress=lambda done, of: clock.tell(done / max(of, 1)),
            )

        return source.artefacts.document(f"{self._limits} ocr={source.with_ocr}", read)


class _Vectors:
    """The vectors of one report by text: each text is embedded once, in as few batches as asked."""

    def __init__(self, encoder: Encoder, artefacts: Artefacts) -> None:
        self._encoder, self._artefacts = encoder, artefacts
        self._known: dict[str, Floats] = {}

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return float32 of shape (texts, dim), like :meth:`kb.embed.Encoder.embed_passages`."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            rows = self._artefacts.vectors(
                self._encoder.model_id, new, self._encoder.embed_passages
            )
            self._known |= dict(zip(new, rows, strict=True))
        if not texts:
            return np.zeros((0, self._encoder.dim), np.float32)
        return np.stack([self._known[text] for text in texts])


class Clock:
    """Times each stage, and tells who watches which one is under way and how far it has come."""

    def __init__(self, watch: Watch = nobody) -> None:
        self._watch = watch
        self._took_ms: dict[str, float] = {}
        self._stage = ""

    def run(self, stage: str, make: Callable[[], _Made]) -> _Made:
        """Return what ``make`` makes, timed as ``stage``."""
        self._stage = stage
        self.tell(0.0)
        started = time.perf_counter()
        made = make()
        self._took_ms[stage] = round((time.perf_counter() - started) * 1000, 1)
        return made

    def tell(self, share: float) -> None:
        """Tell that ``share`` (0-1) of the stage under way is done."""
        self._watch(self._stage, share)

    def took_ms(self) -> dict[str, float]:
        """Return the milliseconds of each stage so far, in order."""
        return dict(self._took_ms)


def limits_of(config: Config) -> Limits:
    """Return what one file may cost by the settings."""
    return Limits(max_bytes=config.max_file_mb * 1_000_000, max_pages=config.max_pages)


def head_in_use(store: Store, config: Config, model_id: str, cues: Cues) -> Head | None:
    """Return the head that staff chose, if it fits the encoder and the cues, or else the shipped.

    None when neither fits: then the rules decide.
    """
    chosen = store.heads.active()
    own = None if chosen is None else _head_of(chosen, model_id, cues)
    return own or load_head(config.corpus / _HEAD_FILE, model_id, cues)


def _head_of(chosen: StoredHead, model_id: str, cues: Cues) -> Head | None:
    try:
        head = parse_head(chosen.data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("head %d is not used: %s: %s", chosen.number, type(error).__name__, error)
        return None
    if head.model_id != model_id or head.scale.names != feature_names(cues):
        _log.warning("head %d is not used: fitted to other vectors or cues", chosen.number)
        return None
    return head


def confirmed_in(store: Store, model_id: str) -> Confirmed | None:
    """Return the quotes of all published lessons with their themes; None before there are any."""
    themes = {one.lesson_id: one.themes for one in store.facets()}
    quotes = [
        (vector, themes[row.lesson_id])
        for row in store.rows(model_id)
        for vector, role in zip(row.vectors, row.roles, strict=True)
        if role is PassageRole.QUOTE and row.lesson_id in themes
    ]
    if not quotes:
        return None
    return Confirmed(
        vectors=np.stack([vector for vector, _ in quotes]), themes=[own for _, own in quotes]
    )


def refuse_known_words(store: Store, report: Report) -> None:
    """Raise AlreadyIngestedError if another report has the same words."""
    known = None if report.text_key is None else store.report_by_words(report.text_key)
    if known is not None:
        raise AlreadyIngestedError(known.id, "the same words")


def ingested(store: Store, report_id: ReportId, took_ms: Mapping[str, float]) -> Ingested:
    """Return what came of a file that is in the store."""
    report, pages = store.report(report_id), store.pages(report_id)
    if report is None:
        raise NotFoundError(f"no report {report_id}")
    return Ingested(
        id=report_id,
        file=report.file,
        lessons=len(store.lesson_ids(report_id=report_id)),
        pages=len(pages),
        problems=tuple((page.number, page.problem) for page in pages if page.problem),
        took_ms=dict(took_ms),
    )


def read_bytes(path: Path, limits: Limits) -> tuple[bytes, str]:
    """Return the bytes of a file that may be a report, and their SHA-256 (hex).

    Raises:
        UnreadableReportError: it is not there, or :func:`refuse_at_the_door` refuses it.
    """
    try:
        if path.stat().st_size > limits.max_bytes:
            raise UnreadableReportError(Unreadable.TOO_LARGE, path.name)
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableReportError(Unreadable.MISSING, str(error)) from error
    refuse_at_the_door(path.name, data, limits)
    return data, hashlib.sha256(data).hexdigest()


def refuse_at_the_door(file: str, data: bytes, limits: Limits) -> None:
    """Raise for what is no report at first sight, so that it is neither kept nor queued.

    Raises:
        UnreadableReportError: it is too large, empty, or neither a PDF nor plain text.
    """
    if len(data) > limits.max_bytes:
        raise UnreadableReportError(Unreadable.TOO_LARGE, file)
    if not data:
        raise UnreadableReportError(Unreadable.EMPTY)
    is_text = Path(file).suffix.lower() == ".txt" and b"\0" not in data[:_PDF_HEAD]
    if b"%PDF-" not in data[:_PDF_HEAD] and not is_text:
        raise UnreadableReportError(Unreadable.NOT_A_REPORT, Path(file).suffix)


def _passages(found: Sequence[Candidate]) -> list[str]:
    """Return every quote and every sentence in one: all that a lesson's passages can be."""
    texts: dict[str, None] = {}
    for candidate in found:
        texts |= dict.fromkeys([candidate.evidence.quote, *sentences(candidate.evidence.quote)])
    return list(texts)


def _report(file: str, sha256: str, front: Frontmatter, pages: int | None) -> Report:
    """Put the report together; what the first pages do not tell stays None."""
    name = front.programme or front.place or front.title or Path(file).stem
    programme = Programme(
        slug=slugify(name),
        name=name,
        place=front.place,
        programme_type=front.programme_type,
        period_from=front.period_from,
        period_to=front.period_to,
        municipalities=front.municipalities,
        inhabitants=front.inhabitants,
        budget=front.budget,
    )
    return Report(
        id=report_id(sha256),
        programme=programme,
        programme_name=front.programme,
        file=file,
        sha256=sha256,
        title=front.title,
        report_type=front.report_type,
        client=front.client,
        contractor=front.contractor,
        year=front.year,
        language=front.language,
        pages=pages,
        note=front.note,
        status=ReportStatus.CANDIDATE,
        sources=(*sorted(front.sources.items()), *_offers(front)),
    )


def _offers(front: Frontmatter) -> list[tuple[str, Found]]:
    """Return the values a person may choose from, as sources of fields that are only offered."""
    chosen = {front.programme, front.contractor}
    return [
        (OFFER + name, found)
        for name, offered in sorted(front.offered.items())
        for found in offered
        if found.value not in chosen
    ]
