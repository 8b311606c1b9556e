"""CSV as Norwegian Excel opens it: semicolons, a byte order mark, and no cell that is a formula."""

import csv
import io

from kb.export.document import Document
from kb.export.flat import tables_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(document: Document) -> bytes:
    """Return the tables one after the other, an empty line and the table's name between them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    for place, table in enumerate(tables_of(document)):
        if place:
            writer.writerows(([], [_safe(table.name)]))
        writer.writerows([_safe(cell) for cell in row] for row in (table.columns, *table.rows))
    return text.getvalue().encode("utf-8-sig", "replace")


def _safe(cell: str) -> str:
    """Return the cell with an apostrophe before what a spreadsheet would run."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
