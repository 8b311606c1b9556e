"""Small PDFs written by hand, so that a test can say exactly what stands in the file."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.types import RawDocument, RawLine, RawPage

REGULAR, BOLD = "F1", "F2"


@dataclass(frozen=True)
class Text:
    """One line of text on a page; ``role`` is its structure element in a tagged file."""

    text: str
    x: float
    y: float
    size: float = 11
    font: str = REGULAR
    role: str | None = None


def write_pdf(pages: Sequence[Sequence[Text] | bytes], *, catalog: str = "") -> bytes:
    """Return a PDF; a page given as bytes is its content stream as it stands."""
    objects: dict[int, bytes] = {
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        4: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
    }
    kids, elements = [], []
    for index, page in enumerate(pages):
        number = 10 + 2 * index
        kids.append(f"{number} 0 R")
        content = page if isinstance(page, bytes) else _content(page)
        if not isinstance(page, bytes):
            elements += [
                f"<</S/{line.role}/Pg {number} 0 R/K {mcid}>>"
                for mcid, line in enumerate(page)
                if line.role
            ]
        objects[number] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {number + 1} 0 R"
            "/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>>>"
        ).encode()
        packed = zlib.compress(content)
        head = f"<</Length {len(packed)}/Filter/FlateDecode>>".encode()
        objects[number + 1] = head + b"stream\n" + packed + b"\nendstream"
    objects[2] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    tree = f"/StructTreeRoot<</Type/StructTreeRoot/K[{''.join(elements)}]>>" if elements else ""
    objects[1] = f"<</Type/Catalog/Pages 2 0 R{tree}{catalog}>>".encode()
    return _file(objects)


def _content(page: Sequence[Text]) -> bytes:
    out = []
    for mcid, line in enumerate(page):
        text = line.text.encode("cp1252").replace(b"\\", b"\\\\")
        text = text.replace(b"(", b"\\(").replace(b")", b"\\)")
        show = f"BT /{line.font} {line.size} Tf 1 0 0 1 {line.x} {line.y} Tm (".encode()
        show += text + b") Tj ET"
        if line.role:
            show = f"/{line.role} <</MCID {mcid}>> BDC ".encode() + show + b" EMC"
        out.append(show)
    return b"\n".join(out)


def _file(objects: dict[int, bytes]) -> bytes:
    data, places = b"%PDF-1.7\n", {}
    for number, body in sorted(objects.items()):
        places[number] = len(data)
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(data)
    data += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        data += f"{number} 1\n{place:010d} 00000 n \n".encode()
    trailer = f"trailer<</Size {max(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    return data + trailer.encode()


@pytest.fixture
def make_pdf(tmp_path: Path) -> Callable[..., Path]:
    """Write a PDF of these pages and return its path."""

    def make(*pages: Sequence[Text] | bytes, catalog: str = "") -> Path:
        path = tmp_path / "report.pdf"
        path.write_bytes(write_pdf(pages, catalog=catalog))
        return path

    return make


def a_dump(text: str) -> RawDocument:
    """Return a text file's document; form feeds are page breaks."""
    return RawDocument(
        pages=tuple(
            RawPage(
                number=number,
                label=None,
                width=0,
                height=0,
                lines=tuple(RawLine(text=line.strip()) for line in page.split("\n")),
                is_plain=True,
            )
            for number, page in enumerate(text.split("\f"), start=1)
        )
    )


def a_document(*pages: Sequence[RawLine]) -> RawDocument:
    """Return the document of a PDF with these lines."""
    return RawDocument(
        pages=tuple(
            RawPage(number=number, label=None, width=595, height=842, lines=tuple(lines))
            for number, lines in enumerate(pages, start=1)
        )
    )


def a_column(
    *texts: str, x: float = 70, top: float = 760, step: float = 15, size: float = 11
) -> list[RawLine]:
    """Return lines one below the other."""
    return [
        RawLine(text=text, x=x, y=top - step * index, size=size, width=len(text) * size / 2)
        for index, text in enumerate(texts)
    ]
