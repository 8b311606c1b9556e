"""The programmes: all of them, and one with its reports and lessons."""

from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, render_template

from kb.domain import Lesson, Programme, Report, ReportStatus, Status
from kb.errors import NotFoundError
from kb.store import Store
from web.context import services, store
from web.views.published import in_order

bp = Blueprint("programmes", __name__, url_prefix="/program")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A programme with its published reports and the number of its lessons."""

    programme: Programme
    reports: tuple[Report, ...]
    lessons: int


@bp.get("")
def all_of_them() -> str:
    """Show every programme that has a published report."""
    return render_template("programmes.html", entries=_entries(store()))


@bp.get("/<slug>")
def page(slug: str) -> str:
    """Show a programme: its reports, and its lessons by phase."""
    entry = next((each for each in _entries(store()) if each.programme.slug == slug), None)
    if entry is None:
        raise NotFoundError(f"programme {slug}")
    ids = store().lesson_ids(programme=slug, status=Status.PUBLISHED)
    phases = _by_phase(in_order(store(), ids))
    return render_template("programme.html", entry=entry, phases=phases)


def _entries(store: Store) -> tuple[Entry, ...]:
    with store.reading():
        reports = [each.report for each in store.reports()]
        counts = Counter(row.programme for row in store.facets())
        programmes = store.programmes()
    entries = (
        Entry(
            programme=programme,
            reports=tuple(
                report
                for report in reports
                if report.programme.slug == programme.slug
                and report.status is ReportStatus.PUBLISHED
            ),
            lessons=counts[programme.slug],
        )
        for programme in programmes
    )
    return tuple(entry for entry in entries if entry.reports)


def _by_phase(lessons: tuple[Lesson, ...]) -> tuple[tuple[str, tuple[Lesson, ...]], ...]:
    """Group by phase in the taxonomy's order; lessons about no phase come last under ""."""
    order = [*(phase.id for phase in services().taxonomy.phases), ""]
    groups = (
        (phase, tuple(each for each in lessons if (each.phase or "") == phase)) for phase in order
    )
    return tuple((phase, group) for phase, group in groups if group)
