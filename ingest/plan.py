"""A plan, an application or a preliminary study becomes text in sections. Nothing of it is kept.

A PDF takes the same way as a report does, a Word file is read in a sandbox of its own, plain text
here. A plan is no report: nobody quotes it, so its places are section and page, not spans.
"""

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.layout import clean_lines
from ingest.pdf import Limits, read_document
from ingest.sandbox import OutOfTimeError, limited, output, started
from ingest.sections import split_sections
from ingest.types import Role
from kb.errors import PlanProblem, Unreadable, UnreadablePlanError, UnreadableReportError
from kb.text import normalise

MAX_PLAN_CHARS = 200_000
"""A longer plan is refused: some 80 pages, and a minute's work."""

_PASSAGE_CHARS = 900
"""Text without headings is cut after the paragraph that reaches so many characters."""
_CHILD = Path(__file__).with_name("docx_child.py")
_DOCX_CPU_S, _DOCX_WALL_S = 20, 60.0
_PROBLEMS = {
    Unreadable.EMPTY: PlanProblem.EMPTY,
    Unreadable.NOT_A_REPORT: PlanProblem.FOREIGN,
    Unreadable.ENCRYPTED: PlanProblem.ENCRYPTED,
    Unreadable.NEEDS_OCR: PlanProblem.NEEDS_OCR,
    Unreadable.TOO_LARGE: PlanProblem.TOO_LARGE,
    Unreadable.LIMIT: PlanProblem.LIMIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSection:
    """A piece of a plan under one heading; "" where it has none.

    ``page`` is the 1-based page of the file it begins on, None where a file tells no pages.
    """

    heading: str
    paragraphs: tuple[str, ...]
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody plans to do. ``name`` is that of its file, "" for pasted text."""

    name: str
    sections: tuple[PlanSection, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """A heading (level 1 and up) or a paragraph (level 0), on a page where there are pages."""

    level: int
    text: str
    page: int | None = None
    is_bold: bool = False


def read_plan(name: str, data: bytes, limits: Limits) -> Plan:
    """Return the plan in an uploaded file called ``name``: PDF, .docx or plain text.

    Raises:
        UnreadablePlanError: there is no text to be had; ``problem`` says why.
    """
    if not data.strip():
        raise UnreadablePlanError(PlanProblem.EMPTY)
    if len(data) > limits.max_bytes:
        raise UnreadablePlanError(PlanProblem.TOO_LARGE, f"{len(data)} bytes")
    if b"%PDF-" in data[:1024]:
        return _plan(name, _pdf_blocks(data, limits))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _plan(name, _with_bold_headings(_docx_blocks(data, limits)))
    return _plan(name, _text_blocks(_decoded(data)))


def read_pasted(text: str) -> Plan:
    """Return the plan in a pasted text.

    Raises:
        UnreadablePlanError: it is empty or too long.
    """
    return _plan("", _text_blocks(text))


def _plan(name: str, blocks: Iterable[_Block]) -> Plan:
    sections = tuple(_sections(list(blocks)))
    chars = sum(len(text) for section in sections for text in section.paragraphs)
    if not chars:
        raise UnreadablePlanError(PlanProblem.EMPTY)
    if chars > MAX_PLAN_CHARS:
        raise UnreadablePlanError(PlanProblem.TOO_LONG, f"{chars} characters")
    return Plan(name=name, sections=sections)


def _sections(blocks: Sequence[_Block]) -> Iterator[PlanSection]:
    """Yield the sections that have text; long text without a heading in pieces."""
    heading = _Block(0, "")
    under: list[_Block] = []
    for block in [*blocks, _Block(1, "")]:
        if not block.level:
            under.append(block)
            continue
        pieces = [under] if heading.text else list(_pieces(under))
        for piece in pieces:
            if piece:
                yield PlanSection(
                    heading=heading.text,
                    paragraphs=tuple(one.text for one in piece),
                    page=heading.page or piece[0].page,
                )
        heading, under = block, []


def _pieces(blocks: Sequence[_Block]) -> Iterator[list[_Block]]:
    piece: list[_Block] = []
    for block in blocks:
        piece.append(block)
        if sum(len(one.text) for one in piece) >= _PASSAGE_CHARS:
            yield piece
            piece = []
    yield piece


# ---------------------------------------------------------------------------------------------
# PDF
# ---------------------------------------------------------------------------------------------


def _pdf_blocks(data: bytes, limits: Limits) -> Iterator[_Block]:
    try:
        # The reader of PDFs wants a path: the file lies in a folder of its own for as long.
        with tempfile.TemporaryDirectory(prefix="kb-plan-") as folder:
            path = Path(folder) / "plan.pdf"
            path.write_bytes(data)
            document = read_document(path, limits)
    except UnreadableReportError as error:
        problem = _PROBLEMS.get(error.reason, PlanProblem.DAMAGED)
        raise UnreadablePlanError(problem, str(error)) from error
    for block in split_sections(clean_lines(document)).blocks:
        if block.role is not Role.FOOTNOTE:
            level = max(block.level, 1) if block.role is Role.HEADING else 0
            yield _Block(level, block.text, block.spans[0].page)


# ---------------------------------------------------------------------------------------------
# Word
# ---------------------------------------------------------------------------------------------


def _docx_blocks(data: bytes, limits: Limits) -> Iterator[_Block]:
    answer = _read_in_child(data, limits)
    if answer["status"] != "ok":
        raise UnreadablePlanError(PlanProblem(answer["status"]))
    for block in answer["blocks"]:
        text = _one_line(str(block["text"]))
        if text:
            yield _Block(int(block["level"]), text, is_bold=bool(block["bold"]))


def _read_in_child(data: bytes, limits: Limits) -> dict[str, Any]:
    argv = limited(
        [sys.executable, "-I", "-S", "-B", str(_CHILD)],
        memory_mb=limits.memory_mb,
        cpu_s=_DOCX_CPU_S,
        file_mb=1,
    )
    env = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    answer = bytearray()
    try:
        with started(argv, env) as child:
            assert child.stdin is not None  # noqa: S101 a pipe, see started()
            with suppress(BrokenPipeError):  # it has died already: its return code tells
                child.stdin.write(data)
                child.stdin.close()
            for chunk in output(child, _DOCX_WALL_S):
                answer += chunk
                if len(answer) > limits.max_output_bytes:
                    raise UnreadablePlanError(PlanProblem.LIMIT, "the text is too long")
    except OutOfTimeError as error:
        raise UnreadablePlanError(PlanProblem.LIMIT, f"not read within {error}") from error
    if child.returncode:
        is_limit = child.returncode in {-signal.SIGKILL, -getattr(signal, "SIGXCPU", 0)}
        problem = PlanProblem.LIMIT if is_limit else PlanProblem.DAMAGED
        raise UnreadablePlanError(problem, f"the reader ended with {child.returncode}")
    try:
        return dict(json.loads(answer))
    except ValueError as error:
        raise UnreadablePlanError(PlanProblem.LIMIT, "the reader was stopped") from error


def _with_bold_headings(blocks: Iterable[_Block]) -> list[_Block]:
    """Take short bold lines for headings where the writer has used no style for them."""
    all_of_them = list(blocks)
    if any(block.level for block in all_of_them):
        return all_of_them
    return [
        _Block(1, block.text) if block.is_bold and _MAY_HEAD.search(block.text) else block
        for block in all_of_them
    ]


# ---------------------------------------------------------------------------------------------
# Plain text
# ---------------------------------------------------------------------------------------------

_MAY_HEAD = re.compile(
    r"^(?=.{2,90}$)[^.!?;,]*[^\s.!?;,:–-]$|^\d+(\.\d+)*\.? (?=.{2,80}$).*[^.!?;,:]$"
)
_MARKDOWN = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_NUMBERED = re.compile(r"^\d{1,2}(\.\d{1,2}){0,3}\.?\s+[A-ZÆØÅ]")
_BULLET = re.compile(r"^[-–•*▪◦]\s+")
_RULE = re.compile(r"^[-=_*|: ]+$")
_SHORT, _LONG = 70, 80


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if "\0" not in text:
                return text
    raise UnreadablePlanError(PlanProblem.FOREIGN, "no text in a known encoding")


def _text_blocks(text: str) -> Iterator[_Block]:
    lines = [normalise(line) for line in re.split(r"\r\n|[\r\n\f]", text)]
    running: list[str] = []
    for number, line in enumerate(lines):
        is_item = bool(_BULLET.match(line))
        level = 0 if is_item or not line else _heading_level(lines, number)
        if running and (not line or level or is_item):
            yield _Block(0, " ".join(running))
            running = []
        if level:
            marked = _MARKDOWN.match(line)
            yield _Block(level, marked[2] if marked else line)
        elif line and not _RULE.match(line):
            running.append(_BULLET.sub("", line).replace(" | ", " ").strip("| "))
    if running:
        yield _Block(0, " ".join(running))


def _heading_level(lines: Sequence[str], number: int) -> int:
    """Return how deep a heading a line is: 1 and up; 0 for text.

    Nothing but the words is known, so a line must look like a heading and stand like one: after
    an end, before running text.
    """
    line = lines[number]
    if marked := _MARKDOWN.match(line):
        return len(marked[1])
    if len(line) > _LONG or not _MAY_HEAD.search(line) or not any(map(str.isalpha, line)):
        return 0
    above = lines[number - 1] if number else ""
    below = next((one for one in lines[number + 1 :] if one), "")
    if not below or _BULLET.match(below):
        is_before_text = bool(below)
    else:
        is_before_text = len(below) > len(line) or below[-1] in ".:" or bool(_NUMBERED.match(below))
    has_ended = not above or above[-1:] in ".!?:" or _heading_like(above)
    if not is_before_text or not has_ended:
        return 0
    if _NUMBERED.match(line):
        return line.split(maxsplit=1)[0].rstrip(".").count(".") + 1
    is_title = line.isupper() or (len(line) <= _SHORT and (line[0].isupper() or line[0].isdigit()))
    return 1 if is_title else 0


def _heading_like(line: str) -> bool:
    return bool(_MARKDOWN.match(line) or (_NUMBERED.match(line) and _MAY_HEAD.search(line)))


def _one_line(text: str) -> str:
    return normalise(text.replace("\n", " "))
