"""The inside of the sandbox for Word files: reads one .docx from stdin and prints JSON.

``ingest.plan`` starts this file by its path, with limits on memory, CPU and output; nothing of ours
is imported here. Only paragraphs come out: their text, how deep a heading they are, and whether
they are bold from end to end. A Word file is a ZIP archive of XML: what is unpacked is counted
while it is unpacked, whatever the archive claims, and a document type, with which an XML file can
define entities, is refused.
"""

import io
import json
import sys
import zipfile
import zlib
from typing import Any, Protocol
from xml.parsers import expat

_MOST_MEMBERS = 5_000
_MOST_BYTES = 40_000_000
"""Unpacked, of one part; the text of a 600-page document is about 10 MB."""
_MOST_DEPTH = 300
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
_FALLBACK = "http://schemas.openxmlformats.org/markup-compatibility/2006 Fallback"
_TWICE = frozenset({_FALLBACK, "w:moveFrom"})
"""What is said twice: as a picture too, and at its old place too."""
_DEEPEST = 9
_BODY_TEXT = 9  # Word counts outline levels from 0; this one means none


class RefusedError(Exception):
    """The file gives no text; the message is the reason, a stable word."""


def paragraphs(data: bytes) -> list[dict[str, Any]]:
    """Return the paragraphs of a Word file: ``text``, ``level`` (0: no heading), ``bold``.

    A row of a table is one paragraph. Contents, deleted text and notes are left out.

    Raises:
        RefusedError: there is no text to be had, and why.
    """
    if data.startswith(_OLE):
        raise RefusedError(
            "encrypted" if "EncryptedPackage".encode("utf-16-le") in data else "foreign"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > _MOST_MEMBERS:
                raise RefusedError("limit")
            if "word/document.xml" not in names:
                raise RefusedError("foreign")
            styles = _Styles()
            if "word/styles.xml" in names:
                _parse(_unpacked(archive, "word/styles.xml"), styles)
            reader = _Paragraphs(styles.levels())
            _parse(_unpacked(archive, "word/document.xml"), reader)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        is_locked = "password" in str(error)
        raise RefusedError("encrypted" if is_locked else "damaged") from error
    return reader.found


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        data = part.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise RefusedError("limit")
    return data


class _Reader(Protocol):
    """What follows an XML file; names are «w:p», or «namespace name» for what is not Word's."""

    def start(self, name: str, values: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


def _parse(data: bytes, reader: _Reader) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def start(name: str, values: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MOST_DEPTH:
            raise RefusedError("limit")
        reader.start(_word(name), {_word(key): value for key, value in values.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(_word(name))

    def refuse(*_told: object) -> None:
        raise RefusedError("damaged")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 expat takes no names
    except expat.ExpatError as error:
        raise RefusedError("damaged") from error


def _word(name: str) -> str:
    """Return the short name of what is Word's, and the long one of what is not."""
    space, _, short = name.rpartition(" ")
    return f"w:{short}" if space in {_W, _STRICT} else name


class _Styles:
    """Which styles are headings: by their English name, their outline level, or what they build on.

    Word translates a style's id («Overskrift1»), never the name of one of its own («heading 1»).
    """

    def __init__(self) -> None:
        self._style = ""
        self._told: dict[str, int] = {}
        self._parent: dict[str, str] = {}

    def start(self, name: str, values: dict[str, str]) -> None:
        value = values.get("w:val", "")
        if name == "w:style":
            self._style = values.get("w:styleId", "")
        elif name == "w:name" and self._style:
            level = _level_of_name(value)
            if level is not None:
                self._told[self._style] = level
        elif name == "w:basedOn" and self._style:
            self._parent[self._style] = value
        elif name == "w:outlineLvl" and self._style:
            self._told.setdefault(self._style, _outline(value))

    def end(self, name: str) -> None:
        if name == "w:style":
            self._style = ""

    def text(self, text: str) -> None:
        """Styles say nothing between their tags."""

    def levels(self) -> dict[str, int]:
        """Return the level of each style: 0 for text, -1 for what is to be left out."""
        return {style: self._level(style) for style in {*self._told, *self._parent}}

    def _level(self, style: str) -> int:
        seen: set[str] = set()
        while style not in self._told and style in self._parent and style not in seen:
            seen.add(style)
            style = self._parent[style]
        return self._told.get(style, 0)


def _level_of_name(name: str) -> int | None:
    word, _, number = name.lower().partition(" ")
    if word == "heading" and number.isdecimal():
        return min(int(number), _DEEPEST)
    if word == "toc":
        return -1
    return 1 if word == "title" else None


def _outline(value: str) -> int:
    level = int(value) if value.isdecimal() else _BODY_TEXT
    return level + 1 if level < _BODY_TEXT else 0


class _Paragraphs:
    """Collects the paragraphs of the document in reading order."""

    def __init__(self, levels: dict[str, int]) -> None:
        self.found: list[dict[str, Any]] = []
        self._levels = levels
        self._text: list[str] = []
        self._level = 0
        self._bold: list[bool] = []
        self._row: list[str] = []
        self._rows = self._left_out = 0
        self._is_text = self._is_bold = False

    def start(self, name: str, values: dict[str, str]) -> None:
        value = values.get("w:val", "")
        if name in _TWICE:
            self._left_out += 1
        elif name == "w:tr":
            self._rows += 1
        elif name == "w:p":
            self._text, self._level, self._bold = [], 0, []
        elif name == "w:pStyle":
            self._level = self._levels.get(value, 0)
        elif name == "w:outlineLvl":
            self._level = self._level or _outline(value)
        elif name == "w:r":
            self._is_bold = False
        elif name == "w:b":
            self._is_bold = value not in {"0", "false", "off"}
        elif name == "w:t":
            self._is_text = True
        elif name in {"w:tab", "w:br", "w:cr"}:
            self._text.append(" ")

    def end(self, name: str) -> None:
        if name in _TWICE:
            self._left_out -= 1
        elif name == "w:t":
            self._is_text = False
        elif name == "w:p":
            self._end_paragraph()
        elif name == "w:tr":
            self._rows -= 1
            if not self._rows:
                self._add(" ".join(self._row), 0, is_bold=False)
                self._row = []

    def text(self, text: str) -> None:
        if self._is_text and not self._left_out:
            self._text.append(text)
            self._bold.append(self._is_bold or not text.strip())

    def _end_paragraph(self) -> None:
        text = "".join(self._text)
        if self._rows:
            self._row.append(text)
        elif self._level >= 0:
            self._add(text, self._level, is_bold=all(self._bold))
        self._text, self._bold = [], []

    def _add(self, text: str, level: int, *, is_bold: bool) -> None:
        if text.strip():
            self.found.append({"text": text.strip(), "level": level, "bold": is_bold})


def main() -> None:
    """Answer for the file on stdin."""
    try:
        answer: dict[str, Any] = {"status": "ok", "blocks": paragraphs(sys.stdin.buffer.read())}
    except RefusedError as refused:
        answer = {"status": str(refused)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
