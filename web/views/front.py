"""The front page: one question, ways in, and what the base holds."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template
from flask_babel import gettext as _

from kb.domain import Report, ReportStatus
from kb.store import Store
from web.context import store
from web.views.now import choices

bp = Blueprint("front", __name__)
_NEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the base holds that anyone may read, and its newest reports."""

    lessons: int
    programmes: int
    reports: int
    newest: tuple[tuple[Report, int], ...]
    by_theme: Counter[str]


@bp.get("/")
def page() -> str:
    """Show the question field and the ways in."""
    return render_template(
        "front.html",
        base=_holdings(store()),
        questions=_questions(),
        choices=choices(date.today().year),  # noqa: DTZ011 - the reader's calendar, in years
    )


def _holdings(store: Store) -> Holdings:
    with store.reading():
        rows = store.facets()
        published = [
            each for each in store.reports() if each.report.status is ReportStatus.PUBLISHED
        ]
    by_report = Counter(row.report_id for row in rows)
    return Holdings(
        lessons=len(rows),
        programmes=len({row.programme for row in rows}),
        reports=len(published),
        newest=tuple((each.report, by_report[each.report.id]) for each in published[:_NEWEST]),
        by_theme=Counter(theme for row in rows for theme in row.themes),
    )


def _questions() -> tuple[str, ...]:
    return (
        _("Når bør styret ha seminar?"),
        _("Hvordan fordeler vi roller med næringshagen?"),
        _("Hvordan får vi med de største bedriftene?"),
        _("Hvem tar over når programmet er slutt?"),
    )
