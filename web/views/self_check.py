"""Going through a phase's lessons, one by one: done, planned, not relevant, used in our plan.

With an account the marks and notes are kept. Without one the marks stand in the address, where the
reader can keep them as a bookmark; notes would be too long for it.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug import Response
from werkzeug.datastructures import MultiDict

from kb.delivery import Delivered, Delivery, Occasion
from kb.domain import LessonId, Phase
from kb.errors import InvalidQueryError, NotFoundError
from kb.export import Entry, Section
from kb.profile import Profile
from kb.store import Checked, Mark, Role
from web import auth
from web.context import services, store
from web.leader_words import fact_line, mark_words, phase_words
from web.profile_address import own_profile, write_profile
from web.takeaway import answer, new_document
from web.views.published import published_lesson

bp = Blueprint("self_check", __name__, url_prefix="/egensjekk")
_LESSONS = 24
_MOST_NOTE = 500
LEFT = "igjen"
"""The filter that shows what is not marked yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A lesson of the check with what the reader made of it."""

    one: Delivered
    checked: Checked | None

    @property
    def mark(self) -> Mark | None:
        """What the reader made of it."""
        return None if self.checked is None else self.checked.mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of a phase: all its lessons, and those that the filter shows."""

    phase: Phase
    items: tuple[Item, ...]
    shown: tuple[Item, ...]
    view: str
    counts: Counter[str]
    is_kept: bool

    @property
    def marked(self) -> int:
        """How many are gone through."""
        return sum(item.mark is not None for item in self.items)

    @property
    def has_acts(self) -> bool:
        """Whether there is a mark or a note that could be taken back."""
        return any(item.checked is not None for item in self.items)


@bp.get("/<phase_id>")
def page(phase_id: str) -> str:
    """Show the check of a phase."""
    phase, profile = _phase(phase_id), own_profile()
    marks = _marks(phase)
    return render_template(
        "self_check.html",
        check=_check(phase, profile, marks),
        address=write_profile(profile),
        state=_state(marks),
        marks=tuple(Mark),
        address_with=lambda lesson_id, mark: _address(phase, profile, marks, lesson_id, mark),
    )


@bp.get("/<phase_id>.<ending>")
def file(phase_id: str, ending: str) -> Response | str:
    """Give the check as a file: what is marked how, and what is left."""
    phase = _phase(phase_id)
    profile, marks = own_profile(), _marks(phase)
    check = _check(phase, profile, marks)
    sections = [_section(check, mark) for mark in (*Mark, None)]
    document = new_document(
        title=str(_("Egensjekk: %(phase)s", phase=phase_words(phase))),
        intro=str(
            _("%(some)s av %(all)s er gått gjennom.", some=check.marked, all=len(check.items))
        ),
        address=url_for(
            "self_check.page", phase_id=phase, **write_profile(profile), **_state(marks)
        ),
        sections=[one for one in sections if one.entries],
        checklist=tuple(item.one.lesson.statement for item in check.items if item.mark is None),
    )
    return answer(document, ending)


@bp.post("/<phase_id>/angre")
@auth.requires(Role.READER)
def undo(phase_id: str) -> Response:
    """Take back the last mark or note."""
    phase = _phase(phase_id)
    lesson_id = store().leaders.undo_check(auth.actor(), phase)
    return _back(phase, lesson_id)


@bp.post("/<phase_id>/laerdom/<lesson_id>")
@auth.requires(Role.READER)
def mark(phase_id: str, lesson_id: str) -> Response:
    """Keep what the reader makes of a lesson: a mark that was set already is taken away."""
    phase = _phase(phase_id)
    published_lesson(store(), lesson_id)
    known = store().leaders.checked(auth.actor(), phase).get(lesson_id)
    new = replace(
        known or Checked(lesson_id=lesson_id, mark=None, note=""),
        note=request.form.get("notat", "").strip()[:_MOST_NOTE],
    )
    pressed = request.form.get("merke", "")
    if pressed:
        chosen = _mark_of(pressed)
        new = replace(new, mark=None if new.mark is chosen else chosen)
    if new != known:
        store().leaders.check(auth.actor(), phase, new)
    return _back(phase, lesson_id)


def _back(phase: Phase, lesson_id: LessonId | None) -> Response:
    values: dict[str, Any] = {}
    if request.form.get("vis"):
        values["vis"] = request.form["vis"]
    if lesson_id:
        values["_anchor"] = f"l-{lesson_id}"
    return redirect(url_for("self_check.page", phase_id=phase, **values), 303)


def _phase(phase_id: str) -> Phase:
    if phase_id not in set(Phase):
        raise NotFoundError(f"phase {phase_id}")
    return Phase(phase_id)


def _mark_of(raw: str) -> Mark:
    if raw not in set(Mark):
        raise InvalidQueryError(f"a mark is one of {', '.join(Mark)}")
    return Mark(raw)


def _check(phase: Phase, profile: Profile, marks: dict[LessonId, Checked]) -> Check:
    with store().reading():
        delivery = Delivery(store(), services().searcher)
        occasion = Occasion.of_phase(services().process.phase(phase))
        chosen = list(delivery.choose([occasion], profile, _LESSONS))
        known = {one.lesson.id for one in chosen}
        chosen.extend(  # marked before, and no longer among those chosen: never lost
            delivery.deliver(row.lesson_id, occasion, row.themes[0], profile)
            for row in delivery.published(marks)
            if row.lesson_id not in known and row.themes
        )
    items = tuple(Item(one=one, checked=marks.get(one.lesson.id)) for one in chosen)
    view = request.args.get("vis", "")
    return Check(
        phase=phase,
        items=items,
        shown=tuple(item for item in items if _is_shown(item, view)),
        view=view,
        counts=Counter(item.mark or LEFT for item in items),
        is_kept=auth.account() is not None,
    )


def _is_shown(item: Item, view: str) -> bool:
    if view == LEFT:
        return item.mark is None
    return not view or item.mark == view


def _section(check: Check, mark: Mark | None) -> Section:
    return Section(
        heading=mark_words(mark) if mark else str(_("Ikke gått gjennom")),
        entries=tuple(
            Entry(
                lesson=item.one.lesson,
                report=item.one.report,
                label=fact_line(item.one),
                note=item.checked.note if item.checked else "",
            )
            for item in check.items
            if item.mark is mark
        ),
    )


# ---- marks in the address


def _marks(phase: Phase) -> dict[LessonId, Checked]:
    known = auth.account()
    if known is not None:
        return store().leaders.checked(known.name, phase)
    return _read_marks(request.args)


def _read_marks(args: MultiDict[str, str]) -> dict[LessonId, Checked]:
    """Return the marks of an address: ``?gjort=id,id&planlagt=id``; of a repeated id, the last."""
    return {
        lesson_id: Checked(lesson_id=lesson_id, mark=each, note="")
        for each in Mark
        for lesson_id in args.get(each, "")[:2_000].split(",")
        if lesson_id
    }


def _state(marks: dict[LessonId, Checked]) -> dict[str, Any]:
    """Return what of the marks must stand in an address: nothing where they are kept."""
    return _write_marks(marks) if auth.account() is None else {}


def _write_marks(marks: dict[LessonId, Checked]) -> dict[str, str]:
    found = {
        each: ",".join(one.lesson_id for one in marks.values() if one.mark is each) for each in Mark
    }
    return {str(each): ids for each, ids in found.items() if ids}


def _address(
    phase: Phase,
    profile: Profile,
    marks: dict[LessonId, Checked],
    lesson_id: LessonId,
    mark: Mark | None,
) -> str:
    """Return the address of the check with this lesson marked so, or not at all."""
    changed = {key: one for key, one in marks.items() if key != lesson_id}
    if mark is not None:
        changed[lesson_id] = Checked(lesson_id=lesson_id, mark=mark, note="")
    values: dict[str, Any] = {**write_profile(profile), **_write_marks(changed)}
    if request.args.get("vis"):
        values["vis"] = request.args["vis"]
    return url_for("self_check.page", phase_id=phase, **values, _anchor=f"l-{lesson_id}")
