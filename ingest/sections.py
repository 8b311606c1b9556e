"""From clean lines to blocks: paragraphs, bullets and headings in one piece, with their places.

The page text is made here too, so that a block and its spans cannot disagree: on each page stands
one block per line, and a block that runs over a page break has a piece on either page.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ingest.types import Block, Body, Layout, Line, Role
from kb.domain import Page, Span
from kb.text import normalise, sentences, words

_BREAK = "\u00ad"
_BROKEN = re.compile(r"[^\W\d_][\u00ad-]$")
_AND = re.compile(r"(og|eller|and|or|samt|til)\b")
_USUAL_SHARE = 0.015
_ASIDE = frozenset({Role.CAPTION, Role.FOOTNOTE, Role.TABLE_ROW})


class _Hyphens:
    """Knows what to do with a hyphen at the end of a line, from the words of the whole report.

    «utvik-» + «lingen» was broken by the typesetter; «SMB-» + «utvikling» was not.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._words = Counter(word for line in lines for word in words(line.text.rstrip(_BREAK)))
        broken = sum(_BROKEN.search(line.text) is not None for line in lines)
        self._is_usual = broken > max(2, _USUAL_SHARE * len(lines))

    def joined(self, before: str, after: str) -> tuple[str, str]:
        """Return ``before``, mended with the rest of a broken word, and what is left of ``after``.

        «utvik-» + «lingen av» → («utviklingen», «av»); «nærings-» + «og» stays as it is.
        """
        after = after.lstrip()
        if not _BROKEN.search(before):
            return before, after
        if not after[:1].islower() or _AND.match(after):
            return before[:-1] + "-", after
        head, _, rest = after.partition(" ")
        is_real = self._is_real(before, head)
        return before[:-1] + ("-" if is_real else "") + head, rest.lstrip()

    def _is_real(self, before: str, head: str) -> bool:
        first = words(before[:-1])[-1:] or [""]
        second = words(head)[:1] or [""]
        whole, parted = self._words[first[0] + second[0]], self._words[f"{first[0]}-{second[0]}"]
        if whole != parted:
            return parted > whole
        last = before[:-1].rsplit(maxsplit=1)[-1]
        if len(last) == 1 or last.isupper():
            return True
        return not before.endswith(_BREAK) and not self._is_usual


@dataclass(slots=True)
class _Open:
    """A block that is still growing: its text piece by piece, one piece per page."""

    first: Line
    pieces: dict[int, str] = field(default_factory=dict)

    def add(self, line: Line, hyphens: _Hyphens) -> None:
        if not self.pieces:
            self.pieces[line.page] = line.text
            return
        last = max(self.pieces)
        mended, rest = hyphens.joined(self.pieces[last], line.text)
        if line.page == last:
            self.pieces[last] = f"{mended} {rest}" if rest else mended
            return
        self.pieces[last] = mended
        if rest:
            self.pieces[line.page] = rest


def split_sections(layout: Layout) -> Body:
    """Return the page texts and the blocks of the body, in reading order.

    For every block, ``quote_of(block.spans, page texts)`` is ``block.text``. Lines set apart (the
    cover, the contents) are in the page texts but give no block.
    """
    opened = _blocks(layout.lines)
    texts, spans = _laid_out(opened)
    pages = tuple(
        Page(
            number=page.number,
            label=page.label,
            text=texts.get(page.number, ""),
            problem=page.problem,
        )
        for page in layout.pages
    )
    return Body(pages=pages, blocks=tuple(_finished(opened, spans)))


def _blocks(lines: Sequence[Line]) -> list[_Open]:
    """Join the lines of each block; notes and captions in between do not end it."""
    hyphens = _Hyphens(lines)
    opened: list[_Open] = []
    running: _Open | None = None
    aside: _Open | None = None
    for line in lines:
        is_aside = line.role in _ASIDE
        current = aside if is_aside else running
        if current is None or line.starts_block or not _can_follow(current.first, line):
            current = _Open(line)
            opened.append(current)
        current.add(line, hyphens)
        if is_aside:
            aside = current
        else:
            running, aside = current, None
    for block in opened:
        block.pieces = {
            page: clean
            for page, text in block.pieces.items()
            if (clean := normalise(_unbroken(text)))
        }
    return [block for block in opened if block.pieces]


def _can_follow(first: Line, line: Line) -> bool:
    return first.role is line.role and first.is_apart == line.is_apart and first.page <= line.page


def _unbroken(text: str) -> str:
    return text[:-1] + "-" if text.endswith(_BREAK) else text


def _laid_out(opened: Sequence[_Open]) -> tuple[dict[int, str], list[tuple[Span, ...]]]:
    """Write the page texts, one block per line, and return where each block came to stand."""
    lines: dict[int, list[str]] = {}
    lengths: dict[int, int] = {}
    spans: list[tuple[Span, ...]] = []
    for block in opened:
        own = []
        for page, text in sorted(block.pieces.items()):
            start = lengths.get(page, 0)
            own.append(Span(page=page, start=start, end=start + len(text)))
            lines.setdefault(page, []).append(text)
            lengths[page] = start + len(text) + 1
        spans.append(tuple(own))
    return {page: "\n".join(texts) for page, texts in lines.items()}, spans


def _finished(opened: Sequence[_Open], spans: Sequence[tuple[Span, ...]]) -> Iterator[Block]:
    path: list[tuple[int, str]] = []
    lead_ins: list[str | None] = [None]  # by depth: of the list, of the list within an item …
    for block, places in zip(opened, spans, strict=True):
        line = block.first
        if line.is_apart:
            continue
        text = " ".join(block.pieces[span.page] for span in places)
        if line.role is Role.HEADING:
            path = [step for step in path if step[0] < line.level]
            path.append((line.level, text.rstrip(":").strip()))
            if not text.endswith(":"):  # «Måloppnåelse:» stands between a lead-in and its list
                lead_ins = [None]
        elif line.role is Role.PARAGRAPH:
            lead_ins = [_introduction(text)]
        yield Block(
            role=line.role,
            level=line.level,
            text=text,
            spans=places,
            section=tuple(title for _, title in path),
            lead_in=_lead_in(lead_ins, line.level) if line.role is Role.BULLET else None,
        )
        if line.role is Role.BULLET:
            lead_ins = [*lead_ins[: max(1, line.level)], _introduction(text)]


def _lead_in(lead_ins: Sequence[str | None], level: int) -> str | None:
    """Return the nearest lead-in above an item of this depth."""
    return next((one for one in reversed(lead_ins[: max(1, level)]) if one), None)


def _introduction(text: str) -> str | None:
    """Return the last sentence of a paragraph if it introduces a list, else None."""
    return sentences(text)[-1] if text.endswith(":") and sentences(text) else None
