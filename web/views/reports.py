"""One report: what it is, its lessons chapter by chapter, and the file itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, render_template, send_file
from flask_babel import gettext as _

from kb.domain import Found, Lesson, Report, Status
from kb.errors import NotFoundError
from web.context import services, store
from web.page_image import is_pdf
from web.present import count_words, label, report_type
from web.security import FOREIGN_FILE_POLICY
from web.views.published import in_order, published_report

bp = Blueprint("reports", __name__, url_prefix="/rapport")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A piece of metadata in words; ``found`` tells where it was read, if that is known."""

    name: str
    value: str
    found: Found | None


@bp.get("/<report_id>")
def page(report_id: str) -> str:
    """Show the report and its lessons in the order of its chapters."""
    report = published_report(store(), report_id)
    ids = store().lesson_ids(report_id=report_id, status=Status.PUBLISHED)
    chapters = _by_chapter(in_order(store(), ids))
    return render_template(
        "report.html",
        report=report,
        facts=_facts(report),
        chapters=chapters,
        count=len(ids),
        is_pdf=is_pdf(store().original_path(report_id)),
    )


@bp.get("/<report_id>/fil")
def file(report_id: str) -> Response:
    """Send the original: a PDF opens in the browser, text is downloaded as it is."""
    return original(published_report(store(), report_id))


def original(report: Report) -> Response:
    """Return the file of a report, to be opened outside the site.

    Raises:
        NotFoundError: the file is gone.
    """
    path = store().original_path(report.id)
    if path is None or not path.exists():
        raise NotFoundError(f"the file of report {report.id}")
    opens = is_pdf(path)
    response = send_file(
        path,
        mimetype="application/pdf" if opens else "application/octet-stream",
        as_attachment=not opens,
        download_name=report.file,
        conditional=True,
        max_age=0,  # a report can be taken back: ask every time
    )
    response.headers["Content-Security-Policy"] = FOREIGN_FILE_POLICY
    return response


def _by_chapter(
    lessons: Iterable[Lesson],
) -> tuple[tuple[tuple[str, ...], tuple[Lesson, ...]], ...]:
    """Group neighbours under the headings of their first quote."""
    groups = groupby(lessons, key=lambda lesson: lesson.evidence[0].section)
    return tuple((section, tuple(group)) for section, group in groups)


def _facts(report: Report) -> tuple[Fact, ...]:
    """Return what is known about ``report``; what is not known is left out."""
    programme = report.programme
    types = services().taxonomy.programme_types
    values = (
        ("programme", _("Program"), report.programme_name or programme.name),
        ("place", _("Sted"), programme.place),
        ("period", _("Periode"), _years(programme.period_from, programme.period_to)),
        (
            "programme_type",
            _("Programtype"),
            label(types, programme.programme_type) if programme.programme_type else None,
        ),
        (
            "municipalities",
            _("Kommuner"),
            str(programme.municipalities) if programme.municipalities else None,
        ),
        (
            "inhabitants",
            _("Innbyggere"),
            count_words(programme.inhabitants) if programme.inhabitants else None,
        ),
        ("budget", _("Budsjett"), programme.budget),
        ("report_type", _("Type rapport"), report_type(report) if report.report_type else None),
        ("year", _("År"), str(report.year) if report.year else None),
        ("contractor", _("Skrevet av"), report.contractor),
        ("client", _("Oppdragsgiver"), report.client),
    )
    found = dict(report.sources)
    return tuple(
        Fact(name=name, value=value, found=found.get(field))
        for field, name, value in values
        if value
    )


def _years(first: int | None, last: int | None) -> str | None:
    if first and last:
        return f"{first}–{last}"
    return str(first or last) if first or last else None
