"""Plan check: a draft plan held against what others have learned. Nothing sent is kept."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from ingest import (
    MAX_PLAN_CHARS,
    CheckedSection,
    Plan,
    PlanCheck,
    PlanChecker,
    limits_of,
    read_pasted,
    read_plan,
)
from kb.errors import InputError, KbError, NotFoundError, PlanProblem, UnreadablePlanError
from kb.export import Entry, Section
from kb.messages import sentence
from kb.store import Store
from web.context import services
from web.failures import status_of
from web.language import language
from web.plans import plans
from web.present import theme_label
from web.takeaway import PRINT, answer, new_document
from web.views.intake import file_name

bp = Blueprint("plancheck", __name__, url_prefix="/plansjekk")
_MB = 1_000_000
_FORM_BYTES = 100_000
_TEXT_BYTES = 4 * MAX_PLAN_CHARS
"""Room for a pasted text that is a little too long, so that it is told so by us."""
_OWNER = "plansjekk"
_AT_ONCE_S = 1.0
"""A check that takes longer shows its progress."""
_TITLE_WORDS, _LABEL_CHARS = 8, 140
EXPORTS = ("docx", "xlsx", PRINT)


@bp.url_value_preprocessor
def _allow_file(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    request.max_content_length = services().config.max_file_mb * _MB + _TEXT_BYTES + _FORM_BYTES
    request.max_form_memory_size = _TEXT_BYTES + _FORM_BYTES


@bp.get("")
def page() -> str:
    """Show the form."""
    return _form()


@bp.post("")
def check() -> Response | tuple[str, int]:
    """Check the plan in the file or the text; what takes over a second shows its progress."""
    text = request.form.get("plan", "")
    try:
        word = plans().begin(_owner(), _work(_reader(text)))
        one = plans().get(word, _owner())
        if one is not None and one.done.wait(_AT_ONCE_S) and one.error is not None:
            raise one.error
    except InputError as error:
        return _form(text=text, error=error), status_of(error)
    return _private(redirect(url_for("plancheck.result", word=word), 303))


@bp.get("/<word>")
def result(word: str) -> Response:
    """Show what came of a plan, or how far it has come; htmx asks for that alone."""
    one = plans().get(word, session.get(_OWNER))
    if one is None:
        return _private(make_response(_form(is_gone=True), 404))
    is_part = request.headers.get("HX-Request") == "true"
    if not one.done.is_set():
        name = "progress.html" if is_part else "waiting.html"
        return _private(make_response(render_template(f"plan/{name}", word=word, one=one)))
    if is_part:  # the whole page is another one now
        return _private(make_response("", {"HX-Refresh": "true"}))
    if one.result is None:
        return _private(make_response(_form(error=one.error), _status(one.error)))
    return _private(make_response(_page(one.result, word)))


@bp.get("/<word>/<name>")
def export(word: str, name: str) -> Response:
    """Give what came of a plan as a file, or as a page made for paper."""
    one = plans().get(word, session.get(_OWNER))
    if one is None or one.result is None:
        raise NotFoundError("a checked plan")
    return _private(make_response(answer(_document(one.result), name)))


def title_of(one: CheckedSection) -> str:
    """Return the heading of a section, or its first words where it has none."""
    if one.section.heading:
        return one.section.heading
    words = " ".join(one.section.paragraphs).split()
    more = " …" if len(words) > _TITLE_WORDS else ""
    return "«" + " ".join(words[:_TITLE_WORDS]) + more + "»"


def summary_of(check: PlanCheck) -> str:
    """Return «12 avsnitt, 31 lærdommer, 3 temaer planen ikke nevner»."""
    return ", ".join(
        (
            ngettext("%(num)s avsnitt", "%(num)s avsnitt", len(check.sections)),
            ngettext("%(num)s lærdom", "%(num)s lærdommer", check.lessons),
            ngettext(
                "%(num)s tema planen ikke nevner",
                "%(num)s temaer planen ikke nevner",
                len(check.untouched),
            ),
        )
    )


def warned_by(programmes: int, evaluators: int) -> str:
    """Return «5 programmer og 3 evaluatører advarer om dette.»."""
    told = ngettext("%(num)s program", "%(num)s programmer", programmes)
    if not evaluators:
        return str(_("%(programmes)s advarer om dette.", programmes=told))
    also = ngettext("%(num)s evaluatør", "%(num)s evaluatører", evaluators)
    text = _("%(programmes)s og %(evaluators)s advarer om dette.", programmes=told, evaluators=also)
    return str(text)


def _page(check: PlanCheck, word: str) -> str:
    return render_template(
        "plan/result.html",
        check=check,
        word=word,
        exports=EXPORTS,
        title=title_of,
        summary_of=summary_of,
        warned_by=warned_by,
        without="; ".join(title_of(one) for one in check.sections if not one.hits),
    )


def _form(text: str = "", error: KbError | None = None, *, is_gone: bool = False) -> str:
    return render_template(
        "plan/form.html",
        text=text,
        problem=sentence(error, language()) if error else "",
        is_gone=is_gone,
        max_mb=services().config.max_file_mb,
    )


def _reader(text: str) -> Callable[[], Plan]:
    """Return what reads the plan that was sent, apart from this request.

    Raises:
        UnreadablePlanError: there is neither a file nor a text, or the file is too large.
    """
    file = request.files.get("fil")
    if file is None or not file.filename:
        if not text.strip():
            raise UnreadablePlanError(PlanProblem.EMPTY)
        return lambda: read_pasted(text)
    limits = limits_of(services().config)
    name, data = file_name(file.filename), file.read(limits.max_bytes + 1)
    return lambda: read_plan(name, data, limits)


def _work(read: Callable[[], Plan]) -> Callable[[Callable[[float], None]], PlanCheck]:
    """Return the whole work on one plan; it runs in a thread that knows no request."""
    config, encoder = services().config, services().encoder

    def work(tell: Callable[[float], None]) -> PlanCheck:
        plan = read()
        with Store.open(config.home) as store:
            return PlanChecker(encoder, config).check(store, plan, tell)

    return work


def _owner() -> str:
    """Return the word that ties what is checked to this browser's session."""
    return str(session.setdefault(_OWNER, secrets.token_urlsafe(16)))


def _status(error: KbError | None) -> int:
    return status_of(error) if error is not None else 500


def _private(response: Any) -> Response:
    answered: Response = make_response(response)
    answered.headers["Cache-Control"] = "no-store"
    return answered


def _document(check: PlanCheck) -> Any:
    name = check.name or str(_("innlimt tekst"))
    return new_document(
        title=str(_("Plansjekk: %(name)s", name=name)),
        address=url_for("plancheck.page"),
        intro=summary_of(check) + ".",
        sections=[*_bearing(check), *_lacking(check)],
    )


def _bearing(check: PlanCheck) -> Iterator[Section]:
    for one in check.sections:
        if one.hits:
            entries = tuple(
                Entry(lesson=hit.lesson, report=hit.report, label=_met(hit.passage))
                for hit in one.hits
            )
            yield Section(heading=title_of(one), entries=entries)


def _met(passage: str) -> str:
    cut = (
        passage if len(passage) <= _LABEL_CHARS else passage[:_LABEL_CHARS].rsplit(" ", 1)[0] + " …"
    )
    return str(_("Planen: «%(passage)s»", passage=cut))


def _lacking(check: PlanCheck) -> Iterator[Section]:
    for one in check.untouched:
        text = warned_by(one.programmes, one.evaluators)
        heading = _("Planen nevner ikke: %(theme)s", theme=theme_label(one.theme))
        entries = tuple(Entry(lesson=lesson, report=report) for lesson, report in one.lessons)
        yield Section(heading=str(heading), text=text, entries=entries)
