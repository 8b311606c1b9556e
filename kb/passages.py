"""What is embedded and indexed of a lesson: each quote whole, and each of its sentences.

The passage vectors rank by what a quote is about, the sentence vectors by the one thing it says;
ranking needs both. The programme and section names are left out on purpose: prefixed to the
passage they lowered nDCG@10 from .575 to .437.
"""

from dataclasses import dataclass
from enum import StrEnum

from kb.domain import Lesson, LessonId
from kb.text import sentences


class PassageRole(StrEnum):
    """Whether a passage is a whole quote (or an edited statement) or one sentence of it."""

    QUOTE = "quote"
    SENTENCE = "sentence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text to embed: ``position`` counts from 0 within the lesson."""

    lesson_id: LessonId
    position: int
    role: PassageRole
    text: str


def passages_of(lesson: Lesson) -> tuple[Passage, ...]:
    """Return the passages of ``lesson`` in a fixed order; the same lesson gives the same ones."""
    wholes = [evidence.quote for evidence in lesson.evidence]
    if lesson.is_edited:
        wholes.append(lesson.statement)
    texts: dict[tuple[PassageRole, str], None] = {}
    for whole in wholes:
        texts[PassageRole.QUOTE, whole] = None
        for sentence in sentences(whole):
            texts[PassageRole.SENTENCE, sentence] = None
    return tuple(
        Passage(lesson_id=lesson.id, position=position, role=role, text=text)
        for position, (role, text) in enumerate(texts)
    )
