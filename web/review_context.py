"""What every page of a review needs: the person's desk, the queue, the last deed, and conflicts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from kb.desk import Desk
from kb.domain import Lesson, LessonId, Report, ReportId, ReportStatus
from kb.errors import ConflictError, InvalidQueryError, NotFoundError
from kb.store import Action, Change
from web.auth import actor
from web.context import services, store
from web.review_hints import remarks
from web.review_queue import Choice, Queue, read_choice, write_choice
from web.review_words import Difference, deed, when

_NOTICE = "review-notice"
_RECENT = 20
_CLOSED = {ReportStatus.TRASHED, ReportStatus.SUPERSEDED}
_MAX_FORM_BYTES = 262_144
"""A bulk approval names every lesson of a long report."""
_SEEN = re.compile(r"[0-9a-f]{12}:\d{1,12}")
ANCHOR = "forslag"
"""The heading that is in focus when a page of the review opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What was just done; ``undo`` is the number of the change, if it can be taken back."""

    text: str
    undo: int | None


def blueprint(name: str, prefix: str) -> Blueprint:
    """Return a blueprint whose forms may be as long as a bulk approval."""
    made = Blueprint(name, __name__, url_prefix=prefix)

    @made.url_value_preprocessor
    def _allow_long_forms(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
        # Before any before_request, where the CSRF token is read and with it the form.
        request.max_content_length = request.max_form_memory_size = _MAX_FORM_BYTES

    return made


def desk() -> Desk:
    """Return the desk of the person who asks. Only behind ``requires``."""
    return Desk(store(), lambda: services().encoder, actor())


def find_lesson(lesson_id: LessonId) -> Lesson:
    """Return a lesson, whatever its status.

    Raises:
        NotFoundError: there is none.
    """
    found = store().lessons([lesson_id]).get(lesson_id)
    if found is None:
        raise NotFoundError(f"lesson {lesson_id}")
    return found


def find_report(report_id: ReportId) -> Report:
    """Return a report, whatever its status.

    Raises:
        NotFoundError: there is none.
    """
    found = store().report(report_id)
    if found is None:
        raise NotFoundError(f"report {report_id}")
    return found


def is_closed(report: Report) -> bool:
    """Whether nothing of ``report`` can be decided: it is in the trash, or has a newer edition."""
    return report.status in _CLOSED


def lessons_of(report_id: ReportId) -> tuple[Lesson, ...]:
    """Return all lessons of a report, in reading order."""
    with store().reading():
        return tuple(store().lessons(store().lesson_ids(report_id=report_id)).values())


def queue_of(report: Report, choice: Choice | None = None) -> Queue:
    """Return the queue that the address asks for."""
    lessons = lessons_of(report.id)
    noted = {id_ for id_, found in remarks(lessons, report).items() if found}
    return Queue.of(lessons, noted, choice or read_choice(request.args))


def lesson_address(lesson_id: LessonId, **more: Any) -> str:
    """Return the address of a lesson's review in the queue the person is in."""
    choice: dict[str, Any] = dict(write_choice(read_choice(request.args)))
    return url_for("review.page", lesson_id=lesson_id, _anchor=ANCHOR, **choice, **more)


def report_address(report_id: ReportId) -> str:
    """Return the address of a report's review in the queue the person is in."""
    choice: dict[str, Any] = dict(write_choice(read_choice(request.args)))
    return url_for("review_report.page", report_id=report_id, **choice)


def version_seen() -> int:
    """Return the version in a form: what the person saw.

    Raises:
        InvalidQueryError: it is no number.
    """
    raw = request.form.get("versjon", "")
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 12):  # noqa: PLR2004 - as in _SEEN
        raise InvalidQueryError(f"versjon={raw[:20]!r}")
    return int(raw)


def versions_seen() -> dict[LessonId, int]:
    """Return the lessons chosen in a form, each as ``id:version``.

    Raises:
        InvalidQueryError: a value is not like that.
    """
    chosen = request.form.getlist("l")
    if not all(_SEEN.fullmatch(value) for value in chosen):
        raise InvalidQueryError("l is not id:version")
    return {id_: int(version) for id_, version in (value.split(":") for value in chosen)}


# --- what was just done -------------------------------------------------------------------------


def tell(text: str, change: int | None = None) -> None:
    """Let the next page say what was done, with a way to undo ``change``."""
    session[_NOTICE] = {"text": text, "undo": change}


def take_notice() -> Notice | None:
    """Return what the page before did, once."""
    kept = session.pop(_NOTICE, None)
    return None if kept is None else Notice(text=kept["text"], undo=kept["undo"])


def last_deed(report_id: ReportId) -> Change | None:
    """Return the last thing this person did to the report that is not undone."""
    return next(
        (
            change
            for change in desk().history(report=report_id, limit=_RECENT)
            if change.by == actor()
            and change.undone_by is None
            and change.action is not Action.UNDO
        ),
        None,
    )


def lesson_meant(change: Change) -> LessonId | None:
    """Return the lesson a change was about, if it was one rather than a whole report."""
    touched = [item.lesson_id for item in change.items if item.lesson_id is not None]
    is_one = len(touched) == 1 or change.action in {Action.SPLIT, Action.MERGE, Action.RELATE}
    return touched[0] if touched and is_one else None


# --- when somebody else was faster --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wanted: in a few words, and by name as each value should have become."""

    title: str
    values: Mapping[str, str | None]


def conflict(
    wish: Wish,
    now: Mapping[str, str | None],
    *,
    versions: Mapping[str, int],
    last: Sequence[Change],
    back: str,
    seen: str = "",
) -> Response:
    """Answer 409 with what stands now beside what the person wanted, and the choice of either.

    Args:
        wish: what was asked for.
        now: what stands, in the same words.
        versions: what to send instead of the versions that were seen: by lesson id, and ``""``
            for the form's own.
        last: the history of what was to be changed, last first.
        back: where what stands now is shown.
        seen: what to send instead of what was seen, where that is no version.
    """
    rows = [
        Difference(name=name, before=now.get(name), after=wanted)
        for name, wanted in wish.values.items()
        if now.get(name) != wanted
    ]
    page = render_template(
        "desk/review_conflict.html",
        wish=wish,
        rows=rows,
        last=last[0] if last else None,
        fields=_resent(versions, seen),
        back=back,
        deed=deed,
        when=when,
    )
    return make_response(page, 409)


def _resent(versions: Mapping[str, int], seen: str) -> list[tuple[str, str]]:
    """Return the fields of the form that was refused, with the versions that stand now."""
    fields = []
    for name, value in request.form.items(multi=True):
        if name == "csrf_token":
            continue
        if name == "versjon":
            value = str(versions.get("", value))  # noqa: PLW2901 - the same field, brought up to date
        elif name == "sett":
            value = seen  # noqa: PLW2901 - as above
        elif name == "l":
            id_ = value.partition(":")[0]
            value = f"{id_}:{versions.get(id_, 0)}"  # noqa: PLW2901 - as above
        fields.append((name, value))
    return fields


def decide(
    act: Callable[[], int], *, said: str, way: str, refuse: Callable[[], Response]
) -> Response:
    """Do what was asked, tell it on the page ``way``, or answer with ``refuse()`` on a conflict."""
    try:
        change = act()
    except ConflictError:
        return refuse()
    tell(said, change)
    return redirect(way, 303)


def short(text: str, length: int = 80) -> str:
    """Return the beginning of ``text`` for a message."""
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0] + " …"


def quoted(text: str) -> str:
    """Return «the beginning of a text»."""
    return f"«{short(text)}»"
