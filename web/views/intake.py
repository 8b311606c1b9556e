"""Bringing reports in: the upload, and the row of every file until somebody takes it away."""

import hashlib
import os
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from ingest import OcrState, ocr_state, refuse_decided
from kb.desk import Desk, refuse_edition
from kb.domain import Report, ReportId, ReportStatus
from kb.errors import ConflictError, NotFoundError, Unreadable, UnreadableReportError
from kb.messages import sentence
from kb.store import JobState, Role
from web import auth
from web.context import services, store
from web.intake import intake
from web.language import language
from web.review_words import problem_word

bp = Blueprint("intake", __name__, url_prefix="/desk")
_UNUSABLE = 422
_MB = 1_000_000
_MOST_FILES = 10
"""So many files of the largest size may come at once; of smaller ones more."""
_MOST_PARTS = 500
_LONGEST_NAME = 120
_OCR_LOOKED_UP_S = 300
Refusal = tuple[str, str]
"""The name of a file, and why it was not taken."""


@bp.url_value_preprocessor
def _allow_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let an editor send files; of anyone else nothing is read. Runs before the token is."""
    if endpoint == "intake.upload":
        auth.refuse_unless(Role.EDITOR)
        request.max_content_length = _MOST_FILES * services().config.max_file_mb * _MB
        request.max_form_parts = _MOST_PARTS


@bp.get("/inn")
@auth.requires(Role.EDITOR)
def page() -> str:
    """Show the form and the files; htmx asks for the files alone while any of them is under way."""
    if request.headers.get("HX-Request"):
        return render_template("desk/jobs.html", **_shown())
    return _page()


@bp.post("/inn")
@auth.requires(Role.EDITOR)
def upload() -> Response | tuple[str, int]:
    """Take the files in; what cannot be taken is named, the others are queued all the same."""
    chosen = [each for each in request.files.getlist("filer") if each.filename]
    wanted = request.form.get("utgave", "")
    problem = _problem_with(chosen, wanted)
    if problem:
        return _page(problem=problem, wanted=wanted), _UNUSABLE
    refused = [told for each in chosen if (told := _take(each, wanted or None))]
    if refused:
        return _page(refused=refused), _UNUSABLE
    return redirect(url_for("intake.page") + "#jobber", 303)


@bp.post("/jobb/<int:job_id>/igjen")
@auth.requires(Role.EDITOR)
def retry(job_id: int) -> Response:
    """Queue a file again, with text recognition, as a newer edition or as none, as asked for."""
    with_ocr = True if request.form.get("ocr") else None
    wanted = request.form.get("utgave") or None
    is_edition = not request.form.get("uten_utgave")

    def again() -> None:
        job = store().jobs.get(job_id)
        if job is not None and wanted:
            refuse_edition(store(), wanted, job.sha256)
        report = store().report(job.report_id) if job is not None and job.report_id else None
        if job is not None and report is not None and job.state is JobState.DONE and with_ocr:
            refuse_decided(store(), report)
        store().jobs.retry(job_id, with_ocr=with_ocr, edition_of=wanted, is_edition=is_edition)

    return _do(again)


@bp.post("/jobb/<int:job_id>/avbryt")
@auth.requires(Role.EDITOR)
def cancel(job_id: int) -> Response:
    """Stop a file that is not done."""
    return _do(lambda: store().jobs.cancel(job_id))


@bp.post("/jobb/<int:job_id>/fjern")
@auth.requires(Role.EDITOR)
def forget(job_id: int) -> Response:
    """Take a file that is over off the list."""
    return _do(lambda: store().jobs.forget(job_id))


@bp.post("/jobber/rydd")
@auth.requires(Role.EDITOR)
def clear() -> Response:
    """Take everything that is done off the list; the reports stay."""
    return _do(store().jobs.clear_done)


@bp.post("/jobb/<int:job_id>/utgave")
@auth.requires(Role.EDITOR)
def link(job_id: int) -> Response:
    """Make the report that came of a file a newer edition of another one."""
    job = store().jobs.get(job_id)
    if job is None or job.state is not JobState.DONE or job.report_id is None:
        raise NotFoundError(f"a report of job {job_id}")
    desk = Desk(store(), lambda: services().encoder, auth.actor())
    report, older = job.report_id, request.form.get("utgave", "")

    def act() -> None:
        refuse_edition(store(), older, job.sha256)
        desk.link_edition(report, older)

    return _do(act)


def _do(act: Callable[[], object]) -> Response:
    """Act and show the files; if it cannot be done any more, the page says why."""
    try:
        act()
    except (ConflictError, NotFoundError) as error:
        flash(sentence(error, language()), "warning")
    return redirect(url_for("intake.page") + "#jobber", 303)


def _page(*, problem: str | None = None, refused: Sequence[Refusal] = (), wanted: str = "") -> str:
    return render_template(
        "desk/intake.html",
        **_shown(),
        editions=_may_have_newer(),
        max_mb=services().config.max_file_mb,
        problem=problem,
        refused=refused,
        wanted=wanted,
    )


def _shown() -> dict[str, object]:
    """Return what the list of files shows."""
    return {
        "intake": intake(services().config.home, store(), time.time()),
        "ocr_is_ready": _ocr(int(time.time()) // _OCR_LOOKED_UP_S).is_ready,
        "problem_word": problem_word,
    }


@lru_cache(maxsize=1)
def _ocr(_period: int) -> OcrState:
    """Look for the programs; they are asked for their versions, which takes half a second."""
    return ocr_state()


def _may_have_newer() -> tuple[Report, ...]:
    """Return the reports that a file can be a newer edition of."""
    reports = [one.report for one in store().reports()]
    has_newer = {report.edition_of for report in reports}
    left_out = {ReportStatus.TRASHED, ReportStatus.SUPERSEDED}
    return tuple(
        sorted(
            (one for one in reports if one.status not in left_out and one.id not in has_newer),
            key=lambda one: (one.programme.name.casefold(), -(one.year or 0)),
        )
    )


def _problem_with(chosen: Sequence[FileStorage], wanted: str) -> str | None:
    """Return why nothing of this can be taken, or None."""
    if not chosen:
        return str(_("Velg minst én fil."))
    if not wanted:
        return None
    if len(chosen) > 1:
        return str(_("Velg bare én fil når den er ny utgave av en rapport."))
    if wanted not in {report.id for report in _may_have_newer()}:
        return str(_("Rapporten du valgte, kan ikke få en ny utgave. Velg en annen."))
    return None


def _take(file: FileStorage, edition_of: ReportId | None) -> Refusal | None:
    """Queue a file; return why it was refused, or None."""
    name = file_name(file.filename or "")
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    if size > services().config.max_file_mb * _MB:
        error = UnreadableReportError(Unreadable.TOO_LARGE, f"{size} bytes")
        return name, sentence(error, language())
    original = file.stream.read()
    try:
        store().jobs.put(
            sha256=hashlib.sha256(original).hexdigest(),
            file=name,
            original=original,
            by=auth.actor(),
            with_ocr=bool(request.form.get("ocr")),
            edition_of=edition_of,
        )
    except ConflictError as held:
        return name, sentence(held, language())
    return None


def file_name(sent: str) -> str:
    """Return a name fit to be shown and kept: no folders, no control or turning characters.

    Never empty, at most 120 characters, with its ending. Nothing is ever stored under this name.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", sent))[-1]
    shown = "".join(each for each in last if each.isprintable()).strip(" .") or "rapport"
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > 8:  # noqa: PLR2004 - longer than any ending we know
        return shown[:_LONGEST_NAME]
    return stem[: _LONGEST_NAME - len(ending) - 1].rstrip() + dot + ending
