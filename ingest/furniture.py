"""What is on the page but not of the report: running heads, page numbers, contents, cover."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from ingest.rows import NUMBERED, Row, heading_level
from ingest.types import RawPage
from kb.text import key

_EDGE_ROWS = 3

_NUMBER_MARGIN = 0.13

_FEW_PAGES = 4

MAX_HEADING = 120

_ALIKE = 0.85
_DASHES = str.maketrans("–—", "--")

_MAX_COVER = 1_000

_NUMBER = r"(?:\d{1,3}|\b[ivxl]{1,6}\b)(?:\s*(?:av|of|/)\s*\d{1,3})?"

_PAGE_NUMBER = re.compile(rf"[–—-]?\s*(?:(?:side|page|s\.)\s*)?{_NUMBER}\s*[–—-]?$", re.I)

_REPORT_WORD = re.compile(r"evaluering|program|rapport|status|vurdering|evaluation|report", re.I)

_NAMED_NUMBER = re.compile(r"(side|page) \d+( (av|of) \d+)?", re.I)

_EDGE_NUMBER = rf"[–—|-]?\s*(?:side|page)?\s*{_NUMBER}\s*[–—|-]?"

_FIRST_NUMBER = re.compile(r"^(\d{1,3})\s")

_LAST_NUMBER = re.compile(r"\s(\d{1,3})$")

_NUMBERED_HEAD = re.compile(rf"(?:{_EDGE_NUMBER})?(.*?)(?:\s*{_EDGE_NUMBER})?$", re.I)


def without_running_heads(raw: Sequence[RawPage], pages: list[list[Row]]) -> list[list[Row]]:
    """Return the pages without what stands at the edge of many of them, and without artifacts."""
    if all(page.is_plain for page in raw) and len(raw) == 1:
        return [_without_heads_of_a_dump(page) for page in pages]
    kept = [[row for row in page if not row.is_artifact] for page in pages]
    inner = _EDGE_ROWS if len(raw) > _FEW_PAGES else 0
    edges = [_edge_rows(raw_page, page, inner) for raw_page, page in zip(raw, kept, strict=True)]
    masks = _masks([row for edge in edges for row in edge])
    seen = Counter(text for edge in edges for text in {masks[id(row)] for row in edge})
    count = sum(1 for page in kept if page)
    need = max(3, int(0.3 * count)) if count > _FEW_PAGES else max(2, count - 1)
    counted = _counted_heads(raw, kept)
    repeated = {text for text, times in seen.items() if times >= need}
    return [
        [
            row
            for row in page
            if (masks.get(id(row)) not in repeated and id(row) not in counted)
            or len(row.text) > MAX_HEADING
            or heading_level(row)
        ]
        for page in kept
    ]


def _counted_heads(raw: Sequence[RawPage], pages: Sequence[Sequence[Row]]) -> set[int]:
    """Return the ids of outermost lines that hold the page's number, whatever else they say.

    Heads that change with the chapter are told by this alone. The numbers of the top lines, or of
    the bottom lines, must run with the pages on half of them.
    """
    found: set[int] = set()
    for outermost in (max, min):
        shifts: Counter[int] = Counter()
        heads: list[tuple[int, int]] = []
        for one, page in zip(raw, pages, strict=True):
            row = outermost(page, key=lambda row: row.y, default=None)
            if row is None or one.is_plain or not _is_in_margin(row, one):
                continue
            for number in {*_FIRST_NUMBER.findall(row.text), *_LAST_NUMBER.findall(row.text)}:
                shifts[int(number) - one.number] += 1
                heads.append((int(number) - one.number, id(row)))
        for shift, times in shifts.most_common(1):
            if times > 2 and 2 * times >= sum(map(bool, pages)):  # noqa: PLR2004
                found |= {head for own, head in heads if own == shift}
    return found


def _is_in_margin(row: Row, page: RawPage, share: float = 0.1) -> bool:
    return not share * page.height < row.y < (1 - share) * page.height


def _masks(edge: Sequence[Row]) -> dict[int, str]:
    """Return the mask of each line by its id; text recognition spells a head in many ways."""
    masks = {id(row): _masked(row.text) for row in edge}
    usual = [text for text, times in Counter(masks.values()).most_common() if times > 1 and text]
    for row in edge if any(row.is_ocr for row in edge) else ():
        if masks[id(row)]:
            own = SequenceMatcher(None, b=masks[id(row)])
            masks[id(row)] = next((text for text in usual if _is_alike(own, text)), masks[id(row)])
    return masks


def _is_alike(own: SequenceMatcher[str], text: str) -> bool:
    own.set_seq1(text)
    return own.real_quick_ratio() > _ALIKE and own.ratio() > _ALIKE


def _edge_rows(raw: RawPage, rows: list[Row], inner: int) -> list[Row]:
    """Return the outermost rows of a page: the first and last ``inner``, and the outer tenth.

    A number alone is a page number only near the edge.
    """
    if raw.is_plain:
        return rows[:_EDGE_ROWS] + rows[-_EDGE_ROWS:]
    by_height = sorted(rows, key=lambda row: row.y)
    edge = []
    for place, row in enumerate(by_height):
        if _PAGE_NUMBER.match(row.text):  # else it is the cell of a table
            is_edge = _is_in_margin(row, raw, _NUMBER_MARGIN)
        else:
            from_edge = min(place, len(rows) - 1 - place)
            is_edge = from_edge < inner or _is_in_margin(row, raw)
        if is_edge:
            edge.append(row)
    return edge


def _masked(text: str) -> str:
    """Return what a running head is on every page: without page number, digits masked."""
    if _PAGE_NUMBER.match(text):
        return ""
    match = _NUMBERED_HEAD.match(text)
    core = match[1] if match and match[1].strip() else text
    return re.sub(r"\d+", "#", core).strip(" –—|-").lower().translate(_DASHES)


def _without_heads_of_a_dump(rows: list[Row]) -> list[Row]:
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
    return text.isupper() and len(text) > 12 and not NUMBERED.match(text)  # noqa: PLR2004


def _page_numbers(rows: list[Row]) -> set[int]:
    """Return the places of bare numbers that count 1, 2, 3 … through the text."""
    bare = [(index, int(row.text)) for index, row in enumerate(rows) if row.text.isdecimal()]
    run: list[tuple[int, int]] = []
    for index, number in bare:
        if not run or number == run[-1][1] + 1:
            run.append((index, number))
    named = {index for index, row in enumerate(rows) if _NAMED_NUMBER.fullmatch(row.text)}
    is_count = len(run) > 2 and run[-1][0] - run[0][0] > 5 * len(run)  # noqa: PLR2004
    return named | ({index for index, _ in run} if is_count else set())


_CONTENTS_TAGS = frozenset({"TOC", "TOCI"})

_LEADER = re.compile(r"^(.*?)\s*(?:[.·…_]\s*){3,}\s*(\d{1,3}|[ivxl]+)?$")

_BLURRED_LEADER = re.compile(r"(.{3,80}?)\s*\.{3,}")
_TRAILING_NUMBER = re.compile(r"^(.*\S)\s+(\d{1,3}|[ivxl]+)$")

_CONTENTS_TITLE = re.compile(
    r"(innhold|innhald|innholdsfortegnelse|innhaldsliste|table of contents|contents)$", re.I
)


def set_contents_apart(rows: list[Row]) -> dict[str, float]:
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


def _end_of_contents(rows: list[Row], start: int, last_place: dict[str, int]) -> int:
    """Return where the contents that begin at ``start`` end, or ``start`` if none begin there."""
    has_title = bool(_CONTENTS_TITLE.match(rows[start].text))
    if not has_title and not is_leader(rows[start]):
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


def is_leader(row: Row) -> bool:
    """Say whether the line is an entry of the contents by its dots or by its tag."""
    match = _LEADER.match(row.text)
    if row.is_ocr and _BLURRED_LEADER.match(row.text):
        return True
    return bool(match and match[2]) or not _CONTENTS_TAGS.isdisjoint(row.tag)


def _is_entry(row: Row, place: int, last_place: dict[str, int]) -> bool:
    """An entry ends in a page number, or comes again further on: as a heading."""
    match = _TRAILING_NUMBER.match(row.text)
    if is_leader(row) or (match and len(row.text) < 80):  # noqa: PLR2004 characters
        return True
    return last_place[key(row.text)] > place


def _is_body_again(rows: list[Row], position: int) -> bool:
    """The first entry's own heading has come: what follows is the report."""
    row = rows[position]
    if is_leader(row) or heading_level(row):
        return not is_leader(row)
    mine = key(row.text)
    before = rows[max(0, position - 80) : position]
    return bool(mine) and any(key(_without_number(other.text)) == mine for other in before)


def _without_number(text: str) -> str:
    match = _LEADER.match(text) or _BLURRED_LEADER.match(text) or _TRAILING_NUMBER.match(text)
    return match[1] if match and match[1] else text


def _add_wrapped_entries(rows: list[Row], entries: dict[str, float]) -> None:
    for first, second in pairwise(rows):
        if not _LEADER.match(first.text) and not _TRAILING_NUMBER.match(first.text):
            whole = f"{first.text} {_without_number(second.text)}"
            entries.setdefault(key(whole), first.x)


def set_cover_apart(pages: list[list[Row]]) -> None:
    """Set apart the first page when it is a cover, and short lines in front of a dump's text."""
    if len(pages) > 2 and sum(len(row.text) for row in pages[0]) < _MAX_COVER:  # noqa: PLR2004
        for row in pages[0]:
            row.is_apart = True
