"""Lessons of one report that say nearly the same, so that one hit can stand for them.

Compared are only hits that the question's signals cannot tell apart; whether they are alike, their
words decide.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from kb.domain import Lesson, LessonId
from kb.lexical import stem
from kb.ranking import Legs
from kb.store import FacetRow, Store
from kb.text import content_words, words

LOOKED_AT = 200
"""Beyond so many hits nothing is folded: nobody reads that far."""

SAME_SIGNALS = 0.35
"""Two texts that are nearly the same are this near in meaning to any question."""

SAME_WORDS = 0.6
"""The share of their words that two lessons must have in common."""

_NEGATIONS = frozenset("ikke ikkje not aldri never uten utan without ingen nobody manglet".split())


_Said = tuple[frozenset[str], frozenset[str]]


class Twins:
    """Finds them, and remembers what lessons say at one generation. Shared by threads."""

    def __init__(self) -> None:
        self._said: tuple[int, dict[LessonId, _Said]] = (-1, {})

    def said(self, store: Store, ids: set[LessonId]) -> Mapping[LessonId, _Said]:
        """Return what these lessons say, of the store's current read transaction."""
        generation = store.generation()
        kept_at, known = self._said
        if kept_at != generation:
            self._said = (generation, known := {})
        for lesson_id, lesson in store.lessons(sorted(ids - known.keys())).items():
            known[lesson_id] = _said(lesson)
        return known


def fold(
    twins: Twins, store: Store, rows: Sequence[FacetRow], ranked: Sequence[int], legs: Legs
) -> dict[int, tuple[int, ...]]:
    """Return for some of ``ranked`` (numbers of ``rows``, best first) those it stands for."""
    of_report: dict[str, list[int]] = defaultdict(list)
    for number in ranked[:LOOKED_AT]:
        of_report[rows[number].report_id].append(number)
    near = [
        (head, other)
        for numbers in of_report.values()
        for place, other in enumerate(numbers)
        for head in numbers[:place]
        if abs(float(legs.meaning[head] - legs.meaning[other])) <= SAME_SIGNALS
    ]
    ids = {rows[number].lesson_id for pair in near for number in pair}
    said = twins.said(store, ids)
    heads: dict[int, list[int]] = defaultdict(list)
    folded: set[int] = set()
    for head, other in near:
        if head in folded or other in folded:
            continue
        if _are_twins(said[rows[head].lesson_id], said[rows[other].lesson_id]):
            heads[head].append(other)
            folded.add(other)
    return {head: tuple(others) for head, others in heads.items()}


def _said(lesson: Lesson) -> _Said:
    """Return the stems of a statement, and what turns its sense: its numbers and negations."""
    turning = {word for word in words(lesson.statement) if word[0].isdigit() or word in _NEGATIONS}
    return frozenset(map(stem, content_words(lesson.statement))), frozenset(turning)


def _are_twins(one: _Said, other: _Said) -> bool:
    common, all_words = len(one[0] & other[0]), len(one[0] | other[0])
    return one[1] == other[1] and common >= SAME_WORDS * max(all_words, 1)
