"""Which themes a lesson is about, and in which phase of a programme it applies.

Words and vectors each miss what the other sees, so a theme's confidence is a logistic of all that
speaks for it: cues in the quote, cues in the heading above it, how far the quote leans to the
theme's prototype, what labelled lessons taught (:mod:`ingest.examples`), and the themes of the
nearest lessons that people have confirmed in other reports. docs/EVALUATION.md has the figures.

The phase is set by rules alone: what was learned from 1,054 labelled lessons found no more and was
wrong more often than not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.examples import Examples, Signs, Weights, unit
from ingest.types import Candidate, TaggedCandidate
from kb.domain import MAX_THEMES, AssignedBy, Phase, ThemeId, ThemeTag
from kb.tables import Patterns
from kb.taxonomy import Taxonomy, Term, Theme, cue_text

Floats = NDArray[np.float32]

_PLAIN = Weights(
    intercept=-4.1, first_cue=3.2, further_cue=1.0, weak_cue=0.25, heading=2.7, leaning=1.0
)
"""Without examples; fitted on six sample reports, each tested on the other five."""
_FURTHER_CUES, _WEAK_CUES = 2, 2
"""How many cues beyond the first, and how many weak ones, add anything."""
KEPT = 0.38
"""A further theme is kept from this confidence: there precision and recall meet."""
_SUPPORTED = 0.06
"""The main theme is kept from here: below, neither a cue nor the vector speaks for it."""
_USUAL_LEANING = 1.0
"""Stands in when there are no vectors; one plain cue is then worth 0.52."""
_FEW = 8
"""With fewer quotes their mean says what they are about, not what all reports have in common."""
_NEIGHBOURS, _NEAR, _DOUBT = 8, 0.2, 0.2
"""So many neighbours vote, each with its centred cosine above ``_NEAR``; ``_DOUBT`` is the weight
of not knowing, so that a single neighbour far away decides nothing."""
_WORTH_SAYING = 0.25
"""A learned score or a vote is named in the reason from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Lessons of other reports whose themes people set or published, one row per quote."""

    vectors: Floats
    themes: Sequence[Sequence[ThemeId]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the vectors say of one quote, a value per theme; None where there are no vectors."""

    leanings: Floats | None = None
    learned: Floats | None = None
    votes: Floats | None = None


@dataclass(frozen=True, slots=True)
class _Support:
    """What speaks for one theme, and the words found."""

    theme: Theme
    column: int
    signs: Signs
    cue: str | None
    heading: str | None
    logit: float

    @property
    def confidence(self) -> float:
        return float(1.0 / (1.0 + np.exp(-self.logit)))


def theme_prototypes(taxonomy: Taxonomy, embed: Callable[[Sequence[str]], Floats]) -> Floats:
    """Return one vector per theme, in the order of the themes: the mean of its texts' vectors.

    ``embed`` gives float32 of shape (n, dim), rows of L2 norm 1.
    """
    rows = embed([text for theme in taxonomy.themes for text in theme.prototype])
    ends = np.cumsum([len(theme.prototype) for theme in taxonomy.themes])
    return np.stack([part.mean(axis=0) for part in np.split(rows, ends[:-1])])


def tag_lessons(
    candidates: Sequence[Candidate],
    vectors: Floats | None,
    prototypes: Floats | None,
    taxonomy: Taxonomy,
    *,
    examples: Examples | None = None,
    confirmed: Confirmed | None = None,
) -> tuple[TaggedCandidate, ...]:
    """Return the candidates in the same order with up to three themes, main theme first.

    A candidate without tags is one that nothing speaks for. The phase is set where the text tells.

    Args:
        candidates: of one report.
        vectors: one row per candidate's quote; None when there is no encoder.
        prototypes: as :func:`theme_prototypes` gives them.
        taxonomy: the themes and phases.
        examples: learned for the themes of ``taxonomy`` with the model of ``vectors``.
        confirmed: of other reports, with vectors of the same model.
    """
    learner = examples if vectors is not None else None
    seen = [_Seen() for _ in candidates]
    if vectors is not None and prototypes is not None and len(candidates):
        seen = _seen(candidates, vectors, prototypes, taxonomy, learner, confirmed)
    return tuple(
        TaggedCandidate(
            candidate=_phased(one, taxonomy.phases),
            tags=_tags(one, seen[row], taxonomy, learner),
        )
        for row, one in enumerate(candidates)
    )


def _seen(
    candidates: Sequence[Candidate],
    vectors: Floats,
    prototypes: Floats,
    taxonomy: Taxonomy,
    examples: Examples | None,
    confirmed: Confirmed | None,
) -> list[_Seen]:
    leanings = leanings_of(vectors, prototypes)
    quotes = [one.evidence.quote for one in candidates]
    learned = None if examples is None else examples.scores(quotes, vectors)
    votes = None
    if examples is not None and confirmed is not None and len(confirmed.themes):
        votes = votes_of(vectors, confirmed, examples.mean, [one.id for one in taxonomy.themes])
    return [
        _Seen(
            leanings[row],
            None if learned is None else learned[row],
            None if votes is None else votes[row],
        )
        for row in range(len(candidates))
    ]


def votes_of(
    vectors: Floats, confirmed: Confirmed, mean: Floats, themes: Sequence[ThemeId]
) -> Floats:
    """Return the share of the nearest confirmed lessons that carry each theme, 0 to 1."""
    carried = np.array([[theme in own for theme in themes] for own in confirmed.themes], np.float32)
    cosines = unit(vectors - mean) @ unit(confirmed.vectors - mean).T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :_NEIGHBOURS]
    weights = np.maximum(np.take_along_axis(cosines, nearest, axis=1) - _NEAR, 0.0)
    share = np.einsum("qn,qnt->qt", weights, carried[nearest])
    votes: Floats = share / (weights.sum(axis=1, keepdims=True) + _DOUBT)
    return votes


def leanings_of(vectors: Floats, prototypes: Floats) -> Floats:
    """Return how far each quote leans to each theme, shape (quotes, themes).

    In standard deviations over the themes, so that it means the same for every encoder. Raw vectors
    all point the same way (cosine 0.8 to 0.97 for any pair of texts), so quotes and prototypes are
    each centred on their own mean first.
    """
    common = prototypes.mean(axis=0)
    quotes = vectors - (vectors.mean(axis=0) if len(vectors) >= _FEW else common)
    cosines = unit(quotes) @ unit(prototypes - common).T
    spread = np.maximum(cosines.std(axis=1, keepdims=True), 1e-3)
    leanings: Floats = (cosines - cosines.mean(axis=1, keepdims=True)) / spread
    return leanings


def _tags(
    candidate: Candidate, seen: _Seen, taxonomy: Taxonomy, examples: Examples | None
) -> tuple[ThemeTag, ...]:
    weights = _PLAIN if examples is None else examples.weights
    supports = [
        _support(column, theme, candidate, seen, weights)
        for column, theme in enumerate(taxonomy.themes)
    ]
    supports.sort(key=lambda one: -one.logit)
    kept = [one for one in supports[:MAX_THEMES] if one.confidence >= KEPT]
    if not kept and supports[0].confidence >= _SUPPORTED:
        kept = supports[:1]
    return tuple(
        ThemeTag(
            theme=one.theme.id,
            confidence=round(one.confidence, 3),
            assigned_by=AssignedBy.RULE if one.cue or one.heading else AssignedBy.MODEL,
            reason=_reason(one, candidate.evidence.quote, examples),
        )
        for one in kept
    )


def _support(
    column: int, theme: Theme, candidate: Candidate, seen: _Seen, weights: Weights
) -> _Support:
    signs, cue, heading = word_signs(theme, candidate.evidence.quote, candidate.evidence.section)
    signs = replace(
        signs,
        leaning=_USUAL_LEANING if seen.leanings is None else float(seen.leanings[column]),
        learned=0.0 if seen.learned is None else float(seen.learned[column]),
        vote=0.0 if seen.votes is None else float(seen.votes[column]),
    )
    return _Support(theme, column, signs, cue, heading, weights.logit(signs))


def word_signs(
    theme: Theme, quote: str, section: Sequence[str]
) -> tuple[Signs, str | None, str | None]:
    """Return the cues of ``theme``, and the first one found in the quote and in its heading."""
    text = cue_text(quote)
    cues = _found(theme.cues, text)
    weak = _found(theme.weak_cues, text)
    if len(cues) == 1 and _found(theme.counter_cues, text):
        cues = []
    if not cues and len(weak) < _WEAK_CUES:
        weak = []
    above = _found(theme.cues + theme.weak_cues, cue_text(section[-1])) if section else []
    signs = Signs(
        first_cue=bool(cues),
        further_cue=min(max(len(cues) - 1, 0), _FURTHER_CUES),
        weak_cue=min(len(weak), _WEAK_CUES),
        heading=bool(above),
    )
    return signs, next(iter(cues + weak), None), next(iter(above), None)


def _found(patterns: Patterns, text: str) -> list[str]:
    """Return the words each pattern finds, one for each pattern that finds any."""
    return [match.group().strip() for p in patterns if (match := p.search(text))]


def _reason(support: _Support, quote: str, examples: Examples | None) -> str:
    parts = []
    if support.cue:
        parts.append(f"the quote says «{support.cue}»")
    if support.heading:
        parts.append(f"the heading says «{support.heading}»")
    if support.signs.vote >= _WORTH_SAYING:
        parts.append("nearest confirmed lessons in other reports carry this theme")
    if examples is not None and support.signs.learned >= _WORTH_SAYING:
        words = " and ".join(f"«{word}»" for word in examples.telling(quote, support.column))
        parts.append("told like known lessons on this theme" + (f": {words}" if words else ""))
    if support.signs.leaning > _USUAL_LEANING or not parts:
        parts.append("close in meaning to the theme's examples")
    return "; ".join(parts)


def _phased(candidate: Candidate, phases: Sequence[Term]) -> Candidate:
    """Return the candidate in the phase most cues of its quote and headings speak for, and why.

    None on a tie.
    """
    quote = cue_text(candidate.evidence.quote)
    heading = cue_text(" ".join(candidate.evidence.section))
    told = [(term, _found(term.cues, quote), _found(term.cues, heading)) for term in phases]
    votes = sorted(
        ((2 * len(said) + len(above), term.id, said, above) for term, said, above in told),
        reverse=True,
    )
    (most, phase, said, above), (second, *_) = votes[0], votes[1]
    if most <= second:
        return replace(candidate, phase=None, phase_reason="")
    reasons = [f"sitatet sier «{said[0]}»"] if said else []
    reasons += [f"overskriften sier «{above[0]}»"] if above else []
    return replace(candidate, phase=Phase(phase), phase_reason="; ".join(reasons))
