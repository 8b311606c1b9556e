"""The only door to report files: PDF or plain text in, lines with positions out.

A PDF is foreign bytes. It is parsed in a child process (``pdf_child.py``) with limits on memory,
CPU, time and output, and the child's whole process group is killed when it is late. What the child
says is checked again here before it becomes a :class:`RawDocument`.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.pdf_child import repaired
from ingest.types import RawDocument, RawLine, RawPage
from kb.errors import Unreadable, UnreadableReportError

_CHILD = Path(__file__).with_name("pdf_child.py")
_PDF_HEAD = 1024
_CONTROL_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost. The defaults read a 600-page report and stop every known bomb."""

    max_bytes: int = 50_000_000
    max_pages: int = 600
    max_page_chars: int = 60_000
    max_stream_bytes: int = 20_000_000
    max_output_bytes: int = 64_000_000
    memory_mb: int = 512
    page_cpu_s: float = 8.0
    cpu_s: int = 45
    wall_s: float = 180.0


def read_document(path: Path, limits: Limits) -> RawDocument:
    """Return the pages of a PDF, or of a text file (form feeds are page breaks).

    A text file without form feeds is one page. A page that cannot be read, holds no text or holds
    no language is kept without lines, its ``problem`` set.

    Raises:
        UnreadableReportError: the file gives no report; ``reason`` says why.
    """
    head, size = _head_of(path)
    if size > limits.max_bytes:
        raise UnreadableReportError(Unreadable.TOO_LARGE, f"{size} bytes")
    if b"%PDF-" in head:
        document = _document_of(_read_in_child(path, limits))
    else:
        document = _read_text(path, head, limits)
    _refuse_without_text(document)
    return document


def _head_of(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            head, size = file.read(_PDF_HEAD), path.stat().st_size
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise UnreadableReportError(Unreadable.MISSING, str(path)) from error
    if not head:
        raise UnreadableReportError(Unreadable.EMPTY)
    return head, size


# ---------------------------------------------------------------------------------------------
# Plain text
# ---------------------------------------------------------------------------------------------


def _read_text(path: Path, head: bytes, limits: Limits) -> RawDocument:
    if path.suffix.lower() != ".txt" or b"\0" in head:
        raise UnreadableReportError(Unreadable.NOT_A_REPORT, path.suffix)
    data = path.read_bytes()
    text = _decoded(data)
    controls = sum(char < " " and char not in "\t\n\r\f" for char in text)
    if controls > _CONTROL_SHARE * len(text):
        raise UnreadableReportError(Unreadable.NOT_A_REPORT, "control characters")
    if not text.strip():
        raise UnreadableReportError(Unreadable.EMPTY)
    pages = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\f").split("\f")
    if len(pages) > limits.max_pages:
        raise UnreadableReportError(Unreadable.LIMIT, f"{len(pages)} pages")
    return RawDocument(
        pages=tuple(
            RawPage(
                number=number,
                label=None,
                width=0.0,
                height=0.0,
                lines=tuple(RawLine(text=repaired(line)) for line in page.split("\n")),
                is_plain=True,
            )
            for number, page in enumerate(pages, start=1)
        )
    )


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableReportError(Unreadable.NOT_A_REPORT, "neither UTF-8 nor CP1252")


# ---------------------------------------------------------------------------------------------
# PDF, in a child process
# ---------------------------------------------------------------------------------------------


def _read_in_child(path: Path, limits: Limits) -> dict[str, Any]:
    job = {
        "path": str(path.absolute()),
        "sys_path": sys.path,
        **{name: getattr(limits, name) for name in Limits.__slots__},
    }
    child = subprocess.Popen(  # noqa: S603 our own file, run by our own interpreter
        [sys.executable, "-I", "-B", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ},
    )
    try:
        answer = b"".join(_answer(child, json.dumps(job).encode(), limits))
    finally:
        _kill_group(child)
    if child.returncode not in {0, -signal.SIGKILL}:
        is_limit = child.returncode in {-getattr(signal, "SIGXCPU", 0), -signal.SIGABRT}
        reason = Unreadable.LIMIT if is_limit else Unreadable.DAMAGED
        raise UnreadableReportError(reason, f"the reader ended with {child.returncode}")
    try:
        return dict(json.loads(answer))
    except ValueError as error:
        raise UnreadableReportError(Unreadable.LIMIT, "the reader was stopped") from error


def _answer(child: subprocess.Popen[bytes], job: bytes, limits: Limits) -> Iterator[bytes]:
    """Hand over the job and yield the answer until it ends.

    Raises:
        UnreadableReportError: it takes too long or grows too large.
    """
    assert child.stdin is not None  # noqa: S101 both are pipes
    assert child.stdout is not None  # noqa: S101
    child.stdin.write(job)
    child.stdin.close()
    deadline = time.monotonic() + limits.wall_s
    room = limits.max_output_bytes
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(child.stdout.fileno(), 1 << 16)
            if not chunk:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
                return
            room -= len(chunk)
            if room < 0:
                raise UnreadableReportError(Unreadable.LIMIT, "the text is too long")
            yield chunk
    raise UnreadableReportError(Unreadable.LIMIT, f"not read within {limits.wall_s:.0f} s")


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started; harmless when it has ended by itself."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # already gone
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _document_of(answer: dict[str, Any]) -> RawDocument:
    status = str(answer.get("status"))
    if status != "ok":
        reason = Unreadable(status) if status in set(Unreadable) else Unreadable.DAMAGED
        raise UnreadableReportError(reason, str(answer.get("detail", "")))
    pages = answer["pages"]
    if not pages:
        raise UnreadableReportError(Unreadable.EMPTY, "no pages")
    if all(page["problem"] == "unreadable" for page in pages):
        is_limit = any(page.get("is_limit") for page in pages)
        raise UnreadableReportError(Unreadable.LIMIT if is_limit else Unreadable.DAMAGED)
    return RawDocument(
        pages=tuple(_page_of(number, page) for number, page in enumerate(pages, start=1)),
        file_title=answer["title"],
    )


def _page_of(number: int, page: dict[str, Any]) -> RawPage:
    return RawPage(
        number=number,
        label=page["label"],
        width=page["width"],
        height=page["height"],
        lines=tuple(_line_of(line) for line in page["lines"]),
        problem=page["problem"],
    )


def _line_of(sent: list[Any]) -> RawLine:
    text, x, y, size, is_bold, tag, block, is_artifact, width = sent
    return RawLine(
        text=str(text),
        x=float(x),
        y=float(y),
        size=float(size),
        is_bold=bool(is_bold),
        tag=tuple(map(str, tag)),
        mcid=block,
        is_artifact=bool(is_artifact),
        width=float(width),
    )


def _refuse_without_text(document: RawDocument) -> None:
    """Refuse a file of which half or more is pictures of text: it needs OCR first."""
    scanned = sum(page.problem in {"no-text", "garbled"} for page in document.pages)
    readable = sum(
        page.problem is None and any(line.text for line in page.lines) for page in document.pages
    )
    if not readable and any(page.problem == "unreadable" for page in document.pages):
        raise UnreadableReportError(Unreadable.DAMAGED, "no page can be read")
    if not readable and not scanned:
        raise UnreadableReportError(Unreadable.EMPTY, "no text on any page")
    if readable <= scanned:
        raise UnreadableReportError(Unreadable.NEEDS_OCR, f"{scanned} pages without readable text")
