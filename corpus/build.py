"""Rebuild the sample reports: ``python corpus/build.py [slug ...]``.

Reads ``corpus/reports/<slug>/report.md`` and ``source.toml`` and writes ``<slug>.pdf`` beside them, with the
producer that ``source.toml`` names. Without a slug, all reports are built. Every producer is a house style of its own,
so that reading PDFs is tried on more than one kind of layout:

==========  =============================================================  ===========================================
producer    look                                                           what it is good for trying
==========  =============================================================  ===========================================
weasyprint  serif, justified and hyphenated, capitals in the running head  hyphens at line ends, notes on the page
chromium    sans serif, ragged right, contents without page numbers        tagged PDF, notes at the end of the chapter
reportlab   Times-like, heading in capitals, number at the outer edge      odd and even pages, dot leaders
typst       book face, justified, contents on a roman page                 printed page number is not the PDF's
==========  =============================================================  ===========================================

Libraries (extra ``corpus``): ``weasyprint``, ``reportlab``, ``typst``. Each is imported only when its producer is used.
Debian packages: ``chromium``, ``fonts-liberation``, ``fonts-dejavu-core``, ``fonts-dejavu-extra``, and for WeasyPrint
``libpango-1.0-0``, ``libpangoft2-1.0-0``, ``libharfbuzz-subset0``. Nothing is fetched from the net.

The markup is a small part of Markdown: see ``parse_blocks`` and ``spans``.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final, Literal

CORPUS: Final = Path(__file__).resolve().parent
REPORTS: Final = CORPUS / "reports"
TEMPLATES: Final = CORPUS / "build"
MAX_PDF_BYTES: Final = 400_000
CHROMIUM_TIMEOUT_S: Final = 120
CHROMIUM_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)
CONTENTS_DEPTH: Final = 2


class CorpusError(Exception):
    """A source file is missing or says something that the build cannot use."""


# ---------------------------------------------------------------------------------------------------------------------
# The report as data
# ---------------------------------------------------------------------------------------------------------------------

Style = Literal["plain", "bold", "italic", "note"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style; for ``note`` the text is the footnote's mark."""

    text: str
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is a chapter. The number, if any, is part of the text."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph with inline markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """A list item with the bullets below it."""

    text: str
    children: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A list; ``start`` is the first number, or None for bullets."""

    items: tuple[Item, ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first of ``rows`` is its header."""

    caption: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    """A note, standing where the report puts its notes: at the end of the chapter."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A framed passage."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class PageBreak:
    """A forced page break."""


Block = Heading | Paragraph | ListBlock | Table | Footnote | Box | PageBreak


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What ``source.toml`` says that is printed; empty strings are left out of the cover."""

    slug: str
    title: str
    subtitle: str
    date_text: str
    client: str
    contractor: str
    language: str
    label: str
    origin: str
    producer: str
    running_header: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report, ready for any producer."""

    source: Source
    blocks: tuple[Block, ...]

    def note(self, position: int, mark: str) -> str:
        """Return the text of the note that block ``position`` refers to: the next one with that mark."""
        for block in self.blocks[position:]:
            if isinstance(block, Footnote) and block.mark == mark:
                return block.text
        raise CorpusError(f"{self.source.slug}: footnote [^{mark}] has no text")


@dataclass(frozen=True, slots=True)
class Words:
    """The words that the build itself prints."""

    contents: str
    client: str
    contractor: str
    page: str


WORDS: Final = {
    "nb": Words("Innhold", "Oppdragsgiver", "Utarbeidet av", "Side"),
    "nn": Words("Innhald", "Oppdragsgjevar", "Utarbeidd av", "Side"),
    "en": Words("Contents", "Client", "Prepared by", "Page"),
}


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------

_SPAN: Final = re.compile(r"\*\*(?P<bold>.+?)\*\*|\*(?P<italic>[^*]+?)\*|\[\^(?P<note>\w+)\]")
_HEADING: Final = re.compile(r"(#{1,4}) +(.+)")
_ITEM: Final = re.compile(r"(?P<indent> *)(?:-|(?P<number>\d+)\.) +(?P<text>.+)")
_FOOTNOTE: Final = re.compile(r"\[\^(\w+)\]: *(.+)")
_CAPTION: Final = re.compile(r"(?:Tabell|Table) \d+")
_TABLE_RULE: Final = re.compile(r"\|[\s|:-]+\|?")


def spans(text: str) -> Iterator[Span]:
    """Yield the runs of ``text``: ``**bold**``, ``*italic*``, ``[^1]`` for a footnote, and the plain text between."""
    end = 0
    for match in _SPAN.finditer(text):
        if match.start() > end:
            yield Span(text[end : match.start()])
        style: Style = "bold" if match["bold"] else "italic" if match["italic"] else "note"
        yield Span(match[style], style)
        end = match.end()
    if end < len(text):
        yield Span(text[end:])


def parse_blocks(markup: str) -> tuple[Block, ...]:
    """Return the blocks of ``markup`` in order.

    Blocks are parted by blank lines; headings, footnotes and forced page breaks need none. The first-level heading is
    the report's title, which the cover has from ``source.toml``; it is left out.
    """
    blocks: list[Block] = []
    for chunk in _chunks(markup):
        block = _parse_chunk(chunk)
        if isinstance(block, Table) and (caption := _caption(blocks)):
            blocks[-1] = Table(caption, block.rows)
        elif block is not None:
            blocks.append(block)
    return tuple(blocks)


def _caption(blocks: Sequence[Block]) -> str:
    """Return the text of the last block if it is a table's caption, else an empty string."""
    last = blocks[-1] if blocks else None
    return last.text if isinstance(last, Paragraph) and _CAPTION.match(last.text) else ""


def _chunks(markup: str) -> Iterator[list[str]]:
    """Yield groups of lines that make one block each."""
    chunk: list[str] = []
    kind = ""
    for line in markup.splitlines():
        new_kind = _line_kind(line)
        continues = new_kind == kind or (
            new_kind == "text" and kind == "item" and line.startswith(" ")
        )
        if chunk and (not continues or kind in {"heading", "note", "break"}):
            yield chunk
            chunk = []
        if new_kind != "blank":
            chunk.append(line.rstrip())
            kind = kind if chunk[1:] else new_kind
        else:
            kind = ""
    if chunk:
        yield chunk


def _line_kind(line: str) -> str:
    """Return which block a line belongs to, judged by the line alone."""
    if not line.strip():
        return "blank"
    if line.strip() == "\\pagebreak":
        return "break"
    tests = (("heading", _HEADING), ("note", _FOOTNOTE), ("item", _ITEM))
    for kind, pattern in tests:
        if pattern.match(line):
            return kind
    return {">": "box", "|": "table"}.get(line[0], "text")


def _parse_chunk(lines: Sequence[str]) -> Block | None:
    """Return the block of one group of lines, or None for the report's title."""
    first = lines[0]
    if first.strip() == "\\pagebreak":
        return PageBreak()
    if heading := _HEADING.match(first):
        level = len(heading[1]) - 1
        return Heading(level, heading[2].strip()) if level else None
    if footnote := _FOOTNOTE.match(first):
        return Footnote(footnote[1], footnote[2].strip())
    if first.startswith(">"):
        return Box(parse_blocks("\n".join(_box_lines(lines))))
    if first.startswith("|"):
        return Table("", tuple(_cells(line) for line in lines if not _TABLE_RULE.fullmatch(line)))
    if _ITEM.match(first):
        return _parse_list(lines)
    return Paragraph(" ".join(line.strip() for line in lines))


def _box_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the text of a box; each of its lines is a paragraph unless it is a list item."""
    for line in lines:
        text = line.removeprefix(">").removeprefix(" ")
        if not _ITEM.match(text):
            yield ""
        yield text
        if text.startswith("**") and text.endswith("**"):
            yield ""


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip().strip("|").split("|"))


def _parse_list(lines: Sequence[str]) -> ListBlock:
    """Return the list with indented bullets gathered below the item before them."""
    items: list[Item] = []
    start: int | None = None
    for line in lines:
        match = _ITEM.match(line)
        if match is None:
            items[-1] = Item(f"{items[-1].text} {line.strip()}", items[-1].children)
        elif match["indent"] and items:
            items[-1] = Item(items[-1].text, (*items[-1].children, Item(match["text"])))
        else:
            start = int(match["number"]) if match["number"] and not items else start
            items.append(Item(match["text"]))
    return ListBlock(tuple(items), start)


def read_report(slug: str, reports: Path = REPORTS) -> Report:
    """Read the two source files of a report.

    Raises:
        CorpusError: a file or a key is missing, or the language is not one we have words for.
    """
    folder = reports / slug
    try:
        facts = tomllib.loads((folder / "source.toml").read_text(encoding="utf-8"))
        markup = (folder / "report.md").read_text(encoding="utf-8")
        source = Source(**{name: str(facts[name]) for name in Source.__dataclass_fields__})
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise CorpusError(f"{slug}: {error!r}") from error
    if source.language not in WORDS:
        raise CorpusError(f"{slug}: language {source.language!r} is none of {sorted(WORDS)}")
    return Report(source, parse_blocks(markup))


def cover_lines(source: Source) -> tuple[tuple[str, str], ...]:
    """Return the (word, value) lines of the cover, without those that have no value."""
    words = WORDS[source.language]
    lines = (
        (words.client, source.client),
        (words.contractor, source.contractor),
        ("", source.date_text),
    )
    return tuple(line for line in lines if line[1])


def headings(report: Report) -> Iterator[tuple[int, Heading]]:
    """Yield (block position, heading) for the headings that the contents page lists: chapters and sections."""
    for position, block in enumerate(report.blocks):
        if isinstance(block, Heading) and block.level <= CONTENTS_DEPTH:
            yield position, block


# ---------------------------------------------------------------------------------------------------------------------
# WeasyPrint and Chromium: HTML
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HtmlWriter:
    """Writes a report as HTML. With ``notes_inline`` a note stands where it is referred to, and the CSS moves it."""

    report: Report
    css_name: str
    notes_inline: bool

    def document(self) -> str:
        """Return the whole page with its style sheet inside."""
        source = self.report.source
        body = "\n".join(
            self._block(position, block) for position, block in enumerate(self.report.blocks)
        )
        return (
            f'<!doctype html><html lang="{source.language}"><head><meta charset="utf-8">'
            f"<title>{html.escape(source.title)}</title>"
            f'<meta name="author" content="{html.escape(source.contractor)}"><style>{self._css()}</style></head>'
            f"<body>{self._cover()}{self._contents()}<main>{body}</main></body></html>"
        )

    def _css(self) -> str:
        source = self.report.source
        template = Template((TEMPLATES / self.css_name).read_text(encoding="utf-8"))
        return template.substitute(
            running=_css_string(source.running_header), page=WORDS[source.language].page
        )

    def _cover(self) -> str:
        source = self.report.source
        lines = "".join(
            f"<p>{f'<span>{word}</span> ' if word else ''}{html.escape(value)}</p>"
            for word, value in cover_lines(source)
        )
        return (
            f'<section class="cover"><p class="title">{html.escape(source.title)}</p>'
            f'<p class="subtitle">{html.escape(source.subtitle)}</p>'
            f'<div class="label"><p>{html.escape(source.label)}</p><p>{html.escape(source.origin)}</p></div>'
            f'<div class="imprint">{lines}</div></section>'
        )

    def _contents(self) -> str:
        entries = "".join(
            f'<p class="level{heading.level}"><a href="#h{position}">{html.escape(heading.text)}</a></p>'
            for position, heading in headings(self.report)
        )
        title = WORDS[self.report.source.language].contents
        return f'<nav class="contents"><p class="contents-title">{title}</p>{entries}</nav>'

    def _block(self, position: int, block: Block) -> str:
        match block:
            case Heading(level, text):
                return f'<h{level} id="h{position}">{html.escape(text)}</h{level}>'
            case Paragraph(text):
                return f"<p>{self._inline(position, text)}</p>"
            case ListBlock(items, start):
                return self._list(position, items, start)
            case Table():
                return self._table(position, block)
            case Box(blocks):
                return f'<div class="box">{"".join(self._block(position, inner) for inner in blocks)}</div>'
            case Footnote(mark, text):
                note = f'<p class="endnote"><sup>{mark}</sup> {self._inline(position, text)}</p>'
                return "" if self.notes_inline else note
            case PageBreak():
                return '<div class="pagebreak"></div>'

    def _inline(self, position: int, text: str) -> str:
        tags = {"bold": "b", "italic": "i"}
        out: list[str] = []
        for span in spans(text):
            if span.style != "note":
                tag = tags.get(span.style)
                escaped = html.escape(span.text)
                out.append(f"<{tag}>{escaped}</{tag}>" if tag else escaped)
            elif self.notes_inline:
                note = self._inline(position, self.report.note(position, span.text))
                out.append(f'<span class="footnote">{note}</span>')
            else:
                out.append(f"<sup>{span.text}</sup>")
        return "".join(out)

    def _list(self, position: int, items: Iterable[Item], start: int | None) -> str:
        rows = "".join(
            f"<li>{self._inline(position, item.text)}"
            f"{self._list(position, item.children, None) if item.children else ''}</li>"
            for item in items
        )
        return f"<ul>{rows}</ul>" if start is None else f'<ol start="{start}">{rows}</ol>'

    def _table(self, position: int, table: Table) -> str:
        header, *body = table.rows
        head = "".join(f"<th>{self._inline(position, cell)}</th>" for cell in header)
        rows = "".join(
            f"<tr>{''.join(f'<td>{self._inline(position, cell)}</td>' for cell in row)}</tr>"
            for row in body
        )
        caption = f"<caption>{html.escape(table.caption)}</caption>" if table.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _css_string(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def build_weasyprint(report: Report, target: Path) -> None:
    """Write the PDF with WeasyPrint."""
    import weasyprint  # type: ignore[import-untyped]

    page = HtmlWriter(report, "weasyprint.css", notes_inline=True).document()
    weasyprint.HTML(string=page).write_pdf(target)


def build_chromium(report: Report, target: Path) -> None:
    """Write the PDF by printing from a headless Chromium with an empty profile."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise CorpusError("chromium is not on the path")
    with tempfile.TemporaryDirectory(prefix="corpus-") as scratch:
        page = Path(scratch, "report.html")
        page.write_text(
            HtmlWriter(report, "chromium.css", notes_inline=False).document(), encoding="utf-8"
        )
        files = (f"--user-data-dir={scratch}/profile", f"--print-to-pdf={target}", page.as_uri())
        command = [chromium, *CHROMIUM_OPTIONS, *files]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=CHROMIUM_TIMEOUT_S)
        except subprocess.CalledProcessError as error:
            raise CorpusError(
                f"chromium failed: {error.stderr.decode(errors='replace')[-500:]}"
            ) from error


# ---------------------------------------------------------------------------------------------------------------------
# Typst
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypstWriter:
    """Writes a report as Typst source that calls the functions of ``report.typ``.

    All text goes in as string literals, so that no character of a report can be read as markup.
    """

    report: Report

    def document(self) -> str:
        """Return the whole source."""
        source = self.report.source
        lines = "".join(
            f"({_typst_string(word)}, {_typst_string(value)}),"
            for word, value in cover_lines(source)
        )
        names = ("title", "subtitle", "label", "origin", "language", "running_header", "contractor")
        facts = ", ".join(f"{name}: {_typst_string(getattr(source, name))}" for name in names)
        contents = _typst_string(WORDS[source.language].contents)
        body = "\n".join(
            self._block(position, block) for position, block in enumerate(self.report.blocks)
        )
        return f'#import "/report.typ": *\n#show: report.with({facts}, contents: {contents}, imprint: ({lines}))\n{body}\n'

    def _block(self, position: int, block: Block) -> str:
        match block:
            case Heading(level, text):
                return f"#heading(level: {level}, {_typst_string(text)})\n"
            case Paragraph(text):
                return f"{self._inline(position, text)}\n"
            case ListBlock(items, start):
                return f"#{self._list(position, items, start)}\n"
            case Table():
                return self._table(position, block)
            case Box(blocks):
                return f"#box-of[{''.join(self._block(position, inner) + chr(10) for inner in blocks)}]\n"
            case Footnote():
                return ""
            case PageBreak():
                return "#pagebreak(weak: true)\n"

    def _inline(self, position: int, text: str) -> str:
        calls = {"plain": "#", "bold": "#strong", "italic": "#emph"}
        out: list[str] = []
        for span in spans(text):
            if span.style == "note":
                out.append(
                    f"#footnote[{self._inline(position, self.report.note(position, span.text))}]"
                )
            elif span.style == "plain":
                out.append(f"#{_typst_string(span.text)}")
            else:
                out.append(f"{calls[span.style]}({_typst_string(span.text)})")
        return "".join(out)

    def _list(self, position: int, items: Iterable[Item], start: int | None) -> str:
        parts = ", ".join(
            f"[{self._inline(position, item.text)}"
            f"{' #' + self._list(position, item.children, None) if item.children else ''}]"
            for item in items
        )
        return f"list({parts})" if start is None else f"enum(start: {start}, {parts})"

    def _table(self, position: int, table: Table) -> str:
        cells = ", ".join(f"[{self._inline(position, cell)}]" for row in table.rows for cell in row)
        return f"#table-of({_typst_string(table.caption)}, {len(table.rows[0])}, ({cells},))\n"


def _typst_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def build_typst(report: Report, target: Path) -> None:
    """Write the PDF with Typst and the fonts it carries."""
    import typst

    source = TypstWriter(report).document().encode()
    compiler = typst.Compiler(source, root=str(TEMPLATES), ignore_system_fonts=True)
    compiler.compile(output=str(target), format="pdf", timestamp=0)


# ---------------------------------------------------------------------------------------------------------------------
# reportlab
# ---------------------------------------------------------------------------------------------------------------------

_LIBERATION: Final = Path("/usr/share/fonts/truetype/liberation")
_TIMES_LIKE: Final = {
    "Body": "Serif-Regular",
    "Body-Bold": "Serif-Bold",
    "Body-Italic": "Serif-Italic",
}
_HEADING_FACE: Final = {"Head": "Sans-Regular", "Head-Bold": "Sans-Bold"}
_BURGUNDY: Final = "#6b1f2a"
_SIDE_MARGIN_MM: Final = 27


@dataclass(frozen=True, slots=True)
class ReportlabWriter:
    """Turns a report into reportlab flowables; ``styles`` are its ParagraphStyles by name."""

    report: Report
    styles: dict[str, Any]
    width: float

    def story(self) -> list[Any]:
        """Return cover, contents and body."""
        from reportlab.platypus import PageBreak as Break  # type: ignore[import-untyped]

        body = [flow for block in self.report.blocks for flow in self._block(block)]
        return [*self._cover(), Break(), *self._contents(), Break(), *body]

    def _cover(self) -> list[Any]:
        from reportlab.platypus import HRFlowable, Spacer

        source = self.report.source
        lines = [
            self._paragraph(f"**{word}:** {value}" if word else value, "imprint")
            for word, value in cover_lines(source)
        ]
        return [
            self._framed(
                [
                    self._paragraph(f"**{source.label}**", "label"),
                    self._paragraph(source.origin, "small"),
                ]
            ),
            Spacer(1, 150),
            self._paragraph(source.title, "title"),
            HRFlowable(width="100%", thickness=2, color=_BURGUNDY, spaceBefore=6, spaceAfter=12),
            self._paragraph(source.subtitle, "subtitle"),
            Spacer(1, 170),
            *lines,
        ]

    def _contents(self) -> list[Any]:
        from reportlab.platypus.tableofcontents import TableOfContents  # type: ignore[import-untyped]

        contents = TableOfContents(
            dotsMinLevel=0, levelStyles=[self.styles["toc1"], self.styles["toc2"]]
        )
        return [
            self._paragraph(WORDS[self.report.source.language].contents.upper(), "contents-title"),
            contents,
        ]

    def _block(self, block: Block) -> list[Any]:
        from reportlab.platypus import KeepTogether
        from reportlab.platypus import PageBreak as Break

        match block:
            case Heading(level, text):
                return [self._paragraph(text.upper() if level == 1 else text, f"h{level}")]
            case Paragraph(text):
                return [self._paragraph(text, "body")]
            case ListBlock(items, start):
                return list(self._list(items, start, 1))
            case Table():
                return self._table(block)
            case Box(blocks):
                return [
                    KeepTogether(
                        [self._framed([flow for inner in blocks for flow in self._block(inner)])]
                    )
                ]
            case Footnote(mark, text):
                return [self._paragraph(f"[^{mark}] {text}", "small")]
            case PageBreak():
                return [Break()]

    def _paragraph(self, text: str, style: str, bullet: str | None = None) -> Any:
        from reportlab.platypus import Paragraph as Flow

        return Flow(_reportlab_inline(text), self.styles[style], bulletText=bullet)

    def _list(self, items: Iterable[Item], start: int | None, depth: int) -> Iterator[Any]:
        for offset, item in enumerate(items):
            bullet = (
                f"{start + offset}." if start is not None else "\u2022" if depth == 1 else "\u2013"
            )
            yield self._paragraph(item.text, f"item{depth}", bullet)
            yield from self._list(item.children, None, 2)

    def _framed(self, flows: list[Any]) -> Any:
        from reportlab.platypus import Table as Grid

        style = [
            ("BOX", (0, 0), (-1, -1), 1.2, _BURGUNDY),
            ("BACKGROUND", (0, 0), (-1, -1), "#f7efe9"),
        ]
        padding = [
            (f"{side}PADDING", (0, 0), (-1, -1), 9) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")
        ]
        return Grid(
            [[flows]], colWidths=[self.width], style=style + padding, spaceBefore=8, spaceAfter=12
        )

    def _table(self, table: Table) -> list[Any]:
        from reportlab.platypus import KeepTogether
        from reportlab.platypus import Table as Grid

        rows = [
            [self._paragraph(f"**{cell}**" if first and cell else cell, "cell") for cell in row]
            for first, row in zip([True, *([False] * len(table.rows))], table.rows, strict=False)
        ]
        style = [
            ("GRID", (0, 0), (-1, -1), 0.5, "#888888"),
            ("BACKGROUND", (0, 0), (-1, 0), "#eadfd8"),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
        grid = Grid(
            rows, colWidths=_column_widths(table.rows, self.width), style=style, spaceAfter=12
        )
        caption = [self._paragraph(f"*{table.caption}*", "caption")] if table.caption else []
        return [KeepTogether([*caption, grid])]


def _column_widths(rows: Sequence[Sequence[str]], width: float) -> list[float]:
    """Share ``width`` by the longest cell of each column, within limits so that no column gets too narrow."""
    longest = [
        min(40, max(12, *(len(cell) for cell in column))) for column in zip(*rows, strict=False)
    ]
    return [width * length / sum(longest) for length in longest]


def _reportlab_inline(text: str) -> str:
    tags = {"bold": "b", "italic": "i", "note": "super"}
    return "".join(
        html.escape(span.text, quote=False)
        if span.style == "plain"
        else f"<{tags[span.style]}>{html.escape(span.text, quote=False)}</{tags[span.style]}>"
        for span in spans(text)
    )


def _register_fonts() -> None:
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily  # type: ignore[import-untyped]
    from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]

    for name, file in {**_TIMES_LIKE, **_HEADING_FACE}.items():
        registerFont(TTFont(name, _LIBERATION / f"Liberation{file}.ttf"))
    registerFontFamily(
        "Body", normal="Body", bold="Body-Bold", italic="Body-Italic", boldItalic="Body-Bold"
    )
    registerFontFamily(
        "Head", normal="Head", bold="Head-Bold", italic="Head", boldItalic="Head-Bold"
    )


def _reportlab_styles() -> dict[str, Any]:
    """Return the paragraph styles by name: what differs from the body text."""
    from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]

    body = ParagraphStyle("body", fontName="Body", fontSize=11, leading=15.5, spaceAfter=8)
    head = {"fontName": "Head-Bold", "textColor": _BURGUNDY, "keepWithNext": 1}
    changes: dict[str, dict[str, Any]] = {
        "title": {"fontName": "Head-Bold", "fontSize": 26, "leading": 32},
        "subtitle": {"fontName": "Head", "fontSize": 15, "leading": 20},
        "label": {"fontName": "Head", "fontSize": 12, "spaceAfter": 3},
        "imprint": {"fontSize": 12, "leading": 17, "spaceAfter": 2},
        "small": {"fontSize": 9, "leading": 12, "spaceAfter": 3},
        "contents-title": {**head, "fontSize": 15, "leading": 20, "spaceAfter": 14},
        "toc1": {"fontName": "Body-Bold", "spaceBefore": 5, "spaceAfter": 2},
        "toc2": {"leftIndent": 16, "spaceAfter": 1},
        "h1": {**head, "fontSize": 15, "leading": 20, "spaceBefore": 18, "spaceAfter": 10},
        "h2": {**head, "fontSize": 12, "leading": 16, "spaceBefore": 12, "spaceAfter": 5},
        "h3": {
            **head,
            "fontSize": 11,
            "leading": 15,
            "textColor": "#222222",
            "spaceBefore": 8,
            "spaceAfter": 3,
        },
        "item1": {"leftIndent": 20, "bulletIndent": 5, "spaceAfter": 4},
        "item2": {"leftIndent": 36, "bulletIndent": 22, "spaceAfter": 3},
        "cell": {"fontSize": 9.5, "leading": 12, "spaceAfter": 0},
        "caption": {"fontSize": 10, "leading": 13, "spaceBefore": 6, "spaceAfter": 4},
    }
    return {"body": body} | {
        name: ParagraphStyle(name, body, **change) for name, change in changes.items()
    }


def _page_furniture(running_header: str) -> Callable[[Any, Any], None]:
    """Return the function that draws the running head: page number at the outer edge, a rule below."""

    def draw(canvas: Any, document: Any) -> None:
        left, right = document.leftMargin, document.pagesize[0] - document.rightMargin
        y = document.pagesize[1] - document.topMargin + 22
        canvas.setStrokeColor(_BURGUNDY)
        canvas.line(left, y - 5, right, y - 5)
        canvas.setFont("Head", 8.5)
        if canvas.getPageNumber() % 2:
            canvas.drawString(left, y, running_header)
            canvas.drawRightString(right, y, str(canvas.getPageNumber()))
        else:
            canvas.drawString(left, y, str(canvas.getPageNumber()))
            canvas.drawRightString(right, y, running_header)

    return draw


def build_reportlab(report: Report, target: Path) -> None:
    """Write the PDF with reportlab; two passes or more, until the contents page is right."""
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
    from reportlab.lib.units import mm  # type: ignore[import-untyped]
    from reportlab.platypus import SimpleDocTemplate

    _register_fonts()
    source, side = report.source, _SIDE_MARGIN_MM * mm
    document = SimpleDocTemplate(
        str(target),
        pagesize=A4,
        leftMargin=side,
        rightMargin=side,
        topMargin=30 * mm,
        bottomMargin=24 * mm,
        title=source.title,
        author=source.contractor,
        lang=source.language,
        invariant=1,
    )

    def list_in_contents(flow: Any) -> None:
        level = {"h1": 0, "h2": 1}.get(getattr(getattr(flow, "style", None), "name", ""))
        if level is not None:
            document.notify("TOCEntry", (level, flow.getPlainText(), document.page))

    document.afterFlowable = list_in_contents
    writer = ReportlabWriter(report, _reportlab_styles(), A4[0] - 2 * side - 12)
    document.multiBuild(writer.story(), onLaterPages=_page_furniture(source.running_header))


# ---------------------------------------------------------------------------------------------------------------------
# Command
# ---------------------------------------------------------------------------------------------------------------------

PRODUCERS: Final[dict[str, Callable[[Report, Path], None]]] = {
    "weasyprint": build_weasyprint,
    "chromium": build_chromium,
    "reportlab": build_reportlab,
    "typst": build_typst,
}


def build(slug: str, reports: Path = REPORTS) -> Path:
    """Build one report and return the path of its PDF.

    Raises:
        CorpusError: the sources are not usable, the producer failed, or the PDF is too large for the repository.
    """
    report = read_report(slug, reports)
    producer = PRODUCERS.get(report.source.producer)
    if producer is None:
        raise CorpusError(
            f"{slug}: producer {report.source.producer!r} is none of {sorted(PRODUCERS)}"
        )
    target = reports / slug / f"{slug}.pdf"
    producer(report, target)
    if target.stat().st_size > MAX_PDF_BYTES:
        raise CorpusError(f"{slug}: {target.stat().st_size} bytes are more than {MAX_PDF_BYTES}")
    return target


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the named reports, or all that have a ``source.toml``; return the exit code."""
    parser = argparse.ArgumentParser(description="Rebuild the PDFs of the sample reports.")
    parser.add_argument(
        "slug", nargs="*", help="folder name under corpus/reports; all when none is given"
    )
    parser.add_argument("--reports", type=Path, default=REPORTS, help="the folder they are under")
    asked = parser.parse_args(arguments)
    reports = asked.reports.resolve()
    slugs = asked.slug or sorted(path.parent.name for path in reports.glob("*/source.toml"))
    failed = False
    for slug in slugs:
        try:
            target = build(slug, reports)
        except CorpusError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
        else:
            print(f"{target.relative_to(CORPUS.parent)}  {target.stat().st_size // 1000} kB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
