"""From lines as they stand on paper to clean lines that know what they are.

Running heads and page numbers go; the cover and the contents are set apart; bullets, table rows,
captions, footnotes and headings are recognised; and every line says whether a new block begins
with it. The sources of truth, surest first: the structure tree of a tagged file, the contents
page, numbers together with type, type alone. Where nothing but words is left (a text dump), the
most useful rule is «the next word would have fitted on the line before».
"""

import re

from ingest.asides import put_back, take_asides
from ingest.furniture import is_leader, set_contents_apart, set_cover_apart, without_running_heads
from ingest.headings import find_headings, find_subheads
from ingest.lists import find_bullets, find_numbered_items, set_bullet_levels
from ingest.rows import WANTS_MORE, Measures, Row, in_reading_order, measured, rows_of
from ingest.scanned import mend_scanned
from ingest.tables import (
    NOTE_TAGS,
    drop_footnote_marks,
    find_captions_and_notes,
    find_tables,
    notes_last,
)
from ingest.types import Layout, Line, RawDocument, Role

_BLOCK_TAGS = frozenset({"P", "LI", "TR", "Caption", "BlockQuote", "H", "Title"} | NOTE_TAGS)

_ENDS_SENTENCE = re.compile(r"[.!?:…][\"»”’)\]]*$")

_FACT = re.compile(r"[A-ZÆØÅ][\w-]+(?: [\w-]+)?: \S")

_NEW_SENTENCE = re.compile(r"[.!?]\s+[A-ZÆØÅ]")


def clean_lines(document: RawDocument) -> Layout:
    """Return every line of the report but running heads and page numbers, in reading order."""
    pages = [in_reading_order(rows_of(page), page.width) for page in document.pages]
    pages = without_running_heads(document.pages, pages)
    rows = [row for page in pages for row in page]
    contents = set_contents_apart(rows)
    set_cover_apart(pages)
    measures = measured(document, pages)
    mend_scanned(rows, measures)
    find_bullets(rows)
    find_captions_and_notes(rows, measures)
    drop_footnote_marks(rows)
    rows, asides = take_asides(rows, document.pages, measures)
    rows = find_tables(rows, measures)
    find_headings(rows, contents, measures)
    find_numbered_items(rows, measures)
    set_bullet_levels(rows, measures)
    _find_starts(rows, measures)
    find_subheads(rows)
    for aside in asides:
        _find_starts(aside, measures.of(aside))
    rows = put_back(rows, asides)
    return Layout(pages=document.pages, lines=tuple(_line(row) for row in notes_last(rows)))


def _line(row: Row) -> Line:
    return Line(
        page=row.page,
        text=row.text,
        role=row.role or Role.PARAGRAPH,
        level=row.level,
        starts_block=row.starts,
        indent=row.x,
        is_apart=row.is_apart,
    )


def _find_starts(rows: list[Row], measures: Measures) -> None:
    """Say of every line of running text whether it begins a paragraph or goes on with a block."""
    above: Row | None = None
    item: Row | None = None
    for index, row in enumerate(rows):
        if row.is_apart:
            row.starts = not (
                above is not None and above.is_apart and _is_wrapped(above, row, measures)
            )
            above = row
            continue
        if above is not None and above.is_apart:
            above = None
        if row.role is Role.FOOTNOTE:
            row.text = re.sub(r"^(\d{1,2})(?=[A-ZÆØÅ«])", r"\1 ", row.text)
            continue
        if row.role in {Role.HEADING, Role.TABLE_ROW, Role.CAPTION}:
            above = item = None
            continue
        if not row.starts:
            goes_on = above is not None and _goes_on(rows, index, above, item, measures)
            if goes_on and item is not None:
                row.role, row.level = Role.BULLET, item.level
            elif row.role is Role.BULLET and not goes_on:
                row.starts = True
            else:
                row.starts = not goes_on
        if row.starts:
            item = row if row.role is Role.BULLET else None
        above = row


def _goes_on(rows: list[Row], index: int, above: Row, item: Row | None, measures: Measures) -> bool:
    """Say whether the line at ``index`` goes on with the block of the line ``above``."""
    row = rows[index]
    has_ended = bool(_ENDS_SENTENCE.search(above.text))
    fits = _would_have_fitted(above, row, item, measures)
    if _names_its_block(row) and _names_its_block(above):
        is_torn = row.page != above.page and not has_ended and row.text[:1].islower()
        return row.block == above.block or is_torn
    if measures.is_plain:
        return not _breaks_plain(above, row, item, measures, has_ended=has_ended, fits=fits)
    step = above.y - row.y
    is_moved = row.page != above.page or step < -2 * measures.step  # to the next page or column
    if is_moved or abs(row.size - above.size) > 0.8 or step > 1.15 * measures.step + 0.5:  # noqa: PLR2004
        return is_moved and not has_ended and (row.text[:1].islower() or not fits)
    has_room = fits and row.text[:1].isupper() and not _is_amid(above)
    if item is not None:
        return _is_under_item(row, item) and not (fits and has_ended) and not has_room
    is_title = (above.is_bold and not row.is_bold) or (above.starts and has_room)
    if is_title and not has_ended and len(above.text) < 0.5 * measures.chars:
        return False  # the title of a box
    return not (has_ended and (fits or _is_first_line(above, *rows[index : index + 2])))


def _is_under_item(row: Row, item: Row) -> bool:
    """A line of an item stands to the right of its glyph, unless the item hangs out nowhere."""
    is_back = row.x < item.glyph_x + 3 and item.x > item.glyph_x + 3
    return row.x > item.glyph_x - 3 and not is_back


def _is_first_line(above: Row, row: Row, below: Row | None = None) -> bool:
    """An indent, measured against the neighbours: columns have margins of their own."""
    is_near = below is not None and below.page == row.page and below.y < row.y
    margin = below.x if below is not None and is_near else above.x
    return 5 < row.x - min(margin, above.x) < 40  # noqa: PLR2004 points


def _breaks_plain(
    above: Row,
    row: Row,
    item: Row | None,
    measures: Measures,
    *,
    has_ended: bool,
    fits: bool,
) -> bool:
    if row.page != above.page:
        return has_ended
    if row.blanks > measures.step:
        return True
    if not fits:
        return False
    return (
        has_ended
        or bool(_FACT.match(row.text))
        or (item is not None and row.text[:1].isupper() and not _is_amid(above))
    )


def _is_amid(above: Row) -> bool:
    """A line that wants a noun, or has begun its second sentence, is not the end of an item."""
    return bool(WANTS_MORE.search(above.text) or _NEW_SENTENCE.search(above.text))


def _is_wrapped(above: Row, row: Row, measures: Measures) -> bool:
    """Say whether two lines of a cover are one: same type, close, and large or in mid-sentence."""
    if row.page != above.page or is_leader(row) or not row.size or row.style[0] != above.style[0]:
        return False
    if row.block is not None and row.block == above.block:
        return True
    is_close = 0 < above.y - row.y < 1.6 * row.size
    is_amid = row.text[:1].islower() or WANTS_MORE.search(above.text) is not None
    return is_close and (row.size > 1.3 * measures.body_size or is_amid)


def _names_its_block(row: Row) -> bool:
    return row.block is not None and bool(_BLOCK_TAGS & set(row.tag))


def _would_have_fitted(above: Row, row: Row, item: Row | None, measures: Measures) -> bool:
    """Say whether the first word of ``row`` would have had room on the line above."""
    margin, chars = measures.column(above)
    room = chars * (0.93 if item is not None else 0.97 if measures.is_plain else 0.9)
    if measures.body_size:
        room -= max(0.0, above.x - margin) / (0.5 * measures.body_size)
    first = row.text.split(maxsplit=1)[0]
    return len(above.text) + 1 + len(first) <= room
