"""Bullets and numbered items: their glyphs, where they begin, how deep they stand."""

import re
from collections import Counter

from ingest.rows import GLYPH, Measures, Row, heading_level
from ingest.types import Role

_BULLET = re.compile(rf"({GLYPH}|·)\s*(?=\S)|([o–-])\s+(?=\S)")

_ITEM = re.compile(r"(\d{1,2})[.)]\s+(?=[A-ZÆØÅ«\"])")


def find_bullets(rows: list[Row]) -> None:
    """Take the glyph off and mark the first line of each item; list tags do without a glyph."""
    dashes = Counter(row.page for row in rows if row.text.startswith(("– ", "- ")))
    block: int | None = None
    for row in rows:
        if row.is_apart or heading_level(row):
            block = None
            continue
        match = _BULLET.match(row.text)
        is_tagged_item = "LI" in row.tag
        if match and (is_tagged_item or _is_bullet(match, row, dashes)) and not row.glyph:
            row.glyph, row.glyph_x = match[1] or match[2], row.x
            row.text = row.text[match.end() :]
        if is_tagged_item and row.block != block:
            row.glyph, row.glyph_x = row.glyph or "•", row.glyph_x or row.x
            row.text = _ITEM.sub("", row.text, count=1)
            row.starts = True
        if row.glyph or is_tagged_item:
            row.role = Role.BULLET
            row.starts = row.starts or bool(row.glyph)
            row.level = row.tag.count("L")
        block = row.block if is_tagged_item else None


def _is_bullet(match: re.Match[str], row: Row, dashes: Counter[int]) -> bool:
    if match[1] or match[2] == "o":
        return True
    return dashes[row.page] > 1 and "TR" not in row.tag


def find_numbered_items(rows: list[Row], measures: Measures) -> None:
    """Mark «1. … 2. … 3. …» as items when the numbers follow each other closely."""
    if measures.is_tagged and any("LI" in row.tag for row in rows):
        return
    run: list[int] = []
    for index, row in enumerate(rows):
        match = _ITEM.match(row.text) if row.is_plain_text else None
        if row.role is Role.HEADING or (run and index - run[-1] > 12):  # noqa: PLR2004 lines of an item
            _mark_items(rows, run)
            run = []
        if match and int(match[1]) == len(run) + 1 and _is_at(row, rows, run):
            run.append(index)
    _mark_items(rows, run)


def _is_at(row: Row, rows: list[Row], run: list[int]) -> bool:
    return not run or row.page != rows[run[0]].page or abs(row.x - rows[run[0]].x) < 8  # noqa: PLR2004


def _mark_items(rows: list[Row], run: list[int]) -> None:
    if len(run) < 2:  # noqa: PLR2004
        return
    for index in run:
        row = rows[index]
        row.text = _ITEM.sub("", row.text, count=1)
        row.glyph, row.glyph_x, row.role, row.starts = "1.", row.x, Role.BULLET, True


def set_bullet_levels(rows: list[Row], measures: Measures) -> None:
    """Set the depth of items: by tags, else by glyph within the list, else by indent."""
    stack: list[tuple[str, float]] = []
    for row in rows:
        if row.role is Role.HEADING:
            stack = []
        if row.role is not Role.BULLET or not row.glyph or row.is_apart:
            continue
        if row.level == 0:
            stack = _pushed(stack, row.glyph, row.glyph_x, measures)
            row.level = len(stack)


def _pushed(
    stack: list[tuple[str, float]], glyph: str, x: float, measures: Measures
) -> list[tuple[str, float]]:
    for depth, (known, known_x) in enumerate(stack):
        if known == glyph and (measures.is_plain or abs(known_x - x) < 6):  # noqa: PLR2004
            return stack[: depth + 1]
    deeper = [*stack, (glyph, x)]
    if measures.is_plain:
        return deeper
    while len(deeper) > 1 and deeper[-2][1] > x - 6:
        deeper = [*deeper[:-2], deeper[-1]]
    return deeper
