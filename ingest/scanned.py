"""What text recognition does to a page, mended: sizes that waver, bullets read as letters or lost.

Looks at rows of recognised pages only. Words are left as they were read.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from ingest.rows import NUMBERED, Measures, Row

_ROUND = re.compile(r"(?:[*¢¤°«»·•][«».]?|e(?= [—–-]? ?[A-ZÆØÅ]))(?: ?[—–-](?= ))? +(?=\S)")
_RULE = re.compile(r" ?[|] ?")
_RING = re.compile(r"[oO0](?: [—–-](?= ))? +(?=[^\W\d_])")
_ENDS = re.compile(r"[.!?:…][\"»”’)\]]*$")
_FEW_LETTERS = 12
_SMALLER, _LARGER = 1.6, 1.0
_TITLE_SPREAD = 2.4
_INDENT = 12.0
_SAME_X = 5.0


def mend_scanned(rows: list[Row], measures: Measures) -> None:
    """Give the lines of scanned pages steady sizes, and their items a glyph again."""
    scanned = [row for row in rows if row.is_ocr and not row.is_apart]
    for row in scanned:
        if -_SMALLER <= row.size - measures.body_size <= _LARGER:
            row.size = measures.body_size
    _steady_titles(scanned, measures)
    for _, group in groupby(scanned, key=lambda row: row.page):
        page = list(group)
        margin = min((row.x for row in page if len(row.text) > _FEW_LETTERS), default=0.0)
        for row in page:
            row.text = _RULE.sub(" ", row.text).strip() or row.text  # the rule between two cells
            _mend_glyph(row, margin)
        _mend_lost_glyphs(page, margin, measures)


def _steady_titles(scanned: Sequence[Row], measures: Measures) -> None:
    """Give titles whose sizes lie within a point or two of each other one size."""
    start = 0.0
    for row in sorted(scanned, key=lambda row: row.size):
        if row.size > measures.body_size:
            start = start if row.size <= start + _TITLE_SPREAD else row.size
            row.size = start


def _mend_glyph(row: Row, margin: float) -> None:
    is_indented = row.x > margin + _SAME_X
    if is_indented and _RING.match(row.text):
        row.text = _RING.sub("o ", row.text, count=1)
    elif _ROUND.match(row.text):
        row.text = _ROUND.sub("• ", row.text, count=1)


def _mend_lost_glyphs(page: Sequence[Row], margin: float, measures: Measures) -> None:
    """Mark the items of an indented list whose bullets were not seen: two or more, set apart."""
    above: Row | None = None
    firsts: list[Row] = []
    for row in page:
        if (
            row.x < margin + _INDENT
            or row.text.startswith(("• ", "o "))
            or NUMBERED.match(row.text)
        ):
            _mark(firsts)
            firsts = []
        elif not firsts or _is_next_item(above, row, firsts[0], measures):
            firsts.append(row)
        above = row
    _mark(firsts)


def _is_next_item(above: Row | None, row: Row, first: Row, measures: Measures) -> bool:
    if above is None or abs(row.x - first.x) > _SAME_X or not row.text[:1].isupper():
        return False
    is_apart = above.y - row.y > 1.25 * measures.step
    return is_apart or bool(_ENDS.search(above.text))


def _mark(firsts: Sequence[Row]) -> None:
    if len(firsts) > 1:
        for row in firsts:
            row.text = f"• {row.text}"
