"""The matrix: how many lessons there are on each theme, against what the reader chooses.

Against the programmes it shows who has learnt about what; against phase, year, programme type and
kind it shows where nobody has.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from kb.domain import ReportStatus
from kb.errors import InvalidQueryError, NotFoundError
from kb.export import Section
from kb.store import FacetRow, Store
from kb.taxonomy import Taxonomy, Term, Theme
from web.context import services, store
from web.language import language
from web.takeaway import answer, new_document

bp = Blueprint("matrix", __name__)
HEAT_FROM = (1, 2, 3, 5, 8)
"""The number of lessons from which a cell has heat 1, 2, 3, 4 and 5; fixed, so shades compare."""
AXIS = "kolonner"
"""Its name in the address."""
FILES = ("xlsx", "csv")
"""What the table can be taken along as."""


class Axis(StrEnum):
    """What stands above the columns; the values are the names of the search's filters."""

    PROGRAMME = "program"
    PHASE = "fase"
    YEAR = "ar"
    PROGRAMME_TYPE = "programtype"
    KIND = "type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column counts: a value of the axis, with the number of its lessons and themes.

    ``notes`` are the remarks that a programme's reports carry on the cover.
    """

    value: str
    label: str
    total: int
    themes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The number of lessons on a theme in a column, and its shade 0-5."""

    column: Column
    count: int
    heat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A theme over all columns; ``filled`` counts those with at least one lesson."""

    theme: Theme
    cells: tuple[Cell, ...]
    total: int
    filled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Themes by group against the columns. A lesson with two themes counts once in each row.

    ``without`` counts lessons that are in no column: those of no particular phase, for one. They
    are in the totals. ``gaps`` counts themes without any lesson.
    """

    axis: Axis
    columns: tuple[Column, ...]
    groups: tuple[tuple[Term, tuple[Row, ...]], ...]
    total: int
    without: int
    gaps: int

    @property
    def themes(self) -> int:
        """How many themes there are."""
        return sum(len(rows) for _group, rows in self.groups)


@bp.get("/matrise")
def page() -> str:
    """Show the number of lessons per theme and column."""
    matrix = read_matrix(store(), services().taxonomy, _axis(request.args.get(AXIS, "")))
    return render_template(
        "matrix.html",
        matrix=matrix,
        axes=tuple((axis, axis_words(axis)) for axis in Axis),
        files=FILES,
        legend=_legend(),
        without=without_words(matrix) if matrix.without else "",
    )


@bp.get("/matrise.<ending>")
def file(ending: str) -> Response | str:
    """Return the same table as a file."""
    if ending not in FILES:
        raise NotFoundError(f"format {ending}")
    matrix = read_matrix(store(), services().taxonomy, _axis(request.args.get(AXIS, "")))
    document = new_document(
        title=str(_("Antall lærdommer etter tema og %(axis)s", axis=axis_words(matrix.axis))),
        sections=(_section(matrix),),
        address=url_for("matrix.page", kolonner=matrix.axis.value),
        intro=_explained(matrix),
    )
    return answer(document, ending)


def heat(count: int) -> int:
    """Return the shade of a cell with ``count`` lessons: 0 (none) to 5."""
    return sum(count >= least for least in HEAT_FROM)


def axis_words(axis: Axis) -> str:
    """Return what the columns are, to stand within a sentence."""
    words = {
        Axis.PROGRAMME: _("program"),
        Axis.PHASE: _("fase"),
        Axis.YEAR: _("rapportens år"),
        Axis.PROGRAMME_TYPE: _("programtype"),
        Axis.KIND: _("type lærdom"),
    }
    return str(words[axis])


def read_matrix(store: Store, taxonomy: Taxonomy, axis: Axis) -> Matrix:
    """Return the matrix of what is published now."""
    with store.reading():
        rows = store.facets()
        labels = _labels(store, taxonomy, axis, rows)
        notes = _notes(store) if axis is Axis.PROGRAMME else {}
    value_of = _VALUES[axis]
    totals = Counter(value_of(row) for row in rows)
    counts = Counter((theme, value_of(row)) for row in rows for theme in row.themes)
    of_theme = Counter(theme for row in rows for theme in row.themes)
    columns = tuple(
        Column(
            value=value,
            label=label,
            total=totals[value],
            themes=sum(counts[theme.id, value] > 0 for theme in taxonomy.themes),
            notes=notes.get(value, ()),
        )
        for value, label in labels
    )
    groups = tuple(
        (
            group,
            tuple(
                _row(theme, columns, counts, of_theme[theme.id])
                for theme in taxonomy.themes_in(group.id)
            ),
        )
        for group in taxonomy.groups
    )
    return Matrix(
        axis=axis,
        columns=columns,
        groups=groups,
        total=len(rows),
        without=len(rows) - sum(column.total for column in columns),
        gaps=sum(row.total == 0 for _group, own in groups for row in own),
    )


_VALUES: Mapping[Axis, Callable[[FacetRow], str]] = {
    Axis.PROGRAMME: lambda row: row.programme,
    Axis.PHASE: lambda row: row.phase or "",
    Axis.YEAR: lambda row: str(row.year or ""),
    Axis.PROGRAMME_TYPE: lambda row: row.programme_type or "",
    Axis.KIND: lambda row: row.kind,
}
"""Where a lesson stands on each axis; "" is nowhere."""


def _axis(raw: str) -> Axis:
    try:
        return Axis(raw) if raw else Axis.PROGRAMME
    except ValueError as error:
        raise InvalidQueryError(f"{AXIS} is one of {', '.join(Axis)}") from error


def _labels(
    store: Store, taxonomy: Taxonomy, axis: Axis, rows: Sequence[FacetRow]
) -> Sequence[tuple[str, str]]:
    """Return the columns with their names.

    Programmes and years are those that have lessons; of phases, types and kinds there are all, for
    an empty column tells something.
    """
    terms: Mapping[Axis, Iterable[Term]] = {
        Axis.PHASE: taxonomy.phases,
        Axis.PROGRAMME_TYPE: taxonomy.programme_types,
        Axis.KIND: taxonomy.kinds,
    }
    if axis in terms:
        return [(term.id, term.label.in_language(language())) for term in terms[axis]]
    if axis is Axis.YEAR:
        return [(str(year), str(year)) for year in sorted({row.year for row in rows if row.year})]
    known = {row.programme for row in rows}
    return [(one.slug, one.name) for one in store.programmes() if one.slug in known]


def _notes(store: Store) -> dict[str, tuple[str, ...]]:
    notes: dict[str, dict[str, None]] = {}
    for each in store.reports():
        report = each.report
        if report.note and report.status is ReportStatus.PUBLISHED:
            notes.setdefault(report.programme.slug, {})[report.note] = None
    return {slug: tuple(own) for slug, own in notes.items()}


def _row(
    theme: Theme, columns: Sequence[Column], counts: Mapping[tuple[str, str], int], total: int
) -> Row:
    cells = tuple(
        Cell(column=column, count=count, heat=heat(count))
        for column in columns
        for count in (counts.get((theme.id, column.value), 0),)
    )
    return Row(theme=theme, cells=cells, total=total, filled=sum(cell.count > 0 for cell in cells))


def _legend() -> tuple[tuple[int, str], ...]:
    """Return (shade, the numbers it stands for)."""
    ranges = []
    for least, following in zip(HEAT_FROM, (*HEAT_FROM[1:], None), strict=True):
        most = following - 1 if following else None
        ranges.append(f"{least}+" if most is None else _range(least, most))
    return tuple(enumerate(["0", *ranges]))


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}–{most}"


def _section(matrix: Matrix) -> Section:
    """Return the matrix as a table: all that the page counts, row by row."""
    size = len(matrix.columns)
    rows = (
        (
            group.label.in_language(language()),
            row.theme.label.in_language(language()),
            *(str(cell.count) for cell in row.cells),
            str(row.total),
            _some_of_all(row.filled, size),
        )
        for group, own in matrix.groups
        for row in own
    )
    totals = (str(column.total) for column in matrix.columns)
    themes = (_some_of_all(column.themes, matrix.themes) for column in matrix.columns)
    return Section(
        heading=str(_("Matrise")),
        columns=(
            str(_("Temagruppe")),
            str(_("Tema")),
            *(column.label for column in matrix.columns),
            str(_("I alt")),
            str(_("Kolonner med lærdommer")),
        ),
        rows=(
            *rows,
            ("", str(_("Lærdommer i alt")), *totals, str(matrix.total), ""),
            ("", str(_("Temaer med lærdommer")), *themes, "", ""),
        ),
    )


def _some_of_all(some: int, all_: int) -> str:
    return str(_("%(some)s av %(all)s", some=some, all=all_))


def _explained(matrix: Matrix) -> str:
    """Return what a reader of the file must know to read the numbers right."""
    told = [str(_("En lærdom med to temaer telles i begge radene."))]
    if matrix.without:
        told.append(without_words(matrix))
    notes = (f"{column.label}: {note}" for column in matrix.columns for note in column.notes)
    return "\n\n".join((*told, *notes))


def without_words(matrix: Matrix) -> str:
    """Return how many lessons are in no column, why, and what that makes of a gap."""
    count = matrix.without
    words = {
        Axis.PHASE: lambda: ngettext(
            "%(num)s lærdom gjelder ikke én bestemt fase, og er bare med i «I alt».",
            "%(num)s lærdommer gjelder ikke én bestemt fase, og er bare med i «I alt».",
            count,
        ),
        Axis.YEAR: lambda: ngettext(
            "%(num)s lærdom står i en rapport uten kjent år, og er bare med i «I alt».",
            "%(num)s lærdommer står i rapporter uten kjent år, og er bare med i «I alt».",
            count,
        ),
        Axis.PROGRAMME_TYPE: lambda: ngettext(
            "%(num)s lærdom er fra et program uten kjent type, og er bare med i «I alt».",
            "%(num)s lærdommer er fra programmer uten kjent type, og er bare med i «I alt».",
            count,
        ),
    }
    doubt = _("Et hull kan derfor også bety at vi ikke vet hvor lærdommen hører til.")
    return f"{words[matrix.axis]()} {doubt}"
