"""Every decision about one lesson. Each is a plain form that carries the version the person saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from kb.desk import KEEP, Edit
from kb.domain import MAX_THEMES, Kind, Lesson, LessonId, Phase, Status
from kb.errors import InvalidQueryError, NotVerbatimError
from kb.messages import sentence
from kb.relations import RelationKind
from kb.store import Action, Role, Stance, Verdict
from kb.text import normalise
from web.auth import actor, requires
from web.context import services, store
from web.language import language
from web.present import label, theme_label
from web.review_context import (
    Wish,
    blueprint,
    conflict,
    decide,
    desk,
    find_lesson,
    find_report,
    lesson_address,
    lessons_of,
    queue_of,
    quoted,
    report_address,
    version_seen,
    versions_seen,
)
from web.review_words import (
    lesson_values,
    reject_reason,
    stance_words,
    status_word,
    value_name,
)
from web.views.review import sentences_around, text_behind, units_of

bp = blueprint("review_decide", "/desk/laerdom/<lesson_id>")
_Member = TypeVar("_Member", Kind, Phase, RelationKind, Verdict)
_MAX_REASON_CHARS = 500
_MAX_STATEMENT_CHARS = 1_000


@bp.post("/godkjenn")
@requires(Role.EDITOR)
def approve(lesson_id: str) -> Response:
    """Approve a proposal and go on to the next."""
    lesson = find_lesson(lesson_id)
    return _and_next(
        lesson,
        lambda: desk().approve({lesson_id: version_seen()}),
        said=_("Godkjent: %(lesson)s", lesson=quoted(lesson.statement)),
        wish=Wish(
            title=_("Du ville godkjenne lærdommen."),
            values={value_name("status"): status_word(_approved(lesson))},
        ),
        is_done=lambda now: (
            now.status in {Status.APPROVED, Status.PUBLISHED} and _was_mine(now, Action.APPROVE)
        ),
    )


@bp.post("/avvis")
@requires(Role.EDITOR)
def reject(lesson_id: str) -> Response:
    """Reject a proposal for a reason and go on to the next."""
    lesson = find_lesson(lesson_id)
    reason = normalise(request.form.get("annet", "") or request.form.get("grunn", ""))
    if not reason:
        flash(_("Skriv hvorfor lærdommen avvises, eller velg en grunn."), "danger")
        return redirect(lesson_address(lesson_id), 303)
    reason = reason[:_MAX_REASON_CHARS]
    return _and_next(
        lesson,
        lambda: desk().reject({lesson_id: version_seen()}, reason),
        said=_(
            "Avvist (%(reason)s): %(lesson)s",
            reason=reject_reason(reason),
            lesson=quoted(lesson.statement),
        ),
        wish=Wish(
            title=_("Du ville avvise lærdommen: %(reason)s.", reason=reject_reason(reason)),
            values={value_name("status"): status_word(Status.REJECTED)},
        ),
        is_done=lambda now: now.status is Status.REJECTED and _was_mine(now, Action.REJECT),
    )


@bp.post("/tilbake")
@requires(Role.EDITOR)
def reconsider(lesson_id: str) -> Response:
    """Make a decided lesson a proposal again."""
    lesson = find_lesson(lesson_id)
    return _and_stay(
        lesson,
        lambda: desk().reconsider({lesson_id: version_seen()}),
        said=_("Lærdommen er et forslag igjen."),
        wish=Wish(
            title=_("Du ville gjøre lærdommen til et forslag igjen."),
            values={value_name("status"): status_word(Status.CANDIDATE)},
        ),
    )


@bp.post("/rediger")
@requires(Role.EDITOR)
def edit(lesson_id: str) -> Response:
    """Change statement, kind, phase or themes; only what the person changed is sent on."""
    lesson = find_lesson(lesson_id)
    wanted = _read_edit()
    if wanted.problem:
        flash(wanted.problem, "danger")
        return redirect(lesson_address(lesson_id), 303)
    if not wanted.values and request.form.get("saa") != "godkjenn":
        flash(_("Ingenting ble endret."), "info")
        return redirect(lesson_address(lesson_id), 303)
    wish = Wish(title=_("Du ville rette lærdommen."), values=wanted.values)
    if request.form.get("saa") != "godkjenn":
        act = _edit_of(lesson_id, wanted.edit)
        return _and_stay(lesson, act, said=_("Rettelsen er lagret."), wish=wish)
    return _and_next(
        lesson,
        _edit_and_approve(lesson_id, wanted),
        said=_("Rettet og godkjent: %(lesson)s", lesson=quoted(lesson.statement)),
        wish=Wish(
            title=_("Du ville rette og godkjenne lærdommen."),
            values={**wanted.values, value_name("status"): status_word(_approved(lesson))},
        ),
    )


@bp.post("/sitat")
@requires(Role.EDITOR)
def requote(lesson_id: str) -> Response:
    """Cut or widen a quote to the sentences chosen."""
    lesson = find_lesson(lesson_id)
    quote = _quote_chosen(lesson)
    if quote is None:
        flash(_("Velg én eller flere setninger som står etter hverandre."), "danger")
        return redirect(lesson_address(lesson_id), 303)
    position, text = quote
    return _and_stay(
        lesson,
        lambda: desk().requote(lesson_id, version_seen(), position, text),
        said=_("Sitatet er endret."),
        wish=Wish(title=_("Du ville endre sitatet."), values={value_name("evidence"): f"«{text}»"}),
    )


@bp.post("/del")
@requires(Role.EDITOR)
def split(lesson_id: str) -> Response:
    """Make a lesson of each group of sentences; this one keeps the first."""
    lesson = find_lesson(lesson_id)
    parts = _parts_chosen(lesson)
    if parts is None:
        flash(
            _(
                "Velg minst to deler. Hver del må være setninger som står etter hverandre "
                "i samme sitat."
            ),
            "danger",
        )
        return redirect(lesson_address(lesson_id), 303)
    return _and_stay(
        lesson,
        lambda: desk().split(lesson_id, version_seen(), parts),
        said=_(
            "Lærdommen er delt i %(count)s. De nye delene står i listen over forslag.",
            count=len(parts),
        ),
        wish=Wish(
            title=_("Du ville dele lærdommen i %(count)s.", count=len(parts)),
            values={value_name("evidence"): " | ".join(f"«{part}»" for part in parts)},
        ),
    )


@bp.post("/slaa-sammen")
@requires(Role.EDITOR)
def merge(lesson_id: str) -> Response:
    """Let this lesson take over the quotes of those chosen."""
    lesson = find_lesson(lesson_id)
    chosen = versions_seen()
    chosen.pop(lesson_id, None)
    own = {one.id for one in lessons_of(lesson.report_id)}
    if not chosen or not chosen.keys() <= own:
        flash(_("Velg lærdommene som skal slås sammen med denne."), "danger")
        return redirect(lesson_address(lesson_id), 303)
    return _and_stay(
        lesson,
        lambda: desk().merge(lesson_id, list(chosen), {lesson_id: version_seen(), **chosen}),
        said=ngettext(
            "%(num)s lærdom er slått sammen med denne, som nå viser alle sitatene.",
            "%(num)s lærdommer er slått sammen med denne, som nå viser alle sitatene.",
            len(chosen),
        ),
        wish=Wish(
            title=_("Du ville slå sammen lærdommer."),
            values={value_name("status"): status_word(Status.MERGED)},
        ),
        others=list(chosen),
    )


@bp.post("/forhold")
@requires(Role.EDITOR)
def relate(lesson_id: str) -> Response:
    """Say what this lesson is to one of another report, that it is not, or neither."""
    lesson, other = find_lesson(lesson_id), find_lesson(request.form.get("annen", ""))
    if other.id == lesson.id:
        raise InvalidQueryError("a lesson stands in no relation to itself")
    answer = request.form.get("svar", "")
    kind = _member(RelationKind, request.form.get("forhold", ""))
    said = None
    if answer != "glem":
        said = Stance(kind, Verdict.ACCEPTED if answer == "ja" else Verdict.REJECTED)
    told = {"glem": _("Forholdet er ikke avgjort lenger."), "ja": _("Forholdet er lagret.")}
    return decide(
        lambda: desk().relate(lesson.id, other.id, said, _stance_seen()),
        said=told.get(answer, _("Forslaget om forhold er avvist.")),
        way=lesson_address(lesson.id),
        refuse=lambda: _other_stance(lesson, other, said),
    )


def _stance_seen() -> Stance | None:
    """Return what a form says that stood when the person looked: ``kind:verdict``, or nothing."""
    kind, _colon, verdict = request.form.get("sett", "").partition(":")
    return Stance(_member(RelationKind, kind), _member(Verdict, verdict)) if kind else None


def _other_stance(lesson: Lesson, other: Lesson, said: Stance | None) -> Response:
    """Show what somebody else has said of the two lessons meanwhile."""
    found = (one for one in store().relations.of(lesson.id) if one.second == other.id)
    now = next((Stance(one.kind, one.verdict) for one in found), None)
    name = value_name("relation")
    return conflict(
        Wish(
            title=_("Du ville avgjøre forholdet til en annen lærdom."),
            values={name: stance_words(said, other)},
        ),
        {name: stance_words(now, other)},
        versions={},
        last=desk().history(lesson=lesson.id, limit=1),
        back=lesson_address(lesson.id),
        seen="" if now is None else f"{now.kind}:{now.verdict}",
    )


# --- what a form holds --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """An edit, what it would make of each value in words, and why it cannot be, if so."""

    edit: Edit
    values: Mapping[str, str | None]
    problem: str | None = None


def _read_edit() -> _Wanted:
    """Return what differs from what the person saw: another's change to the rest stays."""
    form, taxonomy = request.form, services().taxonomy
    values: dict[str, str | None] = {}
    statement, kind, phase, themes = None, None, KEEP, None
    edited = normalise(form.get("utsagn", "")).replace("\n", " ")
    if edited != form.get("sett-utsagn", ""):
        statement = values[value_name("statement")] = edited
    if form.get("type", "") != form.get("sett-type", ""):
        kind = _member(Kind, form["type"])
        values[value_name("kind")] = label(taxonomy.kinds, kind)
    new_phase: Phase | None = None
    if is_new_phase := form.get("fase", "") != form.get("sett-fase", ""):
        new_phase = _member(Phase, form["fase"]) if form["fase"] else None
        values[value_name("phase")] = (
            label(taxonomy.phases, new_phase) if new_phase else _("Ingen bestemt fase")
        )
    chosen = list(dict.fromkeys(theme for theme in form.getlist("tema") if theme))
    if ",".join(chosen) != form.get("sett-tema", ""):
        themes = chosen
        values[value_name("tags")] = ", ".join(map(theme_label, chosen)) or None
    edit = Edit(
        statement=statement, kind=kind, phase=new_phase if is_new_phase else phase, themes=themes
    )
    return _Wanted(edit=edit, values=values, problem=_problem(edited, chosen))


def _problem(statement: str, themes: Sequence[str]) -> str | None:
    if not statement:
        return str(_("Lærdommen må ha en setning."))
    if len(statement) > _MAX_STATEMENT_CHARS:
        return str(_("Lærdommen er for lang. Skriv den som én setning."))
    if len(themes) > MAX_THEMES or not all(map(services().taxonomy.theme, themes)):
        return str(_("En lærdom kan ha opptil tre temaer fra listen."))
    return None


def _member(of: type[_Member], value: str) -> _Member:
    try:
        return of(value)
    except ValueError as error:
        raise InvalidQueryError(str(error)) from error


def _quote_chosen(lesson: Lesson) -> tuple[int, str] | None:
    """Return the quote's position and new text, None unless neighbouring sentences are chosen."""
    position = _number(request.form.get("sitat", ""))
    if position >= len(lesson.evidence):
        raise InvalidQueryError(f"sitat={position}")
    text, _start, _end = text_behind(lesson.evidence[position])
    offered = sentences_around(lesson.evidence[position])
    chosen = set(request.form.getlist("s"))
    at = [number for number, one in enumerate(offered) if one.place in chosen]
    if not at or at != list(range(at[0], at[-1] + 1)):
        return None
    return position, text[offered[at[0]].start : offered[at[-1]].end]


def _parts_chosen(lesson: Lesson) -> list[str] | None:
    """Return the parts of a split in the order of their numbers, None if they cannot be."""
    units, numbers = units_of(lesson), request.form.getlist("del")
    if len(units) != len(numbers):
        return None
    given = list(zip(units, numbers, strict=True))
    parts: list[str] = []
    for number in sorted(set(numbers)):
        quotes = list(dict.fromkeys(one.quote for one, chosen in given if chosen == number))
        # The first lesson keeps whole quotes that no other part is cut from.
        kept = [one for one in quotes[1:] if all(n == number for u, n in given if u.quote == one)]
        at = [place for place, (one, chosen) in enumerate(given) if chosen == number]
        at = [place for place in at if units[place].quote == quotes[0]]
        is_run = at == list(range(at[0], at[-1] + 1))
        if not is_run or len(quotes) > 1 + (0 if parts else len(kept)):
            return None
        quote = lesson.evidence[quotes[0]].quote
        parts.append(quote[units[at[0]].start : units[at[-1]].end])
    return parts if len(parts) > 1 else None


def _number(raw: str) -> int:
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 3):  # noqa: PLR2004 - far more quotes than a lesson has
        raise InvalidQueryError(f"{raw[:20]!r} is not a number")
    return int(raw)


# --- doing it -----------------------------------------------------------------------------------


def _and_stay(
    lesson: Lesson,
    act: Callable[[], int],
    *,
    said: str,
    wish: Wish,
    others: Sequence[LessonId] = (),
) -> Response:
    try:
        return decide(
            act,
            said=said,
            way=lesson_address(lesson.id),
            refuse=lambda: _refused(lesson.id, wish, others),
        )
    except NotVerbatimError as error:
        flash(sentence(error, language()), "danger")
        return redirect(lesson_address(lesson.id), 303)


def _and_next(
    lesson: Lesson,
    act: Callable[[], int],
    *,
    said: str,
    wish: Wish,
    is_done: Callable[[Lesson], bool] = lambda _now: False,
) -> Response:
    """Decide and go on. A form that is sent twice counts once (``is_done``)."""
    following = queue_of(find_report(lesson.report_id)).to_decide_after(lesson.id)
    way = lesson_address(following) if following else report_address(lesson.report_id)

    def refuse() -> Response:
        if is_done(find_lesson(lesson.id)):
            return redirect(way, 303)
        return _refused(lesson.id, wish, ())

    return decide(act, said=said, way=way, refuse=refuse)


def _refused(lesson_id: LessonId, wish: Wish, others: Sequence[LessonId]) -> Response:
    """Show what stands now of the lesson that somebody else changed."""
    found = store().lessons([lesson_id, *others])
    return conflict(
        wish,
        lesson_values(found[lesson_id]),
        versions={"": found[lesson_id].version} | {id_: one.version for id_, one in found.items()},
        last=desk().history(lesson=lesson_id, limit=1),
        back=lesson_address(lesson_id),
    )


def _edit_of(lesson_id: LessonId, wanted: Edit) -> Callable[[], int]:
    return lambda: desk().edit(lesson_id, version_seen(), wanted)


def _edit_and_approve(lesson_id: LessonId, wanted: _Wanted) -> Callable[[], int]:
    if not wanted.values:
        return lambda: desk().approve({lesson_id: version_seen()})
    return lambda: desk().edit(lesson_id, version_seen(), wanted.edit, approve=True)


def _approved(lesson: Lesson) -> Status:
    """Return what an approved lesson of this report is."""
    report = find_report(lesson.report_id)
    return Status.PUBLISHED if report.status == "published" else Status.APPROVED


def _was_mine(now: Lesson, action: Action) -> bool:
    last = desk().history(lesson=now.id, limit=1)
    return bool(last) and last[0].by == actor() and last[0].action is action
