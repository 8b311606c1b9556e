"""From lines as they stand on paper to clean lines that know what they are.

Running heads and page numbers go; the cover and the contents are set apart; bullets, table rows,
captions, footnotes and headings are recognised; and every line says whether a new block begins
with it. The sources of truth, surest first: the structure tree of a tagged file, the contents
page, numbers together with type, type alone. Where nothing but words is left (a text dump), the
most useful rule is «the next word would have fitted on the line before».
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from statistics import median

from ingest.types import Layout, Line, RawDocument, RawLine, RawPage, Role
from kb.text import STOP_WORDS, key

_HEADING_TAG = re.compile(r"H([1-6])?$|Title$")
_NOTE_TAGS = frozenset({"Note", "FENote"})
_CONTENTS_TAGS = frozenset({"TOC", "TOCI"})
_BLOCK_TAGS = frozenset({"P", "LI", "TR", "Caption", "BlockQuote", "H", "Title"} | _NOTE_TAGS)
_GLYPH = r"[•●▪■◦∙‣►➢✓❖]"
_BULLET = re.compile(rf"({_GLYPH}|·)\s*(?=\S)|([o–-])\s+(?=\S)")
_LONE_BULLET = re.compile(rf"{_GLYPH}|[·o–-]|\d{{1,2}}[.)]")
_ITEM = re.compile(r"(\d{1,2})[.)]\s+(?=[A-ZÆØÅ«\"])")
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+([A-ZÆØÅ«\"].*)$")
_LEADER = re.compile(r"^(.*?)\s*(?:[.·…_]\s*){3,}\s*(\d{1,3}|[ivxl]+)?$")
_TRAILING_NUMBER = re.compile(r"^(.*\S)\s+(\d{1,3}|[ivxl]+)$")
_CONTENTS_TITLE = re.compile(
    r"(innhold|innhald|innholdsfortegnelse|innhaldsliste|table of contents|contents)$", re.I
)
_NUMBER = r"(?:\d{1,3}|\b[ivxl]{1,6}\b)(?:\s*(?:av|of|/)\s*\d{1,3})?"
_PAGE_NUMBER = re.compile(rf"[–—-]?\s*(?:(?:side|page|s\.)\s*)?{_NUMBER}\s*[–—-]?$", re.I)
_CAPTION = re.compile(r"(tabell|figur|table|figure|diagram)\s+\d+(?:\.\d+)*\s*(?:[:.–-]\s|$)", re.I)
_NUMBERED_CAPTION = re.compile(r"(tabell|figur|table|figure|diagram)\s+\d", re.I)
_TABLE_CAPTION = re.compile(r"(tabell|table)\b", re.I)
_NOTE = re.compile(r"\d{1,2}\s*(?=[A-ZÆØÅ«(\"])")
_REPORT_WORD = re.compile(r"evaluering|program|rapport|status|vurdering|evaluation|report", re.I)
_ENDS_SENTENCE = re.compile(r"[.!?:…][\"»”’)\]]*$")
_NO_HEADING_END = (".", ",", ";", ":", "?!", "\u00ad", "-")
_WANTS_MORE = re.compile(
    r"\b(i|og|for|av|til|med|på|om|the|of|and|in|for|to|mellom|frå|fra)$", re.I
)
_FACT = re.compile(r"[A-ZÆØÅ][\w-]+(?: [\w-]+)?: \S")
_NEW_SENTENCE = re.compile(r"[.!?]\s+[A-ZÆØÅ]")
_MAX_HEADING = 120
_MAX_COVER = 1_000


@dataclass(slots=True)
class _Row:
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

    @property
    def is_plain_text(self) -> bool:
        return self.role is None and not self.is_apart

    @property
    def style(self) -> tuple[float, bool, bool]:
        """What tells one kind of heading from another: size, capitals, weight."""
        return (self.size, self.text.isupper(), self.is_bold)


@dataclass(frozen=True, slots=True)
class _Measures:
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


def clean_lines(document: RawDocument) -> Layout:
    """Return every line of the report but running heads and page numbers, in reading order."""
    pages = [_in_reading_order(_rows(page), page.width) for page in document.pages]
    pages = _without_running_heads(document.pages, pages)
    rows = [row for page in pages for row in page]
    contents = _set_contents_apart(rows)
    _set_cover_apart(pages)
    measures = _measures(document, pages)
    _find_bullets(rows)
    _find_captions_and_notes(rows, measures)
    _drop_footnote_marks(rows)
    rows = _find_tables(rows, measures)
    _find_headings(rows, contents, measures)
    _find_numbered_items(rows, measures)
    _set_bullet_levels(rows, measures)
    _find_starts(rows, measures)
    _find_subheads(rows)
    return Layout(pages=document.pages, lines=tuple(_line(row) for row in _notes_last(rows)))


def _line(row: _Row) -> Line:
    return Line(
        page=row.page,
        text=row.text,
        role=row.role or Role.PARAGRAPH,
        level=row.level,
        starts_block=row.starts,
        indent=row.x,
        is_apart=row.is_apart,
    )


# ---------------------------------------------------------------------------------------------
# Lines of a page
# ---------------------------------------------------------------------------------------------


def _rows(page: RawPage) -> list[_Row]:
    """Return the page's lines: lone bullets put where they belong, cells of one baseline joined."""
    rows: list[_Row] = []
    blanks = 0
    for line in page.lines:
        if line.text:
            rows.append(_row(page.number, line, blanks))
        blanks = 0 if line.text else blanks + 1
    if page.is_plain:
        return rows
    joined: list[_Row] = []
    for row in _with_bullets_attached(rows):
        if joined and _shares_baseline(joined[-1], row):
            _join(joined[-1], row)
        else:
            joined.append(row)
    return joined


def _row(number: int, line: RawLine, blanks: int) -> _Row:
    return _Row(
        page=number,
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
    )


def _shares_baseline(first: _Row, second: _Row) -> bool:
    """Neighbours in the file on one baseline are one line: cells, or a title and its leader."""
    return (
        abs(first.y - second.y) <= 1.5  # noqa: PLR2004 points
        and not first.is_artifact
        and not second.is_artifact
        and (first.block == second.block or first.block is None or second.block is None)
        and not second.glyph
    )


def _join(first: _Row, second: _Row) -> None:
    pair = (first, second) if first.x <= second.x else (second, first)
    first.text = f"{pair[0].text} {pair[1].text}"
    first.x, first.right = pair[0].x, max(first.right, second.right)
    first.is_bold = first.is_bold and second.is_bold
    first.tag, first.block = first.tag or second.tag, first.block or second.block


def _with_bullets_attached(rows: list[_Row]) -> list[_Row]:
    """Give a glyph or number that stands alone to the line on its baseline (as in WeasyPrint)."""
    rest = []
    for bullet, following in zip_longest(rows, rows[1:]):
        owner = _owner(bullet, rows) if _LONE_BULLET.fullmatch(bullet.text) else None
        is_number = bullet.text[0].isdecimal()
        if owner is None or (is_number and (owner is following or owner.is_bold)):
            if owner is not None or not re.fullmatch(rf"{_GLYPH}|·", bullet.text):
                rest.append(bullet)
            continue
        owner.glyph, owner.glyph_x = bullet.text, bullet.x
    return rest


def _owner(bullet: _Row, rows: list[_Row]) -> _Row | None:
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


def _in_reading_order(rows: list[_Row], width: float) -> list[_Row]:
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


# ---------------------------------------------------------------------------------------------
# Running heads and page numbers
# ---------------------------------------------------------------------------------------------

_EDGE_ROWS = 3
_FEW_PAGES = 4
_NAMED_NUMBER = re.compile(r"(side|page) \d+( (av|of) \d+)?", re.I)
_EDGE_NUMBER = rf"[–—|-]?\s*(?:side|page)?\s*{_NUMBER}\s*[–—|-]?"
_NUMBERED_HEAD = re.compile(rf"(?:{_EDGE_NUMBER})?(.*?)(?:\s*{_EDGE_NUMBER})?$", re.I)


def _without_running_heads(raw: Sequence[RawPage], pages: list[list[_Row]]) -> list[list[_Row]]:
    if all(page.is_plain for page in raw) and len(raw) == 1:
        return [_without_heads_of_a_dump(page) for page in pages]
    kept = [[row for row in page if not row.is_artifact] for page in pages]
    inner = _EDGE_ROWS if len(raw) > _FEW_PAGES else 0
    edges = [_edge_rows(raw_page, page, inner) for raw_page, page in zip(raw, kept, strict=True)]
    seen = Counter(text for edge in edges for text in {_masked(row.text) for row in edge})
    count = sum(1 for page in kept if page)
    need = max(3, int(0.3 * count)) if count > _FEW_PAGES else max(2, count - 1)
    repeated = {text for text, times in seen.items() if times >= need}
    return [
        [
            row
            for row in page
            if not any(row is other for other in edge)
            or _masked(row.text) not in repeated
            or len(row.text) > _MAX_HEADING
            or _heading_level(row)
        ]
        for page, edge in zip(kept, edges, strict=True)
    ]


def _edge_rows(raw: RawPage, rows: list[_Row], inner: int) -> list[_Row]:
    """Return the outermost rows of a page: the first and last ``inner``, and the outer tenth."""
    if raw.is_plain:
        return rows[:_EDGE_ROWS] + rows[-_EDGE_ROWS:]
    by_height = sorted(rows, key=lambda row: row.y)
    tenth = 0.1 * raw.height
    return [
        row
        for place, row in enumerate(by_height)
        if min(place, len(rows) - 1 - place) < inner
        or 0 <= row.y < tenth
        or row.y > raw.height - tenth
    ]


def _masked(text: str) -> str:
    """Return what a running head is on every page: without page number, digits masked."""
    if _PAGE_NUMBER.match(text):
        return ""
    match = _NUMBERED_HEAD.match(text)
    core = match[1] if match and match[1].strip() else text
    return re.sub(r"\d+", "#", core).strip(" –—|-").lower()


def _without_heads_of_a_dump(rows: list[_Row]) -> list[_Row]:
    """Drop the running heads of a text dump: a title in capitals beside a bare number."""
    capitals = Counter(_masked(row.text) for row in rows if _is_title_in_capitals(row.text))
    numbers = _page_numbers(rows)
    dropped: set[int] = set()
    for index, row in enumerate(rows):
        beside = [other for other in (index - 1, index + 1) if 0 <= other < len(rows)]
        if not _is_title_in_capitals(row.text):
            continue
        bare = [other for other in beside if _PAGE_NUMBER.match(rows[other].text)]
        has_number = bool(bare) or re.search(r"\s\d{1,3}$", row.text)
        is_title = has_number and _REPORT_WORD.search(row.text)
        if is_title or capitals[_masked(row.text)] > 2:  # noqa: PLR2004
            dropped |= {index, *bare}
    return [row for index, row in enumerate(rows) if index not in dropped | numbers]


def _is_title_in_capitals(text: str) -> bool:
    return text.isupper() and len(text) > 12 and not _NUMBERED.match(text)  # noqa: PLR2004


def _page_numbers(rows: list[_Row]) -> set[int]:
    """Return the places of bare numbers that count 1, 2, 3 … through the text."""
    bare = [(index, int(row.text)) for index, row in enumerate(rows) if row.text.isdecimal()]
    run: list[tuple[int, int]] = []
    for index, number in bare:
        if not run or number == run[-1][1] + 1:
            run.append((index, number))
    named = {index for index, row in enumerate(rows) if _NAMED_NUMBER.fullmatch(row.text)}
    is_count = len(run) > 2 and run[-1][0] - run[0][0] > 5 * len(run)  # noqa: PLR2004
    return named | ({index for index, _ in run} if is_count else set())


# ---------------------------------------------------------------------------------------------
# Contents and cover
# ---------------------------------------------------------------------------------------------


def _set_contents_apart(rows: list[_Row]) -> dict[str, float]:
    """Set the contents apart; return its entries (as keys) with their indent."""
    entries: dict[str, float] = {}
    last_place = {key(row.text): index for index, row in enumerate(rows)}
    position = 0
    while position < len(rows):
        end = _end_of_contents(rows, position, last_place)
        for row in rows[position:end]:
            row.is_apart = True
            if not _CONTENTS_TITLE.match(row.text):
                entries.setdefault(key(_without_number(row.text)), row.x)
        _add_wrapped_entries(rows[position:end], entries)
        position = max(end, position + 1)
    return entries


def _end_of_contents(rows: list[_Row], start: int, last_place: dict[str, int]) -> int:
    """Return where the contents that begin at ``start`` end, or ``start`` if none begin there."""
    has_title = bool(_CONTENTS_TITLE.match(rows[start].text))
    if not has_title and not _is_leader(rows[start]):
        return start
    position = start + has_title
    while position < len(rows):
        ahead = range(position, min(position + 2, len(rows)))  # an entry may take two lines
        is_entry = any(_is_entry(rows[index], index, last_place) for index in ahead)
        if not is_entry or _is_body_again(rows, position):
            break
        position += 1
    is_contents = position - start > 3 or (has_title and position > start + 1)  # noqa: PLR2004
    return position if is_contents else start


def _is_leader(row: _Row) -> bool:
    match = _LEADER.match(row.text)
    return bool(match and match[2]) or not _CONTENTS_TAGS.isdisjoint(row.tag)


def _is_entry(row: _Row, place: int, last_place: dict[str, int]) -> bool:
    """An entry ends in a page number, or comes again further on: as a heading."""
    match = _TRAILING_NUMBER.match(row.text)
    if _is_leader(row) or (match and len(row.text) < 80):  # noqa: PLR2004 characters
        return True
    return last_place[key(row.text)] > place


def _is_body_again(rows: list[_Row], position: int) -> bool:
    """The first entry's own heading has come: what follows is the report."""
    row = rows[position]
    if _is_leader(row) or _heading_level(row):
        return not _is_leader(row)
    mine = key(row.text)
    before = rows[max(0, position - 80) : position]
    return bool(mine) and any(key(_without_number(other.text)) == mine for other in before)


def _without_number(text: str) -> str:
    match = _LEADER.match(text) or _TRAILING_NUMBER.match(text)
    return match[1] if match and match[1] else text


def _add_wrapped_entries(rows: list[_Row], entries: dict[str, float]) -> None:
    for first, second in pairwise(rows):
        if not _LEADER.match(first.text) and not _TRAILING_NUMBER.match(first.text):
            whole = f"{first.text} {_without_number(second.text)}"
            entries.setdefault(key(whole), first.x)


def _set_cover_apart(pages: list[list[_Row]]) -> None:
    """Set apart the first page when it is a cover, and short lines in front of a dump's text."""
    if len(pages) > 2 and sum(len(row.text) for row in pages[0]) < _MAX_COVER:  # noqa: PLR2004
        for row in pages[0]:
            row.is_apart = True


# ---------------------------------------------------------------------------------------------
# Measures
# ---------------------------------------------------------------------------------------------


def _measures(document: RawDocument, pages: list[list[_Row]]) -> _Measures:
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
    return _Measures(
        body_size=body_size,
        chars=lengths[int((0.95 if is_plain else 0.9) * (len(lengths) - 1))],
        left=_margins(body),
        step=_usual_step(pages, body_size, is_plain=is_plain),
        is_plain=is_plain,
        is_tagged=sum(row.block is not None for row in body) > 0.5 * len(body),
    )


def _margins(body: list[_Row]) -> dict[int, float]:
    """Return the left margin of odd pages (1) and of even pages (0)."""
    starts = Counter((row.page % 2, round(row.x)) for row in body)
    usual = float(starts.most_common(1)[0][0][1]) if starts else 0.0
    margins = {0: usual, 1: usual}
    for (side, x), _times in reversed(starts.most_common()):
        margins[side] = float(x)
    return margins


def _usual_step(pages: list[list[_Row]], body_size: float, *, is_plain: bool) -> float:
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


# ---------------------------------------------------------------------------------------------
# Bullets
# ---------------------------------------------------------------------------------------------


def _find_bullets(rows: list[_Row]) -> None:
    """Take the glyph off and mark the first line of each item; list tags do without a glyph."""
    dashes = Counter(row.page for row in rows if row.text.startswith(("– ", "- ")))
    block: int | None = None
    for row in rows:
        if row.is_apart or _heading_level(row):
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


def _is_bullet(match: re.Match[str], row: _Row, dashes: Counter[int]) -> bool:
    if match[1] or match[2] == "o":
        return True
    return dashes[row.page] > 1 and "TR" not in row.tag


def _find_numbered_items(rows: list[_Row], measures: _Measures) -> None:
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


def _is_at(row: _Row, rows: list[_Row], run: list[int]) -> bool:
    return not run or row.page != rows[run[0]].page or abs(row.x - rows[run[0]].x) < 8  # noqa: PLR2004


def _mark_items(rows: list[_Row], run: list[int]) -> None:
    if len(run) < 2:  # noqa: PLR2004
        return
    for index in run:
        row = rows[index]
        row.text = _ITEM.sub("", row.text, count=1)
        row.glyph, row.glyph_x, row.role, row.starts = "1.", row.x, Role.BULLET, True


def _set_bullet_levels(rows: list[_Row], measures: _Measures) -> None:
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
    stack: list[tuple[str, float]], glyph: str, x: float, measures: _Measures
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


# ---------------------------------------------------------------------------------------------
# Captions, notes, tables
# ---------------------------------------------------------------------------------------------


def _find_captions_and_notes(rows: list[_Row], measures: _Measures) -> None:
    in_note = False
    for row, following in zip_longest(rows, rows[1:]):
        is_small = 0 < row.size < measures.body_size - 0.7
        if not row.is_plain_text or _heading_level(row):
            in_note = False
        elif "Caption" in row.tag or _is_caption(row, measures):
            row.role, row.starts, in_note = Role.CAPTION, True, False
        elif _NOTE_TAGS & set(row.tag):
            row.role, row.starts, in_note = Role.FOOTNOTE, bool(_NOTE.match(row.text)), True
        elif is_small and _NOTE.match(row.text) and "TR" not in row.tag:
            row.role, row.starts, in_note = Role.FOOTNOTE, True, True
        elif in_note and is_small:
            row.role = Role.FOOTNOTE
        elif following is not None and _is_loose_mark(row, following):
            row.role, row.starts, in_note = Role.FOOTNOTE, True, True
        else:
            in_note = False


def _is_caption(row: _Row, measures: _Measures) -> bool:
    """«Tabell 1: …», or «Tabell 1 …» in smaller type; «Tabell 1 viser …» is a sentence."""
    is_small = 0 < row.size < measures.body_size - 0.4
    return len(row.text) < 160 and bool(  # noqa: PLR2004
        _CAPTION.match(row.text) or (is_small and _NUMBERED_CAPTION.match(row.text))
    )


def _drop_footnote_marks(rows: list[_Row]) -> None:
    """Take «.1» off a sentence that points to note 1 of its page or of the next three."""
    for note in rows:
        number = re.match(r"\d{1,2}", note.text) if note.role is Role.FOOTNOTE else None
        if number is None or not note.starts:
            continue
        mark = re.compile(rf"(?<=[a-zæøå»)][.,]|[a-zæøå»)][a-zæøå»)]){number[0]}(?=\s|$)")
        for row in reversed([row for row in rows if 0 <= note.page - row.page <= 3]):  # noqa: PLR2004
            if row.role is not Role.FOOTNOTE and not row.is_apart and mark.search(row.text):
                row.text = mark.sub("", row.text, count=1)
                break


def _is_loose_mark(row: _Row, following: _Row) -> bool:
    return row.text.isdecimal() and row.page == following.page and row.size < 0.8 * following.size


def _find_tables(rows: list[_Row], measures: _Measures) -> list[_Row]:
    """Mark table rows and put the cells of one row on one line."""
    out: list[_Row] = []
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


def _is_cell(row: _Row, following: _Row | None, measures: _Measures) -> bool:
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
    if not row.is_plain_text or is_sentence or (row.is_bold and _NUMBERED.match(row.text)):
        return False
    is_big = row.size > measures.body_size + 0.6
    return not is_big and (is_other_size or len(row.text) < 0.75 * measures.chars)


def _continues_cells(above: _Row, row: _Row, measures: _Measures) -> bool:
    """A second line within a cell, or a cell beside it: not further down than a line step."""
    if measures.is_plain or row.page != above.page:
        return False
    return row.x > above.x + 5 and above.bottom - row.y < 1.35 * row.size


def _rejoin_first_cell(out: list[_Row], row: _Row) -> None:
    """If ``row`` is beside the row before the last, the last was the rest of its first cell."""
    if len(out) < 2 or out[-1].role is not Role.TABLE_ROW or out[-2].role is not Role.TABLE_ROW:  # noqa: PLR2004
        return
    last, before = out[-1], out[-2]
    is_above = row.y > last.y + 2 and abs(row.y - before.y) < 2 and row.x > last.x + 5  # noqa: PLR2004
    if is_above and last.page == before.page == row.page:
        _add_cell(before, last)
        out.pop()


def _add_cell(row: _Row, cell: _Row) -> None:
    row.text = f"{row.text} {cell.text}"
    row.bottom = min(row.bottom, cell.y)


def _notes_last(rows: list[_Row]) -> Iterable[_Row]:
    """Move the footnotes of a page behind its text, so that they do not cut a block in two."""
    by_page: dict[int, list[_Row]] = {}
    for row in rows:
        by_page.setdefault(row.page, []).append(row)
    for page in by_page.values():
        yield from (row for row in page if row.role is not Role.FOOTNOTE)
        yield from (row for row in page if row.role is Role.FOOTNOTE)


# ---------------------------------------------------------------------------------------------
# Headings
# ---------------------------------------------------------------------------------------------


def _heading_level(row: _Row) -> int:
    """Return the level that the structure tree gives this line, 0 if it is no heading there."""
    for role in reversed(row.tag):
        match = _HEADING_TAG.match(role)
        if match:
            return int(match[1] or 1)
    return 0


def _find_headings(rows: list[_Row], contents: dict[str, float], measures: _Measures) -> None:
    body = [row for row in rows if not row.is_apart]
    if sum(bool(_heading_level(row)) for row in body) > 2:  # noqa: PLR2004
        _use_heading_tags(body)
        return
    found: list[tuple[_Row, int]] = []
    numbers: list[int] = []
    index = 0
    while index < len(body):
        row = body[index]
        length = _heading_length(body, index, contents, numbers, measures)
        if length:
            match = _NUMBERED.match(row.text)
            if match:
                numbers = [int(part) for part in match[1].split(".")]
            for part in body[index : index + length]:
                part.role, part.starts = Role.HEADING, part is row
            found.append((row, len(numbers) if match else 0))
        index += max(1, length)
    levels = _levels(found, contents)
    for (row, _), level in zip(found, levels, strict=True):
        position = body.index(row)
        row.level = level
        for part in body[position + 1 : position + 3]:
            if part.role is not Role.HEADING or part.starts:
                break
            part.level = level


def _use_heading_tags(body: list[_Row]) -> None:
    above: _Row | None = None
    for row in body:
        level = _heading_level(row)
        if level:
            row.role, row.level = Role.HEADING, level
            is_same = above is not None and above.role is Role.HEADING and above.block == row.block
            row.starts = not is_same or row.block is None
        above = row


def _heading_length(
    body: list[_Row],
    index: int,
    contents: dict[str, float],
    numbers: list[int],
    measures: _Measures,
) -> int:
    """Return how many lines the heading at ``index`` takes, 0 if there is none."""
    row = body[index]
    if row.role is not None or len(row.text) > _MAX_HEADING:
        return 0
    for length in (1, 2, 3):
        parts = body[index : index + length]
        if key(" ".join(part.text for part in parts)) in contents and len(parts) == length:
            return length
    match = _NUMBERED.match(row.text)
    is_plausible = match is not None and _is_successor(numbers, match[1])
    is_big = row.size > 1.07 * measures.body_size
    is_standing_out = is_big or row.is_bold
    is_title = measures.is_plain and _is_title(row, body, index, measures)
    if match and is_plausible and (is_standing_out or is_title):
        return 1 + _wraps(body, index)
    if match or measures.is_plain or not is_standing_out or (numbers and contents and not is_big):
        return 0  # where headings have numbers, a bold line without one is the title of a box
    return 1 + _wraps(body, index) if _is_set_off(body, index, measures) else 0


def _is_title(row: _Row, body: list[_Row], index: int, measures: _Measures) -> bool:
    """In a text dump a numbered line that is no title is an item: it fills the line, or ends."""
    is_short = len(row.text) < min(90, max(60, 0.8 * measures.chars))
    return is_short and not row.text.endswith(_NO_HEADING_END) and index + 1 < len(body)


def _is_successor(numbers: list[int], number: str) -> bool:
    """Say whether ``number`` can come after the last heading's number."""
    parts = [int(part) for part in number.split(".")]
    if not numbers:
        return parts[0] <= 2  # noqa: PLR2004 a chapter may have been missed
    if len(parts) == 1:
        return numbers[0] <= parts[0] <= numbers[0] + 2
    return parts > numbers and parts[0] <= numbers[0] + 1


def _wraps(body: list[_Row], index: int) -> int:
    """Return how many further lines belong to the heading at ``index`` (0 or 1)."""
    row = body[index]
    if index + 1 >= len(body):
        return 0
    below = body[index + 1]
    if below.page != row.page or below.role is not None or len(below.text) > 60:  # noqa: PLR2004
        return 0
    if row.size:
        is_same = below.style[0] == row.style[0] and below.is_bold == row.is_bold
        return int(is_same and row.y - below.y < 1.6 * row.size and not _NUMBERED.match(below.text))
    return int(below.text[:1].islower() or (_WANTS_MORE.search(row.text) is not None))


def _is_set_off(body: list[_Row], index: int, measures: _Measures) -> bool:
    """A short line in larger or bold type, at the margin, with body text below it."""
    row = body[index]
    if row.text.endswith(_NO_HEADING_END) or len(row.text) > 100 or not row.text[:1].isalnum():  # noqa: PLR2004
        return False
    if row.size < measures.body_size - 0.3:
        return False
    below = next((other for other in body[index + 1 :] if other.style != row.style), None)
    has_body = below is not None and below.size <= row.size
    is_big = row.size > 1.07 * measures.body_size
    margin = measures.left[row.page % 2]
    is_at_margin = abs(row.x - margin) < 3 or row.text.isupper()  # noqa: PLR2004
    above = body[index - 1] if index else None
    is_alone = (
        above is None
        or above.page != row.page
        or above.role is Role.HEADING
        or above.y - row.y > 1.2 * measures.step
        or above.y < row.y
    )
    return has_body and is_alone and (is_big or is_at_margin)


def _levels(found: list[tuple[_Row, int]], contents: dict[str, float]) -> list[int]:
    """Return the level of each heading: its number's depth, else that of its style or indent."""
    by_style: dict[tuple[float, bool, bool], int] = {}
    for row, depth in found:
        if depth:
            by_style.setdefault(row.style, depth)
    indents = sorted({round(x) for x in contents.values()})
    ranked = sorted({row.style for row, depth in found if not depth}, reverse=True)
    levels = []
    for row, depth in found:
        style = (row.size, row.text.isupper(), row.is_bold)
        entry = contents.get(key(row.text))
        if depth:
            levels.append(depth)
        elif by_style.get(style) and row.size:
            levels.append(by_style[style])
        elif entry is not None and len(indents) > 1:
            levels.append(1 + indents.index(round(entry)))
        else:
            levels.append(1 + ranked.index(style))
    return levels


def _find_subheads(rows: list[_Row]) -> None:
    """Make «Måloppnåelse:» alone on its line a heading one level below the last one."""
    level = 0
    for index, row in enumerate(rows):
        if row.role is Role.HEADING:
            level = row.level if not row.text.endswith(":") else level
            continue
        is_alone = row.starts and (index + 1 == len(rows) or rows[index + 1].starts)
        words = row.text.rstrip(":").split()
        if (
            row.is_plain_text
            and is_alone
            and row.text.endswith(":")
            and len(words) <= 3  # noqa: PLR2004
            and row.text[:1].isupper()
            and STOP_WORDS.isdisjoint(word.lower() for word in words)
        ):
            row.role, row.level = Role.HEADING, level + 1


# ---------------------------------------------------------------------------------------------
# Where blocks begin
# ---------------------------------------------------------------------------------------------


def _find_starts(rows: list[_Row], measures: _Measures) -> None:
    """Say of every line of running text whether it begins a paragraph or goes on with a block."""
    above: _Row | None = None
    item: _Row | None = None
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


def _goes_on(
    rows: list[_Row], index: int, above: _Row, item: _Row | None, measures: _Measures
) -> bool:
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


def _is_under_item(row: _Row, item: _Row) -> bool:
    """A line of an item stands to the right of its glyph, unless the item hangs out nowhere."""
    is_back = row.x < item.glyph_x + 3 and item.x > item.glyph_x + 3
    return row.x > item.glyph_x - 3 and not is_back


def _is_first_line(above: _Row, row: _Row, below: _Row | None = None) -> bool:
    """An indent, measured against the neighbours: columns have margins of their own."""
    is_near = below is not None and below.page == row.page and below.y < row.y
    margin = below.x if below is not None and is_near else above.x
    return 5 < row.x - min(margin, above.x) < 40  # noqa: PLR2004 points


def _breaks_plain(
    above: _Row,
    row: _Row,
    item: _Row | None,
    measures: _Measures,
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


def _is_amid(above: _Row) -> bool:
    """A line that wants a noun, or has begun its second sentence, is not the end of an item."""
    return bool(_WANTS_MORE.search(above.text) or _NEW_SENTENCE.search(above.text))


def _is_wrapped(above: _Row, row: _Row, measures: _Measures) -> bool:
    """Say whether two lines of a cover are one: same type, close, and large or in mid-sentence."""
    if row.page != above.page or _is_leader(row) or not row.size or row.style[0] != above.style[0]:
        return False
    if row.block is not None and row.block == above.block:
        return True
    is_close = 0 < above.y - row.y < 1.6 * row.size
    is_amid = row.text[:1].islower() or _WANTS_MORE.search(above.text) is not None
    return is_close and (row.size > 1.3 * measures.body_size or is_amid)


def _names_its_block(row: _Row) -> bool:
    return row.block is not None and bool(_BLOCK_TAGS & set(row.tag))


def _would_have_fitted(above: _Row, row: _Row, item: _Row | None, measures: _Measures) -> bool:
    """Say whether the first word of ``row`` would have had room on the line above."""
    room = measures.chars * (0.93 if item is not None else 0.97 if measures.is_plain else 0.9)
    if measures.body_size:
        margin = measures.left[above.page % 2]
        room -= max(0.0, above.x - margin) / (0.5 * measures.body_size)
    first = row.text.split(maxsplit=1)[0]
    return len(above.text) + 1 + len(first) <= room
