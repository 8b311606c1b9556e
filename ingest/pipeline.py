"""The way of the data, on one page: a file becomes a report with tagged lessons in the store."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.frontmatter import read_frontmatter
from ingest.layout import clean_lines
from ingest.lessons import find_lessons
from ingest.merge import merge_repeats
from ingest.pdf import Limits, read_document
from ingest.sections import split_sections
from ingest.tags import tag_lessons, theme_prototypes
from ingest.types import Body, Candidate, Frontmatter, StageTime
from kb.config import Config
from kb.domain import Lesson, Programme, Report, ReportStatus, Status, report_id
from kb.embed import Encoder
from kb.errors import AlreadyIngestedError, Unreadable, UnreadableReportError
from kb.passages import passages_of
from kb.store import Store
from kb.taxonomy import load_cues, load_taxonomy
from kb.text import sentences, slugify

_MOST_CANDIDATES = 5_000
"""Far more than any evaluation holds. Merging compares all pairs: 200 MB at so many, and 9 000
kept one processor busy for four minutes."""

Floats = NDArray[np.float32]
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What came of one file: counts, pages with problems (number, code), time per stage."""

    id: str
    file: str
    lessons: int
    pages: int
    problems: tuple[tuple[int, str], ...]
    times: tuple[StageTime, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as ``kb ingest --json`` prints it."""
        return {
            "id": self.id,
            "file": self.file,
            "lessons": self.lessons,
            "pages": self.pages,
            "problems": [{"page": page, "code": code} for page, code in self.problems],
            "took_ms": {one.stage: round(one.took_ms, 1) for one in self.times},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A report read and cut up, before anything is stored. ``vectors`` go by passage text."""

    report: Report
    body: Body
    lessons: tuple[Lesson, ...]
    vectors: dict[str, Floats]
    original: bytes


class Ingestor:
    """Reads report files into a store. Holds what every file needs: encoder, themes and cues."""

    def __init__(self, encoder: Encoder, config: Config) -> None:
        self._encoder = encoder
        self._limits = Limits(max_bytes=config.max_file_mb * 1_000_000, max_pages=config.max_pages)
        self._taxonomy = load_taxonomy(config.corpus / "taxonomy.toml")
        self._cues = load_cues(config.corpus / "cues.toml")
        self._prototypes = theme_prototypes(self._taxonomy, encoder.embed_passages)

    def add(
        self,
        store: Store,
        path: Path,
        *,
        publish: bool,
        name: str | None = None,
        progress: Callable[[str], None] = lambda _stage: None,
    ) -> Ingested:
        """Read ``path`` and store it with its lessons, in one transaction.

        ``name`` is the file's name where the path has another one.

        Raises:
            UnreadableReportError: the file gives no report.
            AlreadyIngestedError: the same bytes are in the store.
        """
        clock = _Clock(progress)
        original, sha256 = _bytes_of(path, self._limits)
        known = store.report_by_sha256(sha256)
        if known is not None:
            raise AlreadyIngestedError(known.id)
        draft = self._draft(path, original, sha256, clock, publish=publish)
        if _bytes_of(path, self._limits)[1] != sha256:
            raise UnreadableReportError(Unreadable.DAMAGED, "the file changed while it was read")
        if name:
            draft = replace(draft, report=replace(draft.report, file=name))
        vectors = {
            lesson.id: np.stack([draft.vectors[one.text] for one in passages_of(lesson)])
            for lesson in draft.lessons
        }
        clock.run(
            "store",
            lambda: store.add_report(
                draft.report,
                draft.body.pages,
                draft.lessons,
                vectors,
                self._encoder.model_id,
                original,
            ),
        )
        return Ingested(
            id=draft.report.id,
            file=draft.report.file,
            lessons=len(draft.lessons),
            pages=len(draft.body.pages),
            problems=tuple((p.number, p.problem) for p in draft.body.pages if p.problem),
            times=clock.times(),
        )

    def _draft(
        self, path: Path, original: bytes, sha256: str, clock: "_Clock", *, publish: bool
    ) -> Draft:
        document = clock.run("pdf", lambda: read_document(path, self._limits))
        layout = clock.run("layout", lambda: clean_lines(document))
        body = clock.run("sections", lambda: split_sections(layout))
        front = clock.run("frontmatter", lambda: read_frontmatter(document, body))
        found = clock.run("lessons", lambda: find_lessons(body.blocks, self._cues, front.language))
        if len(found) > _MOST_CANDIDATES:
            raise UnreadableReportError(Unreadable.LIMIT, f"{len(found)} candidates")
        vectors = clock.run("embed", lambda: self._embed(found))
        quotes = _rows(vectors, [one.evidence.quote for one in found], self._encoder.dim)
        tagged = clock.run(
            "tags", lambda: tag_lessons(found, quotes, self._prototypes, self._taxonomy)
        )
        lessons = clock.run("merge", lambda: merge_repeats(tagged, quotes, sha256))
        paged = not all(page.is_plain for page in document.pages) or len(document.pages) > 1
        report = _report(path.name, sha256, front, len(document.pages) if paged else None)
        if publish:
            lessons = tuple(replace(one, status=Status.PUBLISHED) for one in lessons)
            report = replace(report, status=ReportStatus.PUBLISHED)
        return Draft(report=report, body=body, lessons=lessons, vectors=vectors, original=original)

    def _embed(self, found: Sequence[Candidate]) -> dict[str, Floats]:
        """Return the vector of every quote and of every sentence in one, in one batch."""
        texts: dict[str, None] = {}
        for candidate in found:
            texts |= dict.fromkeys([candidate.evidence.quote, *sentences(candidate.evidence.quote)])
        rows = self._encoder.embed_passages(list(texts))
        return dict(zip(texts, rows, strict=True))


class _Clock:
    """Times each stage and tells the caller which one is under way."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._times: list[StageTime] = []

    def run(self, stage: str, make: Callable[[], _Made]) -> _Made:
        self._progress(stage)
        started = time.perf_counter()
        made = make()
        took = (time.perf_counter() - started) * 1000
        self._times.append(StageTime(stage=stage, took_ms=took))
        return made

    def times(self) -> tuple[StageTime, ...]:
        return tuple(self._times)


def _bytes_of(path: Path, limits: Limits) -> tuple[bytes, str]:
    try:
        if path.stat().st_size > limits.max_bytes:
            raise UnreadableReportError(Unreadable.TOO_LARGE, path.name)
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableReportError(Unreadable.MISSING, str(error)) from error
    return data, hashlib.sha256(data).hexdigest()


def _rows(vectors: dict[str, Floats], texts: Sequence[str], dim: int) -> Floats:
    return np.stack([vectors[text] for text in texts]) if texts else np.zeros((0, dim), np.float32)


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
        sources=tuple(sorted(front.sources.items())),
    )
