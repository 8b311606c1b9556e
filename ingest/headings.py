"""Headings: from the structure tree, the contents, number and type, or type alone."""

from ingest.furniture import MAX_HEADING
from ingest.rows import NUMBERED, WANTS_MORE, Measures, Row, heading_level
from ingest.types import Role
from kb.text import STOP_WORDS, key

_NO_HEADING_END = (".", ",", ";", ":", "?!", "\u00ad", "-")


def find_headings(rows: list[Row], contents: dict[str, float], measures: Measures) -> None:
    """Mark the headings with their levels; ``contents`` holds the entries of the contents page."""
    body = [row for row in rows if not row.is_apart]
    if sum(bool(heading_level(row)) for row in body) > 2:  # noqa: PLR2004
        _use_heading_tags(body)
        return
    found: list[tuple[Row, int]] = []
    numbers: list[int] = []
    index = 0
    while index < len(body):
        row = body[index]
        length = _heading_length(body, index, contents, numbers, measures)
        if length:
            match = NUMBERED.match(row.text)
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


def _use_heading_tags(body: list[Row]) -> None:
    above: Row | None = None
    for row in body:
        level = heading_level(row)
        if level:
            row.role, row.level = Role.HEADING, level
            is_same = above is not None and above.role is Role.HEADING and above.block == row.block
            row.starts = not is_same or row.block is None
        above = row


def _heading_length(
    body: list[Row],
    index: int,
    contents: dict[str, float],
    numbers: list[int],
    measures: Measures,
) -> int:
    """Return how many lines the heading at ``index`` takes, 0 if there is none."""
    row = body[index]
    if row.role is not None or len(row.text) > MAX_HEADING:
        return 0
    for length in (1, 2, 3):
        parts = body[index : index + length]
        if key(" ".join(part.text for part in parts)) in contents and len(parts) == length:
            return length
    match = NUMBERED.match(row.text)
    is_plausible = match is not None and _is_successor(numbers, match[1])
    is_big = row.size > 1.07 * measures.body_size
    is_standing_out = is_big or row.is_bold
    has_no_type = measures.is_plain or (row.is_ocr and _is_alone(body, index, measures))
    is_title = has_no_type and _is_title(row, body, index, measures)
    if match and is_plausible and (is_standing_out or is_title):
        return 1 + (_wraps(body, index) if is_standing_out or measures.is_plain else 0)
    if match or measures.is_plain or not is_standing_out or (numbers and contents and not is_big):
        return 0  # where headings have numbers, a bold line without one is the title of a box
    return 1 + _wraps(body, index) if _is_set_off(body, index, measures) else 0


def _is_title(row: Row, body: list[Row], index: int, measures: Measures) -> bool:
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


def _wraps(body: list[Row], index: int) -> int:
    """Return how many further lines belong to the heading at ``index`` (0 or 1)."""
    row = body[index]
    if index + 1 >= len(body):
        return 0
    below = body[index + 1]
    if below.page != row.page or below.role is not None or len(below.text) > 60:  # noqa: PLR2004
        return 0
    if row.size:
        is_same = below.style[0] == row.style[0] and below.is_bold == row.is_bold
        return int(is_same and row.y - below.y < 1.6 * row.size and not NUMBERED.match(below.text))
    return int(below.text[:1].islower() or (WANTS_MORE.search(row.text) is not None))


def _is_set_off(body: list[Row], index: int, measures: Measures) -> bool:
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
    return has_body and _is_alone(body, index, measures) and (is_big or is_at_margin)


def _is_alone(body: list[Row], index: int, measures: Measures) -> bool:
    """Say whether there is room above the line, or nothing but a heading."""
    row, above = body[index], body[index - 1] if index else None
    return (
        above is None
        or above.page != row.page
        or above.role is Role.HEADING
        or above.y - row.y > 1.2 * measures.step
        or above.y < row.y
    )


def _levels(found: list[tuple[Row, int]], contents: dict[str, float]) -> list[int]:
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


def find_subheads(rows: list[Row]) -> None:
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
