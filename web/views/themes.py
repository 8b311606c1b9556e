"""The themes: all of them by group, and one with what every programme says about it."""

from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, render_template

from kb.domain import Lesson, Programme, Report, Status
from kb.errors import NotFoundError
from kb.store import Store
from web.context import services, store
from web.views.published import in_order

bp = Blueprint("themes", __name__, url_prefix="/tema")
_SHOWN_LESSONS = 12
"""A programme with more lessons on a theme links to the search for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one programme says about a theme: the first lessons with their reports, and how many."""

    programme: Programme
    lessons: tuple[tuple[Lesson, Report], ...]
    total: int


@bp.get("")
def all_of_them() -> str:
    """Show every theme with its definition and how many lessons it has."""
    counts = Counter(theme for row in store().facets() for theme in row.themes)
    return render_template("themes.html", counts=counts)


@bp.get("/<theme_id>")
def page(theme_id: str) -> str:
    """Show a theme and its lessons, programme by programme."""
    theme = services().taxonomy.theme(theme_id)
    if theme is None:
        raise NotFoundError(f"theme {theme_id}")
    voices, programmes = _voices(store(), theme_id)
    return render_template("theme.html", theme=theme, voices=voices, programmes=programmes)


def _voices(store: Store, theme_id: str) -> tuple[tuple[Voice, ...], int]:
    """Return who speaks, most lessons first, and the number of programmes in the base."""
    with store.reading():
        rows = store.facets()
        programmes = {programme.slug: programme for programme in store.programmes()}
        counts = Counter(row.programme for row in rows if theme_id in row.themes)
        voices = tuple(
            _voice(store, theme_id, programmes[slug], total)
            for slug, total in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        )
    return voices, len({row.programme for row in rows})


def _voice(store: Store, theme_id: str, programme: Programme, total: int) -> Voice:
    ids = store.lesson_ids(theme=theme_id, programme=programme.slug, status=Status.PUBLISHED)
    lessons = []
    for lesson in in_order(store, ids[:_SHOWN_LESSONS]):
        report = store.report(lesson.report_id)
        if report is not None:
            lessons.append((lesson, report))
    return Voice(programme=programme, lessons=tuple(lessons), total=total)
