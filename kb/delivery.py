"""The few lessons that matter at a point of a programme, found without a question from the reader.

What is at hand (an event, a phase) names its themes; every published lesson on one of them is
weighed by theme, its own phase and kind, how well it answers the occasion's question, whether the
programme is like the reader's, and how many others say so. Then they are taken one by one, and
each taken lesson makes those of the same theme or programme wait, so that the reader does not get
five from one report.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kb.domain import Kind, Lesson, LessonId, Phase, Programme, ProgrammeSlug, Report, ThemeId
from kb.lint import Finding, lint
from kb.process import Event, ProcessPhase
from kb.profile import Likeness, Profile, compare
from kb.search import Hit, Searcher
from kb.store import FacetRow, Store
from kb.support import Agreement, Support
from kb.text import normalise

_MAIN_THEME, _OTHER_THEME, _LATER_THEME = 1.0, 0.5, 0.5
"""A lesson's main theme tells more than the others; the last theme of an occasion is worth half of
its first."""
_ANSWER = 0.8
"""For the lesson that answers the occasion's question best."""
_SAME_PHASE, _LIKE, _CONFIRMED = 0.3, 0.3, 0.2
_KINDS = {Kind.RECOMMENDATION: 0.15, Kind.WARNING: 0.15, Kind.SUCCESS: 0.1, Kind.CHALLENGE: 0.0}
_LINT = 0.3
"""What a finding costs: a lesson that cannot be understood alone helps nobody at a meeting."""
_THEME_TAKEN, _PROGRAMME_TAKEN, _SAID_ALREADY = 0.25, 0.2, 0.8
_LOOKED_AT = 32
"""So many lessons are read, and two more for each that is wanted."""
_SIMILAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why lessons are wanted: an event, or a phase as such."""

    themes: tuple[ThemeId, ...]
    question: str
    phases: tuple[Phase, ...]
    event: Event | None

    @classmethod
    def of_event(cls, event: Event) -> "Occasion":
        """Return the occasion that an event is."""
        return cls(themes=event.themes, question=event.question, phases=event.phases, event=event)

    @classmethod
    def of_phase(cls, phase: ProcessPhase) -> "Occasion":
        """Return the occasion that being in a phase is."""
        return cls(themes=phase.themes, question=phase.question, phases=(phase.id,), event=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A lesson with the occasion and theme it was chosen for, and who else says so.

    ``suggested`` are lessons of other programmes that the program finds alike; nobody has said so.
    """

    lesson: Lesson
    report: Report
    occasion: Occasion
    theme: ThemeId
    likeness: Likeness
    support: Support
    suggested: tuple[Hit, ...]

    @property
    def suggested_programmes(self) -> int:
        """How many programmes the suggested lessons come from."""
        return len({hit.report.programme.slug for hit in self.suggested})


@dataclass(frozen=True, slots=True)
class _Weighed:
    row: FacetRow
    occasion: Occasion
    theme: ThemeId
    worth: float


class Delivery:
    """Chooses lessons out of one state of the base."""

    def __init__(self, store: Store, searcher: Searcher) -> None:
        """Read what all choices share. The caller keeps one read transaction open around it."""
        self._store, self._searcher = store, searcher
        self._rows = store.facets()
        self._programmes: Mapping[ProgrammeSlug, Programme] = {
            one.slug: one for one in store.programmes()
        }
        self._reports = {each.report.id: each.report for each in store.reports()}
        self._agreement = Agreement.read(store)
        self._lessons: dict[LessonId, Lesson] = {}

    def choose(
        self,
        occasions: Sequence[Occasion],
        profile: Profile,
        limit: int,
        *,
        without: Iterable[LessonId] = (),
        kinds: Collection[Kind] = frozenset(Kind),
    ) -> tuple[Delivered, ...]:
        """Return at most ``limit`` lessons of ``kinds``, the weightiest first; none of ``without``.

        Of occasions that want the same lesson, the first gives the reason. With equal weights the
        reading order decides, so that the same base gives the same lessons.
        """
        left_out = set(without)
        weighed = [
            one
            for one in self._weigh(occasions, profile)
            if one.row.lesson_id not in left_out and one.row.kind in kinds
        ]
        waiting = self._sound(weighed[: _LOOKED_AT + 2 * limit])
        taken: list[Delivered] = []
        themes: Counter[ThemeId] = Counter()
        programmes: Counter[ProgrammeSlug] = Counter()
        said: set[LessonId] = set()
        while waiting and len(taken) < limit:
            best = max(
                waiting,
                key=lambda one: (
                    one.worth
                    - _THEME_TAKEN * themes[one.theme]
                    - _PROGRAMME_TAKEN * programmes[one.row.programme]
                    - _SAID_ALREADY * (one.row.lesson_id in said)
                ),
            )
            waiting.remove(best)
            if best.row.lesson_id in left_out:
                continue
            one = self.deliver(best.row.lesson_id, best.occasion, best.theme, profile)
            taken.append(one)
            themes[best.theme] += 1
            programmes[best.row.programme] += 1
            said.update(hit.lesson.id for hit in one.suggested)
            left_out.update(one.support.lessons)  # they are counted where this one stands
        return tuple(taken)

    def deliver(
        self, lesson_id: LessonId, occasion: Occasion, theme: ThemeId, profile: Profile
    ) -> Delivered:
        """Return a published lesson with who else says so."""
        if lesson_id not in self._lessons:
            self._lessons |= self._store.lessons([lesson_id])
        lesson = self._lessons[lesson_id]
        report = self._reports[lesson.report_id]
        support = self._agreement.support(lesson_id)
        decided = {one.second for one in self._store.relations.of(lesson_id)}
        near = self._searcher.similar(self._store, lesson_id, _SIMILAR, elsewhere=True)
        return Delivered(
            lesson=lesson,
            report=report,
            occasion=occasion,
            theme=theme,
            likeness=compare(profile, report.programme),
            support=support,
            suggested=tuple(
                hit
                for hit in near
                if hit.lesson.id not in decided
                and hit.report.programme.slug not in support.programmes
            ),
        )

    def published(self, lesson_ids: Iterable[LessonId]) -> tuple[FacetRow, ...]:
        """Return those of the lessons that are published, in reading order."""
        wanted = set(lesson_ids)
        return tuple(row for row in self._rows if row.lesson_id in wanted)

    def _weigh(self, occasions: Sequence[Occasion], profile: Profile) -> list[_Weighed]:
        best: dict[LessonId, _Weighed] = {}
        like = {
            slug: _LIKE * compare(profile, programme).is_like
            for slug, programme in self._programmes.items()
        }
        for occasion in occasions:
            answers = self._answers(occasion.question)
            for row in self._rows:
                theme = _theme(row, occasion)
                if theme is None:
                    continue
                worth = (
                    theme[1]
                    + _ANSWER * answers.get(row.lesson_id, 0.0)
                    + _KINDS[row.kind]
                    + _SAME_PHASE * (row.phase in occasion.phases)
                    - _SAME_PHASE * (row.phase is not None and row.phase not in occasion.phases)
                    + like[row.programme]
                    + _CONFIRMED * (len(self._agreement.support(row.lesson_id).programmes) - 1)
                )
                known = best.get(row.lesson_id)
                if known is None or worth > known.worth:
                    best[row.lesson_id] = _Weighed(row, occasion, theme[0], worth)
        return sorted(best.values(), key=lambda one: -one.worth)

    def _answers(self, question: str) -> dict[LessonId, float]:
        """Return how well lessons answer a question, 1 for the best."""
        legs = self._searcher.ranker.legs(self._store, normalise(question))
        most = max(float(legs.relevance.max(initial=0)), 1e-9)
        return {
            lesson_id: max(float(score), 0.0) / most
            for lesson_id, score in zip(legs.lesson_ids, legs.relevance, strict=True)
        }

    def _sound(self, weighed: Sequence[_Weighed]) -> list[_Weighed]:
        """Return them with what is left of each one's worth when its wording is looked at."""
        new = [one.row.lesson_id for one in weighed if one.row.lesson_id not in self._lessons]
        self._lessons |= self._store.lessons(new)
        return [
            replace(one, worth=one.worth - _LINT * len(self._findings(one.row.lesson_id)))
            for one in weighed
        ]

    def _findings(self, lesson_id: LessonId) -> tuple[Finding, ...]:
        lesson = self._lessons[lesson_id]
        return lint(lesson, self._reports[lesson.report_id])


def _theme(row: FacetRow, occasion: Occasion) -> tuple[ThemeId, float] | None:
    """Return the theme of a lesson that the occasion asks for most, with its weight."""
    found = [
        (theme, (_MAIN_THEME if place == 0 else _OTHER_THEME) * _place_weight(theme, occasion))
        for place, theme in enumerate(row.themes)
        if theme in occasion.themes
    ]
    return max(found, key=lambda one: one[1], default=None)


def _place_weight(theme: ThemeId, occasion: Occasion) -> float:
    last = max(len(occasion.themes) - 1, 1)
    return 1.0 - _LATER_THEME * occasion.themes.index(theme) / last
