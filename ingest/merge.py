"""The same lesson told in several chapters becomes one lesson with all its quotes.

A wrong merge hides a lesson, a missed one only shows it twice, so only what is all but certain is
merged; what is merely alike is shown to staff beside each other (:func:`kb.likeness.nearest`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ingest.types import TaggedCandidate
from kb.domain import MAX_THEMES, Lesson, Status, ThemeTag, lesson_id, report_id
from kb.likeness import likeness

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

_ALIKE = 0.60
"""Two groups are one lesson when their quotes are this alike on average.

Chosen on eleven of twelve reports and tried on the twelfth, each in turn: 31 of the 32 pairs of
expected quotes so joined were right (.97), one in ten of the true pairs. Of the 14 pairs it joins
among the proposals for the same reports all are right; at 0.55 it is 21 and 3 wrong, at 0.50 28
and 7.
"""


def merge_repeats(
    tagged: Sequence[TaggedCandidate], vectors: Floats, sha256: str
) -> tuple[Lesson, ...]:
    """Return the lessons of one report in reading order, each with every place that tells it.

    The clearest wording comes first and gives the lesson its statement, kind and id. Quotes that
    are the same letter for letter always become one, so ids are unique.

    Args:
        tagged: the candidates of one report in reading order.
        vectors: one row per candidate's quote, L2 norm 1.
        sha256: of the report's file; decides the ids.
    """
    quotes = [one.candidate.evidence.quote for one in tagged]
    themes = [{tag.theme: tag.confidence for tag in one.tags} for one in tagged]
    groups = _average_link(likeness(quotes, vectors, themes)) if tagged else []
    return tuple(_lesson([tagged[row] for row in group], sha256) for group in groups)


def _average_link(like: Matrix) -> list[list[int]]:
    """Return groups of row numbers: the two most alike groups are joined until none are enough.

    Ordered by first member, members in order.
    """
    groups = {row: [row] for row in range(len(like))}
    between = like.copy()
    np.fill_diagonal(between, -np.inf)
    while len(groups) > 1:
        first, second = sorted(divmod(int(between.argmax()), len(like)))
        if between[first, second] < _ALIKE:
            break
        sizes = len(groups[first]), len(groups[second])
        joined = (sizes[0] * between[first] + sizes[1] * between[second]) / sum(sizes)
        between[first], between[:, first] = joined, joined
        between[first, first] = -np.inf
        between[second], between[:, second] = -np.inf, -np.inf
        groups[first] += groups.pop(second)
    return [sorted(groups[first]) for first in sorted(groups, key=lambda row: min(groups[row]))]


def _lesson(members: Sequence[TaggedCandidate], sha256: str) -> Lesson:
    """Put one lesson together; of equally clear wordings the first in the report is the core."""
    places = sorted(members, key=lambda one: -one.candidate.score)
    core = places[0].candidate
    phased = next((place.candidate for place in places if place.candidate.phase), None)
    own = report_id(sha256)
    reason = core.reason if len(places) == 1 else f"{core.reason}; told in {len(places)} places"
    return Lesson(
        id=lesson_id(sha256, core.evidence.quote),
        report_id=own,
        statement=core.statement,
        is_edited=False,
        kind=core.kind,
        phase=phased.phase if phased else None,
        status=Status.CANDIDATE,
        language=core.language,
        reason=reason,
        kind_reason=core.kind_reason,
        phase_reason=phased.phase_reason if phased else "",
        tags=_joint_tags(places),
        evidence=tuple(replace(place.candidate.evidence, report_id=own) for place in places),
        confidence=_surest(places),
    )


def _surest(places: Sequence[TaggedCandidate]) -> float | None:
    """Return the confidence in the surest place: it is a lesson if any of them is."""
    known = [one.candidate.confidence for one in places]
    return max((one for one in known if one is not None), default=None)


def _joint_tags(places: Sequence[TaggedCandidate]) -> tuple[ThemeTag, ...]:
    """Return the themes most places agree on, by the sum of their confidences."""
    tags: dict[str, list[ThemeTag]] = defaultdict(list)
    for place in places:
        for tag in place.tags:
            tags[tag.theme].append(tag)
    ranked = sorted(tags.values(), key=lambda same: -sum(tag.confidence for tag in same))
    return tuple(max(same, key=lambda tag: tag.confidence) for same in ranked[:MAX_THEMES])
