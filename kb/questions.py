"""The questions in what a person pastes or uploads: plain text, CSV or Word.

A file is foreign: it is read from memory, with limits on what it may unpack to, and never kept.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from defusedxml import ElementTree as SafeTree

from kb.errors import QuestionFileError
from kb.text import MAX_QUERY_CHARS, normalise, words

MOST_QUESTIONS = 30
"""So many are answered at once; the caller tells when there were more."""
MAX_FILE_BYTES = 2_000_000
_MAX_XML_BYTES, _MAX_DEPTH = 3_000_000, 200
"""The text of a Word file may unpack to so much, and its XML be nested so deep; 100 pages are about
1 MB and 30 levels. What is nastiest within them takes about a second."""
_MAX_LINES = 5_000
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NUMBERING = re.compile(r"^\s*(?:\(?\d{1,3}(?:\.\d{1,3})*[.):]|\d{1,3}\s*[–-]|[-–•*☐·])\s*")
_HEADS = frozenset({"spørsmål", "spørsmålet", "spurnad", "question", "questions", "nr", "no"})


def questions_in(text: str) -> tuple[str, ...]:
    """Return the questions in ``text``, one per line, without their numbers and repetitions."""
    return _questions(text.splitlines())


def questions_in_file(name: str, data: bytes) -> tuple[str, ...]:
    """Return the questions in a file.

    Of a Word file in which some paragraphs end with a question mark only those are taken, else all
    paragraphs; of a CSV the longest cell of each row.

    Raises:
        QuestionFileError: it is too large, of another sort, damaged, or holds none.
    """
    if len(data) > MAX_FILE_BYTES:
        raise QuestionFileError(f"{len(data)} bytes")
    ending = name.lower().rpartition(".")[2]
    if ending == "docx":
        paragraphs = _questions(_word_paragraphs(data))
        asked = tuple(each for each in paragraphs if each.endswith("?"))
        found = asked or paragraphs
    elif ending == "csv":
        found = _questions(_longest_cells(_decoded(data)))
    elif ending == "txt":
        found = questions_in(_decoded(data))
    else:
        raise QuestionFileError(f"a .{ending[:10]}")
    if not found:
        raise QuestionFileError("no questions in it")
    return found


def _questions(lines: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for number, line in enumerate(lines):
        if number >= _MAX_LINES:
            break
        text = normalise(_NUMBERING.sub("", line[: 4 * MAX_QUERY_CHARS].replace("\t", " ")))
        question = text.replace("\n", " ")[:MAX_QUERY_CHARS].strip()
        if words(question) and question.lower() not in _HEADS:
            found[question] = None
    return tuple(found)


def _decoded(data: bytes) -> str:
    """Return the text: UTF-8, or what Norwegian Excel writes; a zero byte is no text."""
    if b"\0" in data:
        raise QuestionFileError("it holds zero bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _longest_cells(text: str) -> Iterator[str]:
    delimiter = max(";,\t", key=text.count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            yield max(row, key=len, default="")
    except csv.Error as error:
        raise QuestionFileError(f"CSV: {error}") from error


def _word_paragraphs(data: bytes) -> list[str]:
    try:
        with (
            zipfile.ZipFile(io.BytesIO(data)) as archive,
            archive.open("word/document.xml") as part,
        ):
            xml = part.read(_MAX_XML_BYTES + 1)
        if len(xml) > _MAX_XML_BYTES:
            raise QuestionFileError("its text unpacks to too much")
        parser = SafeTree.XMLParser(target=_Paragraphs(), forbid_dtd=True)
        parser.feed(xml)
        return list(parser.close())
    except (
        zipfile.BadZipFile,
        zlib.error,
        LookupError,  # no such part, or an encoding that expat does not know
        EOFError,
        OSError,
        NotImplementedError,  # a compression that zipfile does not know
        RuntimeError,  # encrypted
        ValueError,  # what defusedxml refuses
        SafeTree.ParseError,
    ) as error:
        raise QuestionFileError(f"Word: {error}") from error


class _Paragraphs:
    """Takes the text of each paragraph while the XML is read.

    No tree is built: one of paragraphs inside paragraphs would take for ever to walk.
    """

    def __init__(self) -> None:
        self._found: list[list[str]] = []
        self._is_text = False
        self._depth = 0

    def start(self, tag: str, _attributes: object) -> None:
        """Begin an element."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise QuestionFileError("its XML is nested too deep")
        self._is_text = tag == f"{_W}t"
        if tag == f"{_W}p" and len(self._found) < _MAX_LINES:
            self._found.append([])
        elif tag in (f"{_W}tab", f"{_W}br") and self._found:
            self._found[-1].append(" ")

    def data(self, text: str) -> None:
        """Take the text of an element."""
        if self._is_text and self._found:
            self._found[-1].append(text)

    def end(self, _tag: str) -> None:
        """End an element."""
        self._depth -= 1
        self._is_text = False

    def close(self) -> list[str]:
        """Return the paragraphs."""
        return ["".join(pieces) for pieces in self._found]
