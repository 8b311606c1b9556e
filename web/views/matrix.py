"""The matrix: which programme has learnt about which theme, and where nobody has."""

from collections import Counter
from dataclasses import dataclass

from flask import Blueprint, render_template

from kb.domain import Programme, ReportStatus
from kb.store import Store
from kb.taxonomy import Taxonomy, Term, Theme
from web.context import services, store

bp = Blueprint("matrix", __name__)
HEAT_FROM = (1, 2, 3, 5, 8)
"""The number of lessons from which a cell has heat 1, 2, 3, 4 and 5; fixed, so shades compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The number of lessons of a programme on a theme, and its shade 0–5."""

    programme: Programme
    count: int
    heat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A theme over all programmes; ``programmes`` counts those with at least one lesson."""

    theme: Theme
    cells: tuple[Cell, ...]
    total: int
    programmes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A programme with its number of lessons and the remarks its reports carry on the cover."""

    programme: Programme
    total: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Themes by group against programmes. A lesson with two themes counts once in each row."""

    columns: tuple[Column, ...]
    groups: tuple[tuple[Term, tuple[Row, ...]], ...]
    total: int
    gaps: int


@bp.get("/matrise")
def page() -> str:
    """Show the number of lessons per theme and programme."""
    matrix = _matrix(store(), services().taxonomy)
    return render_template("matrix.html", matrix=matrix, legend=_legend())


def heat(count: int) -> int:
    """Return the shade of a cell with ``count`` lessons: 0 (none) to 5."""
    return sum(count >= least for least in HEAT_FROM)


def _legend() -> tuple[tuple[int, str], ...]:
    """Return (shade, the numbers it stands for)."""
    ranges = []
    for least, following in zip(HEAT_FROM, (*HEAT_FROM[1:], None), strict=True):
        most = following - 1 if following else None
        ranges.append(f"{least}+" if most is None else _range(least, most))
    return tuple(enumerate(ranges, start=1))


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}–{most}"


def _matrix(store: Store, taxonomy: Taxonomy) -> Matrix:
    with store.reading():
        counts = store.counts_by_theme_and_programme()
        totals = Counter(row.programme for row in store.facets())
        programmes = [each for each in store.programmes() if totals[each.slug]]
        reports = [each.report for each in store.reports()]
    notes = {
        programme.slug: tuple(
            dict.fromkeys(
                report.note
                for report in reports
                if report.programme.slug == programme.slug
                and report.note
                and report.status is ReportStatus.PUBLISHED
            )
        )
        for programme in programmes
    }
    groups = tuple(
        (group, tuple(_row(theme, programmes, counts) for theme in taxonomy.themes_in(group.id)))
        for group in taxonomy.groups
    )
    return Matrix(
        columns=tuple(
            Column(programme=each, total=totals[each.slug], notes=notes[each.slug])
            for each in programmes
        ),
        groups=groups,
        total=sum(totals.values()),
        gaps=sum(row.programmes == 0 for _group, rows in groups for row in rows),
    )


def _row(theme: Theme, programmes: list[Programme], counts: dict[tuple[str, str], int]) -> Row:
    cells = tuple(
        Cell(programme=each, count=count, heat=heat(count))
        for each in programmes
        for count in (counts.get((theme.id, each.slug), 0),)
    )
    return Row(
        theme=theme,
        cells=cells,
        total=sum(cell.count for cell in cells),
        programmes=sum(cell.count > 0 for cell in cells),
    )
