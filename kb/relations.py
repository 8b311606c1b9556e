"""How lessons of different reports stand to each other: proposals for a person, never more.

Near in meaning, words and themes is measured; which of the four kinds it is, is a rule of thumb.
Proposals are computed when asked for and never stored; what a person decides is
(:mod:`kb.store.relations`).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from kb.domain import Kind, Lesson, LessonId
from kb.likeness import centred, theme_rows, weighted_pieces
from kb.passages import PassageRole, passages_of
from kb.reasons import Code, told
from kb.text import words

Floats = NDArray[np.float32]


class RelationKind(StrEnum):
    """What the first lesson is to the second."""

    SAMME = "samme"
    """They say the same."""
    STOTTER = "stotter"
    """They point the same way."""
    MOTSIER = "motsier"
    """One speaks against the other."""
    PRESISERER = "presiserer"
    """The first says more exactly when, how much or on what condition."""
    PRESISERES = "presiseres"
    """The other way round: the second is the more exact."""

    @property
    def inverse(self) -> "RelationKind":
        """What the second lesson is to the first."""
        if self is RelationKind.PRESISERER:
            return RelationKind.PRESISERES
        return RelationKind.PRESISERER if self is RelationKind.PRESISERES else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the lesson may be to ``other``. ``likeness`` orders proposals and has no unit."""

    lesson: LessonId
    other: LessonId
    kind: RelationKind
    likeness: float
    reason: str


MOST = 5
_CONSIDERED = 60
"""So many of the nearest by vector and theme are also compared word by word."""
_NEAREST_QUOTES, _ALL_QUOTES, _WORDS, _THEMES = 0.5, 0.5, 0.5, 0.3
_LEAST = 0.50
_SAME = 0.72
_AGAINST = 0.65
"""Below, a success and a warning are more often two subjects than two opinions."""
_MORE_EXACT = 3
_LACK = re.compile(
    r"\b(ellers|elles|uten|utan|mangl\w*|ikke|ikkje|aldri|ingen"
    r"|for (sent|seint|lite|få|tidlig|lenge)|først (etter|da|i)|burde|bør|må|otherwise"
    r"|without|lack\w*|never|not|no|too (late|little|few)|should|must)\b",
    re.I,
)
"""A warning with such words says that something good was missing: it agrees with a success."""
_CONDITION = re.compile(
    r"\b(når|hvis|dersom|minst|inntil|etter|før|først|bare|berre|unntatt|særlig|særleg|der|if|when"
    r"|unless|at least|until|before|after|only|especially|where)\b",
    re.I,
)
_COUNT = re.compile(
    r"\b(\d+|én|ein|to|tre|fire|fem|seks|sju|åtte|ni|ti|elleve|tolv|one|two|three|four|five|six"
    r"|seven|eight|nine|ten|twelve)\s?(år(?:ig|a)?|måneder|månader|medlemmer|medlemer|prosent"
    r"|ansatte|tilsette|kommuner|kommunar|years?|months?|members?|per cent)\b",
    re.I,
)
_NUMBERS = {
    name: str(number)
    for number, names in enumerate(
        "én ein one|to two|tre three|fire four|fem five|seks six|sju seven|åtte eight|ni nine"
        "|ti ten|elleve eleven|tolv twelve".split("|"),
        start=1,
    )
    for name in names.split()
}


class Proposer:
    """Compares lessons with those of other reports. Reading them all in is the slow part.

    How rare a word is, and what all vectors have in common, is judged by the lessons given.
    """

    def __init__(self, lessons: Sequence[Lesson], vectors: Mapping[LessonId, Floats]) -> None:
        """Take in ``lessons`` with the vectors of their passages; those without are passed over."""
        self._lessons = [one for one in lessons if one.id in vectors]
        self._rows = {one.id: row for row, one in enumerate(self._lessons)}
        owners, quotes, rows = [], [], []
        for row, one in enumerate(self._lessons):
            for passage in passages_of(one):
                if passage.role is PassageRole.QUOTE:
                    owners.append(row)
                    quotes.append(passage.text)
                    rows.append(vectors[one.id][passage.position])
        self._owners = np.array(owners, int)
        self._unit = centred(np.stack(rows)) if rows else np.zeros((0, 1))
        self._mean = np.zeros((len(self._lessons), self._unit.shape[1]))
        np.add.at(self._mean, self._owners, self._unit)
        self._mean /= np.maximum(np.linalg.norm(self._mean, axis=1, keepdims=True), 1e-9)
        self._themes = theme_rows(
            [{t.theme: t.confidence for t in one.tags} for one in self._lessons]
        )
        self._pieces = weighted_pieces(quotes)

    def propose(
        self, lesson_id: LessonId, decided: Collection[LessonId] = ()
    ) -> tuple[Proposal, ...]:
        """Return at most five lessons of other reports that this one may stand in relation to.

        The most alike come first. ``decided`` are the others that a person has decided about.
        """
        if lesson_id not in self._rows:
            return ()
        at = self._rows[lesson_id]
        own = self._lessons[at]
        near = self._nearness(at)
        order = sorted(range(len(near)), key=lambda row: (-near[row], self._lessons[row].id))
        found = [
            row
            for row in order
            if self._lessons[row].report_id != own.report_id
            and self._lessons[row].id not in decided
        ][:_CONSIDERED]
        alike = {row: float(near[row]) + _WORDS * self._common_words(at, row) for row in found}
        likely = [row for row in sorted(found, key=lambda row: -alike[row]) if alike[row] >= _LEAST]
        return tuple(_proposal(own, self._lessons[row], alike[row]) for row in likely[:MOST])

    def _nearness(self, at: int) -> NDArray[np.float64]:
        cosines = (self._unit[self._owners == at] @ self._unit.T).max(axis=0)
        best = np.full(len(self._lessons), -1.0)
        np.maximum.at(best, self._owners, cosines)
        near: NDArray[np.float64] = (
            _NEAREST_QUOTES * best
            + _ALL_QUOTES * (self._mean @ self._mean[at])
            + _THEMES * (self._themes @ self._themes[at])
        )
        return near

    def _common_words(self, first: int, second: int) -> float:
        """Return the cosine of the two quotes that share most."""
        ours, theirs = (
            [self._pieces[quote] for quote in np.flatnonzero(self._owners == row)]
            for row in (first, second)
        )
        return max(
            sum(worth * other.get(piece, 0.0) for piece, worth in own.items())
            for own in ours
            for other in theirs
        )


def _proposal(lesson: Lesson, other: Lesson, alike: float) -> Proposal:
    kind, reason = _kind(lesson, other, alike)
    return Proposal(
        lesson=lesson.id, other=other.id, kind=kind, likeness=round(float(alike), 3), reason=reason
    )


def _kind(lesson: Lesson, other: Lesson, alike: float) -> tuple[RelationKind, str]:
    differing = _other_numbers(lesson, other)
    is_plain = Kind.CHALLENGE not in (lesson.kind, other.kind)
    is_opposed = lesson.kind is not other.kind and (_is_failure(lesson) or _is_failure(other))
    if alike >= _AGAINST and is_opposed and is_plain:
        return RelationKind.MOTSIER, told(Code.OPPOSED)
    if alike >= _AGAINST and differing and lesson.kind is other.kind:
        return RelationKind.MOTSIER, told(Code.OTHER_NUMBERS, differing)
    if alike >= _SAME and is_plain:
        return RelationKind.SAMME, told(Code.NEARLY_SAME)
    more = _exactness(lesson) - _exactness(other)
    if more >= _MORE_EXACT:
        return RelationKind.PRESISERER, told(Code.MORE_EXACT)
    if more <= -_MORE_EXACT:
        return RelationKind.PRESISERES, told(Code.LESS_EXACT)
    return RelationKind.STOTTER, told(Code.SAME_WAY)


def _is_failure(lesson: Lesson) -> bool:
    """A warning that what was done failed, rather than that something good was missing."""
    return lesson.kind is Kind.WARNING and not _LACK.search(lesson.statement)


def _other_numbers(lesson: Lesson, other: Lesson) -> str | None:
    """Return both counts where the statements count the same thing and never agree."""
    own, theirs = _counts(lesson.statement), _counts(other.statement)
    for unit in own.keys() & theirs.keys():
        if not own[unit] & theirs[unit]:
            numbers = (f"{'/'.join(sorted(side[unit]))} {unit}" for side in (own, theirs))
            return " and ".join(numbers)
    return None


def _counts(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for match in _COUNT.finditer(text):
        number = match[1].lower()
        unit = re.sub(r"^(år).*", r"\1", match[2].lower())
        found.setdefault(unit, set()).add(_NUMBERS.get(number, number))
    return found


def _exactness(lesson: Lesson) -> int:
    text = lesson.statement
    numbers = sum(word[0].isdigit() for word in words(text)) + len(_COUNT.findall(text))
    return numbers + len(_CONDITION.findall(text)) + len(text) // 80
