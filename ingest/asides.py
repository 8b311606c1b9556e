"""Margin notes and boxes beside the running text: taken out, and put back between two blocks.

A file may draw them before, within or after the text that they stand beside. Left there they would
cut a sentence in two.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from ingest.rows import Measures, Row
from ingest.types import RawPage, Role

_RIGHT_PART = 0.6
_WIDE_LINE = 0.6
_MOST_CHARS = 60
_FEWEST_LETTERS = 8
_SAME_X = 3.0
_SAME_SIZE = 0.6
_MOST_LEADING = 2.5
_MOST_INDENT = 30.0


def take_asides(
    rows: list[Row], pages: Sequence[RawPage], measures: Measures
) -> tuple[list[Row], list[list[Row]]]:
    """Return the rows of the running text, and what stands beside it, group by group."""
    widths = {page.number: page.width for page in pages if not page.is_plain}
    kept: list[Row] = []
    asides: list[list[Row]] = []
    for number, group in groupby(rows, key=lambda row: row.page):
        page = list(group)
        found = _asides(page, widths[number], measures) if widths.get(number) else []
        taken = {id(row) for one in found for row in one}
        kept += [row for row in page if id(row) not in taken]
        asides += found
    return kept, asides


def put_back(rows: list[Row], asides: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows with each aside in front of the first block that begins below its top."""
    out = list(rows)
    for aside in asides:
        out[_place(out, aside[0]) : _place(out, aside[0])] = aside
    return out


def _asides(page: Sequence[Row], width: float, measures: Measures) -> list[list[Row]]:
    lefts: Counter[int] = Counter()
    for row in page:
        lefts[round(row.x)] += len(row.text)
    left = lefts.most_common(1)[0][0]
    groups: list[list[Row]] = []
    last: Row | None = None
    for row in page:
        is_right = row.x > max(_RIGHT_PART * width, left + _SAME_X)
        is_left = row.right < left - _SAME_X and row.x > 0
        if (is_right or is_left) and _may_be_aside(row):
            if last is not None and _is_next_line(last, row):
                groups[-1].append(row)
            else:
                groups.append([row])
            last = row
        else:
            last = None
    return [group for group in groups if _is_beside_text(group, page, left, measures)]


def _may_be_aside(row: Row) -> bool:
    is_free = row.role in {None, Role.BULLET} and not row.is_apart and "TR" not in row.tag
    return is_free and len(row.text) <= _MOST_CHARS


def _is_next_line(above: Row, row: Row) -> bool:
    is_beside = row.x < above.right and above.x < row.right  # the last line may be set to the right
    return is_beside and 0 < above.y - row.y < _MOST_LEADING * row.size


def _is_beside_text(
    group: Sequence[Row], page: Sequence[Row], left: float, measures: Measures
) -> bool:
    """Say whether full lines of text run beside the group; beside the cells of a table none do."""
    if sum(map(str.isalpha, "".join(row.text for row in group))) < _FEWEST_LETTERS:
        return False
    own = {id(row) for row in group}
    top, bottom = group[0].y + group[0].size, group[-1].y - group[-1].size
    beside = [row for row in page if id(row) not in own and bottom < row.y < top]
    wide = [row for row in beside if _is_full_line(row, left, measures)]
    return len(wide) > 0 and 2 * len(wide) >= len(beside)


def _is_full_line(row: Row, left: float, measures: Measures) -> bool:
    is_body = abs(row.size - measures.body_size) <= _SAME_SIZE and row.x < left + _MOST_INDENT
    return is_body and len(row.text) >= _WIDE_LINE * measures.chars


def _place(rows: Sequence[Row], first: Row) -> int:
    own = [index for index, row in enumerate(rows) if row.page == first.page and not row.is_apart]
    starts = [
        index for index in own if rows[index].starts and rows[index].role is not Role.FOOTNOTE
    ]
    below = [index for index in starts if rows[index].y < first.y - 0.5 * first.size]
    if below:
        return below[0]
    end = own[-1] + 1 if own else len(rows)
    is_whole = end == len(rows) or rows[end].starts
    return end if is_whole or not starts else starts[-1]
