"""What stands beside the running text: captions, footnotes and the rows of tables."""

import re
from collections.abc import Iterable
from itertools import zip_longest

from ingest.rows import NUMBERED, Measures, Row, heading_level
from ingest.types import Role

NOTE_TAGS = frozenset({"Note", "FENote"})

_CAPTION = re.compile(r"(tabell|figur|table|figure|diagram)\s+\d+(?:\.\d+)*\s*(?:[:.–-]\s|$)", re.I)

_NUMBERED_CAPTION = re.compile(r"(tabell|figur|table|figure|diagram)\s+\d", re.I)

_TITLED_CAPTION = re.compile(r"(?i:tabell|figur|table|figure|diagram) [\d.]+ [A-ZÆØÅ].*[^.:]$")
_TABLE_CAPTION = re.compile(r"(tabell|table)\b", re.I)

_BREAK = "\u00ad"
_BEFORE_MARK = r"(?:(?<=[a-zæøå»)][.,])|(?<=[a-zæøå»)]{2})|(?<=\b[12][09]\d\d[.]))"
"""The end of a word, of a sentence, or of a sentence that ends with a year."""
_NOTE = re.compile(r"\d{1,2}\s*(?=[A-ZÆØÅ«(\"])")


def find_captions_and_notes(rows: list[Row], measures: Measures) -> None:
    """Mark captions, and footnotes with all their lines."""
    in_note, page = False, 0
    for row, following in zip_longest(rows, rows[1:]):
        is_small = 0 < row.size < measures.body_size - 0.7
        in_note = in_note and row.page == page
        page = row.page
        if not row.is_plain_text or heading_level(row):
            in_note = False
        elif "Caption" in row.tag or _is_caption(row, measures):
            row.role, row.starts, in_note = Role.CAPTION, True, False
        elif NOTE_TAGS & set(row.tag):
            row.role, row.starts, in_note = Role.FOOTNOTE, bool(_NOTE.match(row.text)), True
        elif is_small and _NOTE.match(row.text) and "TR" not in row.tag:
            row.role, row.starts, in_note = Role.FOOTNOTE, True, True
        elif in_note and is_small:
            row.role = Role.FOOTNOTE
        elif following is not None and _is_loose_mark(row, following):
            row.role, row.starts, in_note = Role.FOOTNOTE, True, True
        else:
            in_note = False


def _is_caption(row: Row, measures: Measures) -> bool:
    """«Tabell 1: …», or «Tabell 1 …» in smaller type; «Tabell 1 viser …» is a sentence."""
    is_small = 0 < row.size < measures.body_size - 0.4
    is_title = row.is_ocr and _TITLED_CAPTION.match(row.text) is not None  # its size says little
    return len(row.text) < 160 and bool(  # noqa: PLR2004
        _CAPTION.match(row.text) or is_title or (is_small and _NUMBERED_CAPTION.match(row.text))
    )


def drop_footnote_marks(rows: list[Row]) -> None:
    """Take «.1» off a sentence that points to note 1 of its page or of the next three."""
    for note in rows:
        number = re.match(r"\d{1,2}", note.text) if note.role is Role.FOOTNOTE else None
        if number is None or not note.starts:
            continue
        mark = re.compile(rf"{_BEFORE_MARK}{number[0]}(?=\s|$)")
        for row in reversed([row for row in rows if 0 <= note.page - row.page <= 3]):  # noqa: PLR2004
            if row.role is not Role.FOOTNOTE and not row.is_apart and mark.search(row.text):
                row.text = mark.sub("", row.text, count=1)
                break


def _is_loose_mark(row: Row, following: Row) -> bool:
    return row.text.isdecimal() and row.page == following.page and row.size < 0.8 * following.size


def find_tables(rows: list[Row], measures: Measures) -> list[Row]:
    """Mark table rows and put the cells of one row on one line."""
    out: list[Row] = []
    in_table = False
    has_table_tags = any("TR" in row.tag for row in rows)
    for row, following in zip_longest(rows, rows[1:]):
        if "TR" in row.tag and row.role is None:
            row.role = Role.TABLE_ROW
            same = out and out[-1].role is Role.TABLE_ROW and out[-1].block == row.block
            if same and row.block is not None:
                out[-1].text = f"{out[-1].text} {row.text}"
                continue
            row.starts = True
        elif row.role is Role.CAPTION:
            in_table = bool(_TABLE_CAPTION.match(row.text)) and not has_table_tags
        elif in_table and _is_cell(row, following, measures):
            _rejoin_first_cell(out, row)
            if out[-1].role is Role.TABLE_ROW and _continues_cells(out[-1], row, measures):
                _add_cell(out[-1], row)
                continue
            row.role, row.starts = Role.TABLE_ROW, True
        else:
            in_table = False
        out.append(row)
    return out


def _is_cell(row: Row, following: Row | None, measures: Measures) -> bool:
    is_wrapped = (
        following is not None
        and abs(following.x - row.x) < 1
        and following.size == row.size
        and following.text[:1].islower()
    )
    if is_wrapped and abs(row.size - measures.body_size) < 0.1:  # noqa: PLR2004 points
        return False
    is_other_size = abs(row.size - measures.body_size) > 0.6  # noqa: PLR2004 points
    is_sentence = row.text.endswith(".") and not is_other_size
    if (
        not row.is_plain_text
        or is_sentence
        or ((row.is_bold or row.is_ocr) and NUMBERED.match(row.text))
    ):
        return False
    is_big = row.size > measures.body_size + 0.6
    return not is_big and (is_other_size or len(row.text) < 0.75 * measures.chars)


def _continues_cells(above: Row, row: Row, measures: Measures) -> bool:
    """A second line within a cell, or a cell beside it: not further down than a line step."""
    if measures.is_plain or row.page != above.page:
        return False
    return row.x > above.x + 5 and above.bottom - row.y < 1.35 * row.size


def _rejoin_first_cell(out: list[Row], row: Row) -> None:
    """If ``row`` is beside the row before the last, the last was the rest of its first cell."""
    if len(out) < 2 or out[-1].role is not Role.TABLE_ROW or out[-2].role is not Role.TABLE_ROW:  # noqa: PLR2004
        return
    last, before = out[-1], out[-2]
    is_above = row.y > last.y + 2 and abs(row.y - before.y) < 2 and row.x > last.x + 5  # noqa: PLR2004
    if is_above and last.page == before.page == row.page:
        _add_cell(before, last)
        out.pop()


def _add_cell(row: Row, cell: Row) -> None:
    is_broken = row.text.endswith(_BREAK) and cell.text[:1].islower()
    row.text = row.text[:-1] + cell.text if is_broken else f"{row.text} {cell.text}"
    row.bottom = min(row.bottom, cell.y)


def notes_last(rows: list[Row]) -> Iterable[Row]:
    """Move the footnotes of a page behind its text, so that they do not cut a block in two."""
    by_page: dict[int, list[Row]] = {}
    for row in rows:
        by_page.setdefault(row.page, []).append(row)
    for page in by_page.values():
        yield from (row for row in page if row.role is not Role.FOOTNOTE)
        yield from (row for row in page if row.role is Role.FOOTNOTE)
