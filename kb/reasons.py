"""Why the machine proposes what it does: stable codes with their words, kept as sentences.

Each code has one sentence by which it is kept and read back, so that what shows it can say it in
another language. What was kept in an older form is read as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What speaks for a proposal, its kind, a theme, a phase or a relation."""

    CUE = "cue"
    """A known turn of phrase: what it tells, and the words."""
    SECTION = "section"
    AMONG_LESSONS = "among-lessons"
    NO_CUE = "no-cue"
    NO_CUE_FOR_KIND = "no-cue-for-kind"
    MODEL_LESSON = "model-lesson"
    MODEL_LESSON_LIKE = "model-lesson-like"
    MODEL_KIND = "model-kind"
    PLACES = "places"
    QUOTE_SAYS = "quote-says"
    HEADING_SAYS = "heading-says"
    LIKE_EXAMPLES = "like-examples"
    NEAREST_LESSONS = "nearest-lessons"
    LIKE_KNOWN = "like-known"
    LIKE_KNOWN_WORDS = "like-known-words"
    BY_HAND = "by-hand"
    OPPOSED = "opposed"
    OTHER_NUMBERS = "other-numbers"
    NEARLY_SAME = "nearly-same"
    MORE_EXACT = "more-exact"
    LESS_EXACT = "less-exact"
    SAME_WAY = "same-way"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and its words. ``code`` is None for a sentence of which nothing is known."""

    code: Code | None
    words: tuple[str, ...]


_SENTENCES: Mapping[Code, tuple[str, ...]] = {
    Code.SECTION: ("står i {}",),
    Code.AMONG_LESSONS: ("står blant setninger som forteller en lærdom",),
    Code.NO_CUE_FOR_KIND: ("ingen kjent vending forteller typen",),
    Code.NO_CUE: ("ingen kjent vending",),
    Code.MODEL_LESSON: ("språkmodellen mener at setningen er en lærdom",),
    Code.MODEL_LESSON_LIKE: (
        "språkmodellen mener at setningen er en lærdom, nærmest av eksemplene er «{}»",
    ),
    Code.MODEL_KIND: ("språkmodellen mener {}, dernest {}",),
    Code.PLACES: ("told in {} places",),
    Code.QUOTE_SAYS: ("the quote says «{}»", "sitatet sier «{}»"),
    Code.HEADING_SAYS: ("the heading says «{}»", "overskriften sier «{}»"),
    Code.LIKE_EXAMPLES: ("close in meaning to the theme's examples",),
    Code.NEAREST_LESSONS: ("nearest confirmed lessons in other reports carry this theme",),
    Code.LIKE_KNOWN: ("told like known lessons on this theme",),
    Code.LIKE_KNOWN_WORDS: ("told like known lessons on this theme: {}",),
    Code.BY_HAND: ("set by a person",),
    Code.OPPOSED: ("one tells it as what worked, the other as what failed",),
    Code.OTHER_NUMBERS: ("the same subject with other numbers: {}",),
    Code.NEARLY_SAME: ("nearly the same, said in another report",),
    Code.MORE_EXACT: ("names numbers or conditions that the other leaves open",),
    Code.LESS_EXACT: ("the other names numbers or conditions left open here",),
    Code.SAME_WAY: ("near in meaning, and points the same way",),
    Code.CUE: ("{} («{}»)",),
}
"""The first of each is written, all are read; the most general comes last."""

_PATTERNS = tuple(
    (code, re.compile("(.+)".join(map(re.escape, sentence.split("{}")))))
    for code, sentences in _SENTENCES.items()
    for sentence in sentences
)
_BETWEEN = re.compile(r";\s*(?![^«]*»)")
"""Reasons are parted by a semicolon, but not one that stands in a quotation."""


def told(code: Code, *words: str) -> str:
    """Return the sentence by which a reason is kept; several are joined by ``; ``."""
    return _SENTENCES[code][0].format(*words)


def read(kept: str) -> tuple[Reason, ...]:
    """Return the reasons in what is kept; a sentence that is not known is its own only word."""
    return tuple(_read(part.strip()) for part in _BETWEEN.split(kept) if part.strip())


def _read(part: str) -> Reason:
    for code, pattern in _PATTERNS:
        if match := pattern.fullmatch(part):
            return Reason(code, match.groups())
    return Reason(None, (part,))
