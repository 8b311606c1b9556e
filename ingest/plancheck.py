"""What other programmes have learned, held against a plan: for each section, and for what it lacks.

A plan's sentences are no questions, and most of its words stand in every plan. Two things decide
whether a lesson bears on a section: that a sentence of it means nearly the same, and that the
section deals with the lesson's theme. Which themes a sentence deals with is told by what tells the
themes of a lesson (:mod:`ingest.tags`): cues in it and in its heading, and what labelled lessons
taught. A theme that no sentence deals with, while several programmes warn about it, is untouched.
docs/EVALUATION.md has the figures.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from ingest.examples import load_examples
from ingest.plan import Plan, PlanSection
from ingest.tags import word_signs
from kb.config import Config
from kb.domain import Kind, Lesson, LessonId, ProgrammeType, Report, ThemeId
from kb.embed import Encoder
from kb.ranking import Ranker
from kb.store import FacetRow, Store
from kb.support import evaluator
from kb.taxonomy import load_taxonomy
from kb.text import MAX_QUERY_CHARS, content_words, language_of, sentences
from kb.vectors import VectorView

MOST_PER_SECTION = 4
SEVERAL = 2
"""So many programmes must warn about a theme for a plan to be told that it leaves it out."""

_MOST_PER_THEME = 3
_MOST_READ = 200
"""So many warnings of a theme are looked at to choose the best of."""
_CUE, _MOST_CUE, _HEADING, _ENGLISH = 0.2, 1.4, 0.3, 0.15
"""What a cue and a heading add to a learned score (about 0 to 1), and what makes up for having
learned more of Norwegian."""
_RIVALRY = 0.7
"""A sentence speaks first of all of its main theme: so much of the lead of that one is taken off
the others. «Vi viderefører nettverket» is about the network."""
_TOUCHED, _PER_E, _USUAL_PASSAGES = 0.58, 0.1, 40
"""A theme is touched when its best sentence reaches .58 in a plan of 40 sentences. The best of many
looks better than the best of few, so .1 more is asked each time the plan grows e-fold. Set on four
plans of tests/plans, where .54 to .58 miss nothing: what is overlooked costs more than a sentence
read in vain."""
_NEAREST = 0.25
"""The sentence that comes nearest to an untouched theme is shown from here."""
_THEME_FLOOR, _MEANING_FLOOR = 0.5, 0.5
"""A lesson bears on a section when the section deals with one of its themes, and a sentence reaches
this sum of centred cosines."""
_SECOND, _THEME_WORTH, _WARNS = 0.25, 0.5, 0.15
"""What ranks besides the best sentence: the next one, the theme, and being a warning."""
_VOTERS, _VOTE_FROM, _DOUBT = 10, 0.4, 0.5
_SLICE, _THREADS = 8, 2
_LEAST_WORDS = 2

_FORMALITIES = re.compile(
    r"^([\d.]+\s+)?(vedlegg|kilde|kjelde|referanse|litteratur|innhold|forord|føreord|annex|"
    r"appendix|appendices|references|sources|contents|preface)",
    re.IGNORECASE,
)
_WARNINGS = frozenset({Kind.WARNING, Kind.CHALLENGE})

Floats = NDArray[np.float32]
Progress = Callable[[float], None]
"""Is told which share (0-1) is done; stops the work by raising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHit:
    """A lesson that bears on a section; ``passage`` is the sentence of the plan that it meets."""

    lesson: Lesson
    report: Report
    passage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSection:
    """A section of the plan with the lessons that bear on it, warnings and challenges first.

    ``number`` counts from 1.
    """

    number: int
    section: PlanSection
    hits: tuple[PlanHit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntouchedTheme:
    """A theme the plan does not deal with, and who warns about it.

    ``evaluators`` counts those whose name is known and who are not the programme itself.
    ``lessons`` are warnings of different programmes. ``nearest`` is the sentence of the plan that
    comes closest to it, None when none is near. ``is_regional`` tells that only programmes of
    several municipalities speak of it.
    """

    theme: ThemeId
    programmes: int
    evaluators: int
    lessons: tuple[tuple[Lesson, Report], ...]
    nearest: str | None
    is_regional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCheck:
    """What came of a plan. ``untouched`` has the most widely warned-about theme first."""

    name: str
    sections: tuple[CheckedSection, ...]
    touched: tuple[ThemeId, ...]
    untouched: tuple[UntouchedTheme, ...]

    @property
    def lessons(self) -> int:
        """The number of different lessons that bear on a section."""
        return len({hit.lesson.id for one in self.sections for hit in one.hits})


@dataclass(frozen=True, slots=True)
class _Passage:
    section: int
    heading: str
    text: str


class PlanChecker:
    """Holds plans against the published lessons of a store. Keeps nothing of them."""

    def __init__(self, encoder: Encoder, config: Config) -> None:
        self._encoder = encoder
        self._home = config.home
        self._taxonomy = load_taxonomy(config.corpus / "taxonomy.toml")
        self._themes = [theme.id for theme in self._taxonomy.themes]
        self._examples = load_examples(config.corpus / "themes.npz", self._themes, encoder.model_id)

    def check(
        self, store: Store, plan: Plan, progress: Progress = lambda _share: None
    ) -> PlanCheck:
        """Return what the published lessons say of ``plan``."""
        passages = tuple(_passages(plan))
        language = language_of(" ".join(one.text for one in passages))
        vectors = self._embed([one.text for one in passages], progress)
        with store.reading():
            base = _Base(
                Ranker(self._encoder, self._home).view(store), store.facets(), self._themes
            )
            scores = self._theme_scores(passages, vectors, base, language)
            is_touched = scores.max(axis=0, initial=-1) >= _bar(len(passages))
            # A theme that the plan as a whole does not deal with is no theme of a section either.
            sure = np.where(is_touched, scores, np.float32(-1))
            found = [
                _best(base, vectors[rows], sure[rows], language)
                for rows in _rows_of(passages, len(plan.sections))
            ]
            sections = _with_lessons(store, plan, passages, found)
            untouched = tuple(self._untouched(store, passages, scores, is_touched, base))
        touched = tuple(one for one, is_in in zip(self._themes, is_touched, strict=True) if is_in)
        return PlanCheck(name=plan.name, sections=sections, touched=touched, untouched=untouched)

    def _embed(self, texts: Sequence[str], progress: Progress) -> Floats:
        """Embed as questions are: what was learned fits them, and the engine is the quick one."""
        slices = [texts[start : start + _SLICE] for start in range(0, len(texts), _SLICE)]
        done: list[Floats] = []
        with ThreadPoolExecutor(_THREADS) as pool:
            for rows in pool.map(self._encoder.embed_queries, slices):
                done.append(rows)
                progress(len(done) / len(slices))
        return np.concatenate([np.zeros((0, self._encoder.dim), np.float32), *done])

    def _theme_scores(
        self, passages: Sequence[_Passage], vectors: Floats, base: "_Base", language: str
    ) -> Floats:
        """Return how much each passage speaks of each theme, shape (passages, themes)."""
        texts = [one.text for one in passages]
        if self._examples is not None:
            scores = self._examples.scores(texts, vectors)
        else:
            scores = np.array([base.votes(row, language) for row in vectors], np.float32)
            scores = scores.reshape(len(texts), len(self._themes))
        scores = scores + np.float32(_ENGLISH if language == "en" else 0)
        for row, one in enumerate(passages):
            for column, theme in enumerate(self._taxonomy.themes):
                signs, _, _ = word_signs(theme, one.text, (one.heading,))
                cues = signs.first_cue + 0.4 * signs.further_cue + 0.1 * signs.weak_cue
                scores[row, column] += _CUE * min(cues, _MOST_CUE) + _HEADING * signs.heading
        rivals: Floats = scores - _RIVALRY * (
            scores.max(axis=1, keepdims=True, initial=-1) - scores
        )
        return rivals

    def _untouched(
        self,
        store: Store,
        passages: Sequence[_Passage],
        scores: Floats,
        is_touched: NDArray[np.bool_],
        base: "_Base",
    ) -> list[UntouchedTheme]:
        themes = []
        for column in np.flatnonzero(~is_touched):
            theme, own = self._themes[column], scores[:, column]
            warnings = [row for row in base.rows if row.kind in _WARNINGS and theme in row.themes]
            if len({row.programme for row in warnings}) < SEVERAL:
                continue
            is_near = own.max(initial=-1) >= _NEAREST
            nearest = passages[int(own.argmax())].text if is_near else None
            themes.append(_untouched(store, theme, warnings, base.rows, nearest))
        return sorted(
            themes, key=lambda one: (one.is_regional, -one.programmes, -one.evaluators, one.theme)
        )


class _Base:
    """The published lessons as the check sees them, in the order of the vectors."""

    def __init__(
        self, view: VectorView, rows: Sequence[FacetRow], themes: Sequence[ThemeId]
    ) -> None:
        by_id = {row.lesson_id: row for row in rows}
        self.view = view
        self.rows = [by_id[lesson_id] for lesson_id in view.lesson_ids]
        self.carries = np.array(
            [[theme in row.themes for theme in themes] for row in self.rows], bool
        ).reshape(len(self.rows), len(themes))
        self.warns = np.array([row.kind in _WARNINGS for row in self.rows], bool)

    def meaning(self, vector: Floats, language: str) -> Floats:
        """Return for each lesson how near its quote and its best sentence come to a passage."""
        found = self.view.scores(vector, language)
        return found.passage + found.sentence

    def votes(self, vector: Floats, language: str) -> Floats:
        """Return the share of the nearest lessons with each theme: where nothing was learned."""
        meaning = self.meaning(vector, language)
        nearest = np.argsort(-meaning, kind="stable")[:_VOTERS]
        weights = np.maximum(meaning[nearest] - _VOTE_FROM, 0)
        votes: Floats = weights @ self.carries[nearest] / (weights.sum() + _DOUBT)
        return votes


def _passages(plan: Plan) -> Iterator[_Passage]:
    """Yield the sentences of a plan that say something; what stands in its annexes does not."""
    for number, section in enumerate(plan.sections):
        if _FORMALITIES.match(section.heading):
            continue
        for paragraph in section.paragraphs:
            for sentence in sentences(paragraph):
                text = sentence[:MAX_QUERY_CHARS].strip()
                if (
                    sum(map(str.isalpha, "".join(content_words(text)[:_LEAST_WORDS])))
                    > _LEAST_WORDS
                ):
                    yield _Passage(number, section.heading, text)


def _rows_of(passages: Sequence[_Passage], sections: int) -> list[slice]:
    """Return for each section which passages are its own; they stand in order."""
    ends = np.searchsorted([one.section for one in passages], range(1, sections + 1))
    return [slice(int(a), int(b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def _bar(passages: int) -> float:
    return _TOUCHED + _PER_E * log(max(passages, _USUAL_PASSAGES) / _USUAL_PASSAGES)


def _best(
    base: _Base, vectors: Floats, scores: Floats, language: str
) -> list[tuple[LessonId, int]]:
    """Return the lessons that bear on a section, best first, each with the passage it meets."""
    if not len(vectors) or not base.rows:
        return []
    meaning = np.stack([base.meaning(vector, language) for vector in vectors])
    ranked = np.sort(meaning, axis=0)[::-1]
    second = np.maximum(ranked[1], 0) if len(ranked) > 1 else 0
    theme = np.where(base.carries, scores.max(axis=0), -1).max(axis=1)
    worth = ranked[0] + _SECOND * second + _THEME_WORTH * np.minimum(theme, 1) + _WARNS * base.warns
    bears = (theme >= _THEME_FLOOR) & (ranked[0] >= _MEANING_FLOOR)
    chosen = [int(at) for at in np.argsort(-worth, kind="stable") if bears[at]][:MOST_PER_SECTION]
    chosen.sort(key=lambda at: not base.warns[at])
    return [(base.rows[at].lesson_id, int(meaning[:, at].argmax())) for at in chosen]


def _with_lessons(
    store: Store,
    plan: Plan,
    passages: Sequence[_Passage],
    found: Sequence[Sequence[tuple[LessonId, int]]],
) -> tuple[CheckedSection, ...]:
    lessons = store.lessons(sorted({lesson_id for one in found for lesson_id, _ in one}))
    reports = _reports(store, lessons.values())
    rows = _rows_of(passages, len(plan.sections))
    return tuple(
        CheckedSection(
            number=number,
            section=section,
            hits=tuple(
                PlanHit(
                    lesson=lessons[lesson_id],
                    report=reports[lessons[lesson_id].report_id],
                    passage=passages[own.start + place].text,
                )
                for lesson_id, place in hits
            ),
        )
        for number, (section, own, hits) in enumerate(
            zip(plan.sections, rows, found, strict=True), start=1
        )
    )


def _untouched(
    store: Store,
    theme: ThemeId,
    warnings: Sequence[FacetRow],
    rows: Sequence[FacetRow],
    nearest: str | None,
) -> UntouchedTheme:
    lessons = store.lessons([row.lesson_id for row in warnings[:_MOST_READ]])
    reports = _reports(store, lessons.values())
    of_reports = [store.report(report_id) for report_id in {row.report_id for row in warnings}]
    best: dict[str, Lesson] = {}
    for lesson in sorted(lessons.values(), key=lambda one: _closeness(one, theme)):
        best.setdefault(reports[lesson.report_id].programme.slug, lesson)
    return UntouchedTheme(
        theme=theme,
        programmes=len({row.programme for row in warnings}),
        evaluators=len({name for one in of_reports if one and (name := evaluator(one))}),
        lessons=tuple(
            (lesson, reports[lesson.report_id]) for lesson in list(best.values())[:_MOST_PER_THEME]
        ),
        nearest=nearest,
        is_regional=all(
            row.programme_type is ProgrammeType.REGIONALT for row in rows if theme in row.themes
        ),
    )


def _closeness(lesson: Lesson, theme: ThemeId) -> tuple[int, float, str]:
    """Order lessons by how much they are about a theme: as their first, and how surely."""
    place = next((at for at, tag in enumerate(lesson.tags) if tag.theme == theme), len(lesson.tags))
    sure = max((tag.confidence for tag in lesson.tags if tag.theme == theme), default=0.0)
    return place, -sure, lesson.id


def _reports(store: Store, lessons: Iterable[Lesson]) -> dict[str, Report]:
    """Return the reports of ``lessons``; a lesson cannot stand without its own."""
    wanted = {lesson.report_id for lesson in lessons}
    return {known: report for known in wanted if (report := store.report(known)) is not None}
