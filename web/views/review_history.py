"""Who decided what, when and why, with what it changed; and taking it back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kb.domain import Lesson, LessonId, Report, ReportId
from kb.errors import NotFoundError
from kb.store import Action, Change, Item, Role, Store
from web.auth import requires
from web.context import store
from web.language import safe_return
from web.review_context import (
    Wish,
    blueprint,
    conflict,
    decide,
    desk,
    find_report,
    lesson_meant,
    take_notice,
)
from web.review_words import Difference, deed, differences, reject_reason, when

bp = blueprint("review_history", "/desk")
_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a change did to one lesson or report; ``lesson`` is as it stands now, None if gone."""

    report: Report | None
    lesson: Lesson | None
    lesson_id: LessonId | None
    is_new: bool
    is_removed: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the history."""

    change: Change
    deed: str
    reason: str | None
    report: Report | None
    touched: tuple[Touched, ...]
    can_be_undone: bool


@bp.get("/historikk")
@requires(Role.EDITOR)
def everything() -> str:
    """Show what was done to all reports, last first."""
    return _page(None, desk().history(limit=_MOST))


@bp.get("/rapport/<report_id>/historikk")
@requires(Role.EDITOR)
def of_report(report_id: str) -> str:
    """Show what was done to one report and its lessons, last first."""
    return _page(find_report(report_id), desk().history(report=report_id, limit=_MOST))


@bp.post("/endring/<int:change_id>/angre")
@requires(Role.EDITOR)
def undo(change_id: int) -> Response:
    """Take a change back and show what it was about."""
    back = safe_return(request.form.get("tilbake", "/"))
    return decide(
        lambda: desk().undo(change_id),
        said=_("Endringen er angret."),
        way=back,
        refuse=lambda: _refused(change_id, back),
    )


def _page(report: Report | None, changes: Sequence[Change]) -> str:
    return render_template(
        "desk/review_history.html",
        report=report,
        entries=_entries(store(), changes),
        most=_MOST,
        notice=take_notice(),
        back=_back,
        when=when,
    )


def _entries(store: Store, changes: Sequence[Change]) -> tuple[Entry, ...]:
    ids = [item.lesson_id for one in changes for item in one.items if item.lesson_id is not None]
    lessons = store.lessons(ids)
    reports = {summary.report.id: summary.report for summary in store.reports()}
    free = undoable(changes)
    return tuple(
        Entry(
            change=change,
            deed=deed(change),
            reason=None if change.reason is None else reject_reason(change.reason),
            report=reports.get(change.report_id),
            touched=tuple(_touched(item, lessons, reports) for item in change.items),
            can_be_undone=change.id in free,
        )
        for change in changes
    )


def _touched(
    item: Item, lessons: Mapping[LessonId, Lesson], reports: Mapping[ReportId, Report]
) -> Touched:
    return Touched(
        report=reports.get(item.report_id),
        lesson=lessons.get(item.lesson_id) if item.lesson_id else None,
        lesson_id=item.lesson_id,
        is_new=item.before is None,
        is_removed=item.after is None,
        differences=differences(item) if item.before and item.after else (),
    )


def undoable(changes: Iterable[Change]) -> frozenset[int]:
    """Return which of ``changes`` (last first, without gaps) can still be taken back.

    One can if nothing that it touched was touched since, but for what was itself taken back.
    """
    undone_undos: set[int] = set()
    later: set[tuple[str, str]] = set()
    free = set()
    for change in changes:
        undoer = change.undone_by
        stands = undoer is None or undoer in undone_undos
        if undoer is not None and change.action is Action.UNDO:
            undone_undos.add(change.id)
        own = {place for item in change.items for place in _places(item)}
        if undoer is None and own.isdisjoint(later):
            free.add(change.id)
        is_void = not stands or change.action is Action.UNDO
        if not is_void:
            later |= own
    return frozenset(free)


def _places(item: Item) -> Iterable[tuple[str, str]]:
    """Return which values of which lesson or report an item is about."""
    whole = item.before is None or item.after is None
    names = (item.after or item.before or {}).keys()
    of = item.lesson_id or item.report_id
    return [(of, name) for name in (*names, *(("",) if whole else ()))]


def _back(change: Change) -> str:
    """Return the page that shows what a change was about."""
    lesson = lesson_meant(change)
    if lesson is not None:
        return url_for("review.page", lesson_id=lesson)
    return url_for("review_report.page", report_id=change.report_id)


def _refused(change_id: int, back: str) -> Response:
    """Say that the change can not be taken back any more, and what was done since."""
    recent = desk().history(limit=_MOST)
    change = next((one for one in recent if one.id == change_id), None)
    if change is None:
        raise NotFoundError(f"change {change_id}")
    lesson = lesson_meant(change)
    last = (
        desk().history(lesson=lesson, limit=1)
        if lesson
        else desk().history(report=change.report_id, limit=1)
    )
    return conflict(
        Wish(title=_("Endringen kan ikke angres, for noe er endret siden."), values={}),
        {},
        versions={},
        last=last,
        back=back,
    )
