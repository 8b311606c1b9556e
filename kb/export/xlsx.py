"""Excel: the only door to XlsxWriter. One sheet per table, and one that says what it all is."""

import io
import re
from datetime import UTC, datetime, time

import xlsxwriter
from xlsxwriter.format import Format as Look
from xlsxwriter.worksheet import Worksheet

from kb.export.document import Document
from kb.export.flat import Table, tables_of
from kb.export.words import facts, paragraphs, words_of

_MOST_CHARS = 32_000
"""A cell takes 32,767; what is longer would be left out without a word."""
_MOST_URL_CHARS = 2_000
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
_WIDTH_OF_LONG, _LONG, _WIDEST, _NARROWEST = 60, 45, 28, 8
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_MOST_NAME_CHARS = 31


def write(document: Document) -> bytes:
    """Return a workbook: every cell is text or a link, never a formula."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        made = datetime.combine(document.made, time(), UTC).replace(tzinfo=None)
        book.set_properties({"title": document.title, "created": made})
        looks = _Looks(book)
        taken: set[str] = set()
        for place, table in enumerate(tables_of(document), start=1):
            sheet = book.add_worksheet(_sheet_name(table.name, taken))
            _write_table(sheet, table, f"Tabell{place}", looks)
        about = book.add_worksheet(_sheet_name(words_of(document.language).about, taken))
        _write_about(about, document, looks)
    return file.getvalue()


class _Looks:
    """The cell formats of one workbook."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.cell: Look = book.add_format({"text_wrap": True, "valign": "top"})
        self.link: Look = book.add_format(
            {"font_color": "#0B4F9E", "underline": 1, "valign": "top"}
        )
        self.title: Look = book.add_format({"bold": True, "font_size": 16})


def _write_table(sheet: Worksheet, table: Table, name: str, looks: _Looks) -> None:
    heads = _told_apart(table.columns)
    last_row, last_column = len(table.rows), len(heads) - 1
    for column in range(len(heads)):
        sheet.set_column(column, column, _width(table, column))
    for number, row in enumerate(table.rows, start=1):
        for column, cell in enumerate(row):
            _write_cell(sheet, (number, column), cell, looks)
    options = {
        "name": name,
        "style": "Table Style Light 9",
        "columns": [{"header": head} for head in heads],
    }
    sheet.add_table(0, 0, last_row, last_column, options)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write_cell(sheet: Worksheet, place: tuple[int, int], cell: str, looks: _Looks) -> None:
    if cell.startswith(("http://", "https://")) and len(cell) <= _MOST_URL_CHARS:
        sheet.write_url(*place, cell, looks.link, cell)
    elif cell.isascii() and cell.isdecimal() and len(cell) <= 4:  # noqa: PLR2004 - years and pages
        sheet.write_number(*place, int(cell), looks.cell)
    else:
        sheet.write_string(*place, _cut(cell), looks.cell)


def _write_about(sheet: Worksheet, document: Document, looks: _Looks) -> None:
    sheet.set_column(0, 0, 100)
    lines = (*facts(document), *paragraphs(document.intro))
    sheet.write_string(0, 0, _cut(document.title), looks.title)
    for row, line in enumerate(lines, start=2):
        sheet.write_string(row, 0, _cut(line), looks.cell)


def _cut(text: str) -> str:
    first = _first(text, _MOST_CHARS)
    return text if first == text else first + " […]"


def _first(text: str, most: int) -> str:
    """Return the first ``most`` characters as Excel counts them: an emoji is two."""
    return text.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore")


def _width(table: Table, column: int) -> int:
    longest = max(len(row[column]) for row in table.rows)
    if longest > _LONG and not table.rows[0][column].startswith("http"):
        return _WIDTH_OF_LONG
    return min(max(longest + 2, len(table.columns[column]) + 4, _NARROWEST), _WIDEST)


def _told_apart(heads: tuple[str, ...]) -> list[str]:
    """Return heads of which no two are the same, whatever their case: a table demands it."""
    seen: dict[str, int] = {}
    apart = []
    for head in heads:
        number = seen[head.lower()] = seen.get(head.lower(), 0) + 1
        apart.append(head if number == 1 else f"{head} ({number})")
    return apart


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return ``name`` as a sheet may be called: short, without some signs, once."""
    plain = _NOT_IN_A_NAME.sub(" ", name).strip(" '") or "Ark"
    chosen, number = _first(plain, _MOST_NAME_CHARS).rstrip(" '"), 1
    while chosen.lower() in taken:
        number += 1
        tail = f" {number}"
        chosen = _first(plain, _MOST_NAME_CHARS - len(tail)) + tail
    taken.add(chosen.lower())
    return chosen
