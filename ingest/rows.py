"""The lines of a page while they are being sorted out, and what is usual in the document.

The stages of :mod:`ingest.layout` hand these rows from one to the next.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from statistics import median

from ingest.types import RawDocument, RawLine, RawPage, Role


@dataclass(slots=True)
class Row:
    """One line while it is being sorted out. ``blanks`` counts the empty lines above it."""

    page: int
    text: str
    x: float
    y: float
    size: float
    is_bold: bool = False
    tag: tuple[str, ...] = ()
    block: int | None = None
    is_artifact: bool = False
    right: float = 0.0
    bottom: float = 0.0
    blanks: int = 0
    glyph: str = ""
    glyph_x: float = 0.0
    role: Role | None = None
    level: int = 0
    starts: bool = False
    is_apart: bool = False
    is_ocr: bool = False

    @property
    def is_plain_text(self) -> bool:
        """Say whether the line may still turn out to be anything."""
        return self.role is None and not self.is_apart

    @property
    def style(self) -> tuple[float, bool, bool]:
        """What tells one kind of heading from another: size, capitals, weight."""
        return (self.size, self.text.isupper(), self.is_bold)


@dataclass(frozen=True, slots=True)
class Measures:
    """What is usual in this document."""

    body_size: float
    chars: int
    """Characters of a full line."""
    left: dict[int, float]
    """The left margin of even (0) and of odd pages (1)."""
    step: float
    """The distance between two lines of a paragraph; for plain text the usual number of blanks."""
    is_plain: bool
    is_tagged: bool
    gutters: dict[int, float]
    """On pages with two columns: where the second one begins."""
    column_chars: int
    """Characters of a full line of such a column."""

    def column(self, row: Row) -> tuple[float, int]:
        """Return the left margin of the column that the line stands in, and its full length."""
        gutter = self.gutters.get(row.page)
        if gutter is None or len(row.text) > 1.2 * self.column_chars:
            return self.left[row.page % 2], self.chars
        is_second = row.x > gutter - _SAME_COLUMN
        return gutter if is_second else self.left[row.page % 2], self.column_chars

    def of(self, rows: Sequence[Row]) -> "Measures":
        """Return the measures of a box or a note that stands beside the text."""
        steps = [first.y - second.y for first, second in pairwise(rows)]
        left = min(row.x for row in rows)
        return replace(
            self,
            chars=max(len(row.text) for row in rows),
            left={0: left, 1: left},
            step=min(steps, default=self.step),
            gutters={},
        )


NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+([A-ZÆØÅ«\"].*)$")

GLYPH = r"[•●▪■◦∙‣►➢✓❖]"

_FEW_RIGHT = 0.1
_TITLE = 1.15
_SAME_COLUMN = 6.0
_SAME_SIZE, _FEW_CHARS = 1.0, 8
_LONE_BULLET = re.compile(rf"{GLYPH}|[·o–-]|\d{{1,2}}[.)]")

WANTS_MORE = re.compile(r"\b(i|og|for|av|til|med|på|om|the|of|and|in|for|to|mellom|frå|fra)$", re.I)

_HEADING_TAG = re.compile(r"H([1-6])?$|Title$")


def heading_level(row: Row) -> int:
    """Return the level that the structure tree gives this line, 0 if it is no heading there."""
    for role in reversed(row.tag):
        match = _HEADING_TAG.match(role)
        if match:
            return int(match[1] or 1)
    return 0


def rows_of(page: RawPage) -> list[Row]:
    """Return the page's lines: lone bullets put where they belong, cells of one baseline joined."""
    rows: list[Row] = []
    blanks = 0
    for line in page.lines:
        if line.text:
            rows.append(_row(page, line, blanks))
        blanks = 0 if line.text else blanks + 1
    if page.is_plain:
        return rows
    if page.is_ocr and sum(row.x > page.width / 2 for row in rows) < _FEW_RIGHT * len(rows):
        rows.sort(key=lambda row: -row.y)  # one column: text recognition finds large type late
    joined: list[Row] = []
    for row in _with_bullets_attached(rows):
        if joined and _shares_baseline(joined[-1], row):
            _join(joined[-1], row)
        else:
            joined.append(row)
    return joined


def _row(page: RawPage, line: RawLine, blanks: int) -> Row:
    return Row(
        page=page.number,
        text=line.text,
        x=line.x,
        y=line.y,
        size=line.size,
        is_bold=line.is_bold,
        tag=line.tag,
        block=line.mcid,
        is_artifact=line.is_artifact,
        right=line.x + line.width,
        bottom=line.y,
        blanks=blanks,
        is_ocr=page.is_ocr,
    )


def _shares_baseline(first: Row, second: Row) -> bool:
    """Neighbours in the file on one baseline are one line: cells, or a title and its leader."""
    return (
        abs(first.y - second.y) <= 1.5  # noqa: PLR2004 points
        and (abs(first.size - second.size) <= _SAME_SIZE or len(second.text) < _FEW_CHARS)
        and not first.is_artifact
        and not second.is_artifact
        and (first.block == second.block or first.block is None or second.block is None)
        and not second.glyph
    )


def _join(first: Row, second: Row) -> None:
    pair = (first, second) if first.x <= second.x else (second, first)
    first.text = f"{pair[0].text} {pair[1].text}"
    first.x, first.right = pair[0].x, max(first.right, second.right)
    first.is_bold = first.is_bold and second.is_bold
    first.tag, first.block = first.tag or second.tag, first.block or second.block


def _with_bullets_attached(rows: list[Row]) -> list[Row]:
    """Give a glyph or number that stands alone to the line on its baseline (as in WeasyPrint)."""
    rest = []
    usual = median(row.size for row in rows) if rows else 0.0
    for bullet, following in zip_longest(rows, rows[1:]):
        owner = _owner(bullet, rows) if _LONE_BULLET.fullmatch(bullet.text) else None
        is_number = bullet.text[0].isdecimal()
        if owner is not None and is_number and owner.size > _TITLE * usual:
            _join(owner, bullet)  # the number of a heading
            continue
        if owner is None or (is_number and (owner is following or owner.is_bold)):
            if owner is not None or not re.fullmatch(rf"{GLYPH}|·", bullet.text):
                rest.append(bullet)
            continue
        owner.glyph, owner.glyph_x = bullet.text, bullet.x
    return rest


def _owner(bullet: Row, rows: list[Row]) -> Row | None:
    """Return the line that a lone bullet stands in front of."""
    near = [
        row
        for row in rows
        if not row.glyph
        and not _LONE_BULLET.fullmatch(row.text)
        and abs(row.y - bullet.y) <= max(2.5, 0.35 * row.size)
        and -1 < row.x - bullet.x < 60  # noqa: PLR2004 points: the widest hanging indent seen
    ]
    return min(near, key=lambda row: row.x, default=None)


def in_reading_order(rows: list[Row], width: float) -> list[Row]:
    """Sort a page of two columns that the file draws line by line across; else keep the order."""
    if not width:
        return rows
    middle = width / 2
    wide = [row for row in rows if row.x < middle - 20 and row.right > middle + 40]
    left = [row for row in rows if row.x < middle and row not in wide]
    right = [row for row in rows if row.x >= middle - 5]
    is_two_columns = min(len(left), len(right)) > 8 and len(wide) < 0.3 * len(rows)  # noqa: PLR2004
    sides = [row.x >= middle - 5 for row in rows if row not in wide]
    changes = sum(first != second for first, second in pairwise(sides))
    if not is_two_columns or changes <= 6:  # noqa: PLR2004 a page drawn column by column changes once
        return rows
    if len({round(row.x) for row in right}) > 0.6 * len(right):
        return rows  # cells of a table, not a column
    heads = [row for row in wide if row.y >= max(row.y for row in left + right)]
    tails = [row for row in wide if row not in heads]
    by_height = [sorted(side, key=lambda row: -row.y) for side in (heads, left, right, tails)]
    return [row for side in by_height for row in side]


def measured(document: RawDocument, pages: list[list[Row]]) -> Measures:
    """Return what is usual in the document; the cover and the contents do not count."""
    body = [row for page in pages for row in page if not row.is_apart] or [
        row for page in pages for row in page
    ]
    sizes: Counter[float] = Counter()
    for row in body:
        sizes[row.size] += len(row.text)
    body_size = sizes.most_common(1)[0][0] if sizes else 0.0
    body = [row for row in body if abs(row.size - body_size) <= 0.6]  # noqa: PLR2004 points
    is_plain = all(page.is_plain for page in document.pages)
    lengths = sorted(len(row.text) for row in body) or [80]
    gutters = _gutters(document, pages)
    narrow = sorted(len(row.text) for row in body if row.page in gutters) or [40]
    return Measures(
        body_size=body_size,
        chars=lengths[int((0.95 if is_plain else 0.9) * (len(lengths) - 1))],
        left=_margins(body),
        step=_usual_step(pages, body_size, is_plain=is_plain),
        is_plain=is_plain,
        is_tagged=sum(row.block is not None for row in body) > 0.5 * len(body),
        gutters=gutters,
        column_chars=narrow[int(0.9 * (len(narrow) - 1))],
    )


def _gutters(document: RawDocument, pages: list[list[Row]]) -> dict[int, float]:
    """Return where the second column begins, for each page that has one."""
    found = {}
    for raw, page in zip(document.pages, pages, strict=True):
        starts: Counter[int] = Counter()
        for row in page:
            if 0.42 * raw.width < row.x < 0.58 * raw.width:
                starts[round(row.x)] += len(row.text)
        most = starts.most_common(1)
        if most and most[0][1] > 0.2 * sum(len(row.text) for row in page):
            found[raw.number] = float(most[0][0])
    return found


def _margins(body: list[Row]) -> dict[int, float]:
    """Return the left margin of odd pages (1) and of even pages (0)."""
    starts = Counter((row.page % 2, round(row.x)) for row in body)
    usual = float(starts.most_common(1)[0][0][1]) if starts else 0.0
    margins = {0: usual, 1: usual}
    for (side, x), _times in reversed(starts.most_common()):
        margins[side] = float(x)
    return margins


def _usual_step(pages: list[list[Row]], body_size: float, *, is_plain: bool) -> float:
    if is_plain:
        blanks = [row.blanks for page in pages for row in page]
        return median(blanks) if blanks else 0.0
    steps: Counter[float] = Counter()
    for page in pages:
        for first, second in pairwise(page):
            step = round(first.y - second.y, 1)
            if 0 < step < 3 * body_size and abs(first.size - second.size) < 0.1:  # noqa: PLR2004
                steps[step] += 1
    if not steps:
        return 1.4 * body_size
    often = 0.25 * max(steps.values())
    return min(step for step, times in steps.items() if times >= often)
