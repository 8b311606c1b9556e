"""A corrected edition keeps what people decided about the one before.

Each decided lesson of the old edition is looked for in the new one's pages, letter by letter
(blanks, hyphens and case apart). What stands there still is carried over with its decision; what
is only much like a new proposal is carried over as changed, for a person to look at again; the
rest is gone. Pure functions: :mod:`kb.desk` stores what comes of it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from kb.domain import (
    AssignedBy,
    Evidence,
    Lesson,
    LessonId,
    Page,
    Report,
    Span,
    Status,
    lesson_id,
)
from kb.text import key, occurrences

ALIKE = 85.0
"""From this ratio (0-100, rapidfuzz) on, two quotes are the same passage reworded. A reworded
paragraph measured 96, the most alike pair of different paragraphs 66."""

_CLOSING = ".!?…»”\"')"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionDiff:
    """What became of the decided lessons of the edition before.

    ``kept`` and ``changed`` are lessons of the new edition, ``gone`` of the old one, and ``added``
    the new edition's own proposals.
    """

    kept: tuple[LessonId, ...]
    changed: tuple[LessonId, ...]
    gone: tuple[LessonId, ...]
    added: tuple[LessonId, ...]


def is_decided(lesson: Lesson) -> bool:
    """Whether a person has decided anything about ``lesson``."""
    by_hand = any(tag.assigned_by is AssignedBy.HUMAN for tag in lesson.tags)
    return lesson.status is not Status.CANDIDATE or lesson.is_edited or by_hand


def carried_over(
    old: Sequence[Lesson], new: Sequence[Lesson], report: Report, pages: Sequence[Page]
) -> list[Lesson]:
    """Return the lessons of the new edition that change, each as it shall stand.

    Args:
        old: all lessons of the edition before.
        new: all lessons of the new edition, as proposed.
        report: the new edition.
        pages: its pages.
    """
    carrier = _Carrier(new, report, pages)
    decided = [one for one in old if is_decided(one)]
    for one in decided:
        carrier.carry_verbatim(one)
    for one in decided:
        carrier.carry_reworded(one)
    return carrier.lessons()


def difference(old: Sequence[Lesson], new: Sequence[Lesson]) -> EditionDiff:
    """Return what became of the decided lessons of ``old`` in ``new``."""
    carried = {one.previous for one in new if one.previous}
    return EditionDiff(
        kept=tuple(one.id for one in new if one.previous and not one.has_changed),
        changed=tuple(one.id for one in new if one.has_changed),
        gone=tuple(one.id for one in old if is_decided(one) and one.id not in carried),
        added=tuple(one.id for one in new if not one.previous and one.status is Status.CANDIDATE),
    )


def redecided(lesson: Lesson, old: Lesson) -> Lesson:
    """Return ``lesson`` with what people have decided of ``old``, which it continues."""
    return replace(
        lesson,
        statement=old.statement if old.is_edited else lesson.statement,
        is_edited=old.is_edited or lesson.is_edited,
        kind=old.kind,
        phase=old.phase,
        tags=old.tags,
        status=_waiting(old.status),
    )


class _Carrier:
    """Takes decisions over, one old lesson at a time; each new lesson continues at most one.

    A decision that somebody has already taken on the new edition is not overwritten.
    """

    def __init__(self, new: Sequence[Lesson], report: Report, pages: Sequence[Page]) -> None:
        self._report, self._letters = report, _Letters(pages)
        self._decided = {one.id: one for one in new if is_decided(one)}
        self._free = {one.id: one for one in new if not one.previous and not is_decided(one)}
        self._by_quote = {key(e.quote): one.id for one in new for e in one.evidence}
        self._carried: dict[LessonId, Lesson] = {}  # by the id of the old lesson
        self._absorbed: list[Lesson] = []

    def carry_verbatim(self, old: Lesson) -> None:
        """Carry ``old`` over if its first quote stands in the new pages."""
        found = [self._letters.find(one, self._report) for one in old.evidence]
        if found[0] is None:
            return
        evidence = tuple(one for one in found if one is not None)
        own = self._by_quote.get(key(evidence[0].quote))
        proposal = self._free.pop(own, None) if own else None
        id_ = proposal.id if proposal else lesson_id(self._report.sha256, evidence[0].quote)
        if any(one.id == id_ for one in self.lessons()):
            return
        if id_ in self._decided:  # what was decided of the new edition itself counts
            self._carried[old.id] = replace(self._decided[id_], previous=old.id)
            return
        carried = replace(
            old,
            id=id_,
            report_id=self._report.id,
            evidence=evidence,
            status=_waiting(old.status),
            previous=old.id,
            has_changed=len(evidence) < len(old.evidence),
            merged_into=None,
            version=proposal.version if proposal else 0,
        )
        self._carried[old.id] = _restated(carried)
        for one in evidence:
            self._absorb(key(one.quote), id_)

    def carry_reworded(self, old: Lesson) -> None:
        """Carry ``old`` over to the free proposal that is most like it, as changed."""
        if old.id in self._carried or not self._free:
            return
        quotes = {id_: one.evidence[0].quote for id_, one in self._free.items()}
        best = process.extractOne(
            old.evidence[0].quote, quotes, scorer=fuzz.ratio, score_cutoff=ALIKE
        )
        if best is None:
            return
        proposal = self._free.pop(best[2])
        is_rejected = old.status is Status.REJECTED
        carried = replace(
            old,
            id=proposal.id,
            report_id=self._report.id,
            evidence=proposal.evidence,
            statement=old.statement if old.is_edited else proposal.statement,
            status=Status.REJECTED if is_rejected else Status.CANDIDATE,
            previous=old.id,
            has_changed=True,
            merged_into=None,
            version=proposal.version,
        )
        self._carried[old.id] = carried

    def _absorb(self, quote: str, into: LessonId) -> None:
        """Merge a free proposal that only repeats a quote taken over."""
        own = self._by_quote.get(quote)
        if own is None or own == into or own not in self._free:
            return
        proposal = self._free[own]
        if all(self._by_quote.get(key(one.quote)) == own for one in proposal.evidence):
            self._free.pop(own)
            self._absorbed.append(replace(proposal, status=Status.MERGED, merged_into=into))

    def lessons(self) -> list[Lesson]:
        """Return all that changes: what continues an old lesson, and what that took over."""
        return [*self._carried.values(), *self._absorbed]


def _waiting(status: Status) -> Status:
    """Return the status in an edition that is not published yet."""
    if status in {Status.PUBLISHED, Status.RETIRED}:
        return Status.APPROVED
    return Status.REJECTED if status is Status.MERGED else status


def _restated(lesson: Lesson) -> Lesson:
    """Return the lesson with the statement as the new pages spell it, unless it was edited."""
    if lesson.is_edited or lesson.is_said:
        return lesson
    return replace(lesson, statement=lesson.evidence[0].quote)


class _Letters:
    """The letters and digits of all pages in one string, each with its place."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = [page for page in pages if page.text]
        letters: list[str] = []
        self._places: list[tuple[int, int]] = []
        for number, page in enumerate(self._pages):
            for offset, char in enumerate(page.text):
                folded = key(char)
                letters.append(folded)
                self._places += [(number, offset)] * len(folded)
        self._text = "".join(letters)
        self._starts = [place[0] for place in self._places]

    def find(self, evidence: Evidence, report: Report) -> Evidence | None:
        """Return where the quote of ``evidence`` stands, the place nearest to its old page."""
        wanted = key(evidence.quote)
        starts = occurrences(self._text, wanted)
        if not starts:
            return None
        start = min(starts, key=lambda at: abs(self._page_at(at).number - evidence.page))
        spans = self._spans(start, start + len(wanted) - 1, evidence.quote)
        texts = {page.number: page.text for page in self._pages}
        quote = " ".join(texts[span.page][span.start : span.end] for span in spans)
        return replace(evidence, report_id=report.id, spans=spans, quote=quote)

    def _page_at(self, at: int) -> Page:
        return self._pages[self._places[at][0]]

    def _spans(self, first: int, last: int, quote: str) -> tuple[Span, ...]:
        (first_page, start), (last_page, end) = self._places[first], self._places[last]
        end = _with_closing(self._pages[last_page].text, end + 1, quote)
        start = _with_opening(self._pages[first_page].text, start, quote)
        spans = []
        for number in range(first_page, last_page + 1):
            text = self._pages[number].text
            begins = start if number == first_page else self._first_letter_of(number)
            ends = end if number == last_page else len(text.rstrip())
            spans.append(Span(page=self._pages[number].number, start=begins, end=ends))
        return tuple(spans)

    def _first_letter_of(self, number: int) -> int:
        return self._places[bisect_right(self._starts, number - 1)][1]


def _with_closing(text: str, end: int, quote: str) -> int:
    """Return ``end`` moved past the punctuation that the old quote ended with as well."""
    while end < len(text) and text[end] in _CLOSING and text[end] in quote[-3:]:
        end += 1
    return end


def _with_opening(text: str, start: int, quote: str) -> int:
    while start and text[start - 1] in '«“"(' and quote[:1] == text[start - 1]:
        start -= 1
    return start
