"""What a person goes through of a report's lessons, and in which order: the address and back.

The order and the choice stand in the address of every page of a review, so that «next» means the
same after a reload, in a second tab and without JavaScript.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kb.domain import Lesson, LessonId, Status
from kb.errors import InvalidQueryError

SURE = 0.8
"""From this confidence on, a proposal without remarks is among those offered for bulk approval."""


class Order(StrEnum):
    """Which lesson comes first."""

    UNSURE = "usikre"
    """What changed in a new edition, then what the program is least sure of."""
    PAGE = "side"


class Show(StrEnum):
    """Which lessons are gone through."""

    ALL = "alle"
    WAITING = "uavgjorte"
    APPROVED = "godkjente"
    REJECTED = "avviste"
    REMARKS = "merknader"
    CHANGED = "endret"


_OF_STATUS: Mapping[Show, frozenset[Status]] = {
    Show.WAITING: frozenset({Status.CANDIDATE}),
    Show.APPROVED: frozenset({Status.APPROVED, Status.PUBLISHED}),
    Show.REJECTED: frozenset({Status.REJECTED, Status.MERGED, Status.RETIRED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The order and the lessons a person asked for."""

    order: Order = Order.UNSURE
    show: Show = Show.ALL


def read_choice(args: Mapping[str, str]) -> Choice:
    """Return the choice in an address.

    Raises:
        InvalidQueryError: there is no such order or choice.
    """
    try:
        return Choice(
            order=Order(args.get("orden") or Order.UNSURE), show=Show(args.get("vis") or Show.ALL)
        )
    except ValueError as error:
        raise InvalidQueryError(str(error)) from error


def write_choice(choice: Choice) -> dict[str, str]:
    """Return what ``url_for`` needs to address ``choice``; the usual values are left out."""
    written = {}
    if choice.order is not Order.UNSURE:
        written["orden"] = choice.order.value
    if choice.show is not Show.ALL:
        written["vis"] = choice.show.value
    return written


@dataclass(frozen=True, slots=True)
class Queue:
    """The lessons of a report in the order chosen; ``remarked`` are those with lint findings."""

    lessons: tuple[Lesson, ...]
    remarked: frozenset[LessonId]
    choice: Choice

    @classmethod
    def of(
        cls, lessons: Sequence[Lesson], remarked: Collection[LessonId], choice: Choice
    ) -> "Queue":
        """Return the queue of ``lessons``, which are given in reading order."""
        ordered = sorted(lessons, key=_doubt) if choice.order is Order.UNSURE else lessons
        return cls(tuple(ordered), frozenset(remarked), choice)

    @property
    def shown(self) -> tuple[Lesson, ...]:
        """The lessons that were asked for."""
        return tuple(one for one in self.lessons if self.fits(one))

    def fits(self, lesson: Lesson) -> bool:
        """Whether ``lesson`` is among those asked for."""
        match self.choice.show:
            case Show.ALL:
                return True
            case Show.REMARKS:
                return lesson.id in self.remarked
            case Show.CHANGED:
                return lesson.has_changed
            case by_status:
                return lesson.status in _OF_STATUS[by_status]

    def place(self, lesson_id: LessonId) -> int | None:
        """Return the 1-based place of a lesson among those shown, None if it is not."""
        ids = [one.id for one in self.shown]
        return ids.index(lesson_id) + 1 if lesson_id in ids else None

    def before(self, lesson_id: LessonId) -> LessonId | None:
        """Return the lesson shown before this one."""
        ahead = [one.id for one in self.lessons[: self._at(lesson_id)] if self.fits(one)]
        return ahead[-1] if ahead else None

    def after(self, lesson_id: LessonId) -> LessonId | None:
        """Return the lesson shown after this one."""
        behind = self.lessons[self._at(lesson_id) + 1 :]
        return next((one.id for one in behind if self.fits(one)), None)

    def to_decide_after(
        self, lesson_id: LessonId, *, taken: Collection[LessonId] = ()
    ) -> LessonId | None:
        """Return where to go on when this lesson and those ``taken`` are decided.

        That is the next one shown that waits, from the start again at the end; who goes through
        what is decided already meets the next of those instead.
        """
        at = self._at(lesson_id)
        others = [
            one
            for one in (*self.lessons[at + 1 :], *self.lessons[:at])
            if one.id not in taken and self.fits(one)
        ]
        if self.choice.show in {Show.APPROVED, Show.REJECTED}:
            return self.after(lesson_id)
        return next((one.id for one in others if one.status is Status.CANDIDATE), None)

    def waiting(self) -> tuple[Lesson, ...]:
        """Return every lesson that waits for a decision, whatever is shown."""
        return tuple(one for one in self.lessons if one.status is Status.CANDIDATE)

    def surest(self) -> tuple[Lesson, ...]:
        """Return what may be approved together: the surest that nothing is remarked about."""
        return tuple(
            one
            for one in self.waiting()
            if (one.confidence or 0) >= SURE and one.id not in self.remarked and not one.has_changed
        )

    def _at(self, lesson_id: LessonId) -> int:
        return next(at for at, one in enumerate(self.lessons) if one.id == lesson_id)


def _doubt(lesson: Lesson) -> tuple[bool, float]:
    return not lesson.has_changed, -1.0 if lesson.confidence is None else lesson.confidence
