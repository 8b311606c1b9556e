"""The only door to report files: PDF or plain text in, lines with positions out.

A PDF is foreign bytes. It is parsed in a child process (``pdf_child.py``) with limits on memory,
CPU, time and output, and the child's whole process group is killed when it is late. What the child
says is checked again here before it becomes a :class:`RawDocument`. Pages that are pictures of
text are read through :mod:`ingest.ocr` when the caller asks for it.
"""

import hashlib
import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ingest.ocr import OcrLimits, Progress, no_progress, recognise
from ingest.pdf_child import repaired
from ingest.sandbox import OutOfTimeError, output, started
from ingest.types import RawDocument, RawLine, RawPage
from kb.errors import Unreadable, UnreadableReportError

_CHILD = Path(__file__).with_name("pdf_child.py")
_PDF_HEAD = 1024
_CONTROL_SHARE = 0.01
_NEEDS_OCR = frozenset({"no-text", "garbled"})


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


def read_document(
    path: Path,
    limits: Limits,
    *,
    ocr: bool = False,
    ocr_limits: OcrLimits | None = None,
    kept: Path | None = None,
    progress: Progress = no_progress,
) -> RawDocument:
    """Return the pages of a PDF, or of a text file (form feeds are page breaks).

    A text file without form feeds is one page. A page that cannot be read, holds no text or holds
    no language is kept without lines, its ``problem`` set.

    With ``ocr``, pages without usable text are recognised and marked ``is_ocr``; the PDF with their
    text is ``derived``. It is written to ``kept``, a folder, under the SHA-256 of the original, and
    found there the next time, so that nothing is recognised twice. ``progress`` is told of the
    pages recognised and may stop the work by raising.

    Raises:
        UnreadableReportError: the file gives no report; ``reason`` says why.
        OcrUnavailableError: ``ocr`` is asked for and needed, and not installed.
    """
    head, size = _head_of(path)
    if size > limits.max_bytes:
        raise UnreadableReportError(Unreadable.TOO_LARGE, f"{size} bytes")
    if b"%PDF-" not in head:
        document = _read_text(path, head, limits)
    else:
        answer = _read_in_child(path, limits)
        document = _document_of(answer)
        task = _ocr_task(document, answer, ocr_limits or OcrLimits()) if ocr else None
        if task is not None:
            return _with_ocr(path, document, task, limits, kept, progress)
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
    argv = [sys.executable, "-I", "-B", str(_CHILD)]
    env = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    answer = bytearray()
    try:
        with started(argv, env) as child:
            assert child.stdin is not None  # noqa: S101 a pipe, see started()
            with suppress(BrokenPipeError):  # it has died already: its return code tells
                child.stdin.write(json.dumps(job).encode())
                child.stdin.close()
            for chunk in output(child, limits.wall_s):
                answer += chunk
                if len(answer) > limits.max_output_bytes:
                    raise UnreadableReportError(Unreadable.LIMIT, "the text is too long")
    except OutOfTimeError as error:
        raise UnreadableReportError(Unreadable.LIMIT, f"not read within {error}") from error
    if child.returncode not in {0, -signal.SIGKILL}:
        is_limit = child.returncode in {-getattr(signal, "SIGXCPU", 0), -signal.SIGABRT}
        reason = Unreadable.LIMIT if is_limit else Unreadable.DAMAGED
        raise UnreadableReportError(reason, f"the reader ended with {child.returncode}")
    try:
        return dict(json.loads(answer))
    except ValueError as error:
        raise UnreadableReportError(Unreadable.LIMIT, "the reader was stopped") from error


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
    scanned = sum(page.problem in _NEEDS_OCR for page in document.pages)
    readable = sum(map(_is_readable, document.pages))
    if not readable and any(page.problem == "unreadable" for page in document.pages):
        raise UnreadableReportError(Unreadable.DAMAGED, "no page can be read")
    if not readable and not scanned:
        raise UnreadableReportError(Unreadable.EMPTY, "no text on any page")
    if readable <= scanned:
        raise UnreadableReportError(Unreadable.NEEDS_OCR, f"{scanned} pages without readable text")


def _is_readable(page: RawPage) -> bool:
    return page.problem is None and any(line.text for line in page.lines)


# ---------------------------------------------------------------------------------------------
# Text recognition
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _OcrTask:
    """The pages to recognise (1-based): bare pictures, and those whose text cannot be used."""

    pictures: tuple[int, ...]
    redrawn: tuple[int, ...]
    limits: OcrLimits


def _ocr_task(document: RawDocument, answer: dict[str, Any], limits: OcrLimits) -> _OcrTask | None:
    """Return what there is to recognise; None when every page can be read as it is.

    Raises:
        UnreadableReportError: each of those pages is too large a picture.
    """
    wanted = [page for page in document.pages if page.problem in _NEEDS_OCR]
    sizes = {page.number: answer["pages"][page.number - 1]["mpixels"] for page in wanted}
    small = [page for page in wanted if sizes[page.number] <= limits.page_mpixels]
    if wanted and not small:
        raise UnreadableReportError(Unreadable.LIMIT, f"{max(sizes.values()):.0f} megapixels")
    if not small:
        return None
    bare = {page.number for page in small if page.problem == "no-text" and not page.lines}
    return _OcrTask(
        pictures=tuple(sorted(bare)),
        redrawn=tuple(page.number for page in small if page.number not in bare),
        limits=limits,
    )


def _with_ocr(
    path: Path,
    document: RawDocument,
    task: _OcrTask,
    limits: Limits,
    kept: Path | None,
    progress: Progress,
) -> RawDocument:
    """Return the document with the pages of ``task`` read from a PDF with recognised text."""
    with tempfile.TemporaryDirectory(prefix="kb-ocr-") as folder:
        place = (kept or Path(folder)) / derived_name(path)
        limits = replace(limits, max_bytes=task.limits.output_mb << 20)
        read = _read_derived(place, limits, len(document.pages)) if place.is_file() else None
        if read is None:
            data = recognise(
                path,
                pictures=task.pictures,
                redrawn=task.redrawn,
                limits=task.limits,
                progress=progress,
            )
            _write_whole(place, data)
            read = _read_derived(place, limits, len(document.pages))
        derived = place.read_bytes()
    if read is None:
        raise UnreadableReportError(Unreadable.OCR_FAILED, "other pages came back")
    chosen = {*task.pictures, *task.redrawn}
    pages = [
        replace(page, label=old.label, is_ocr=True) if old.number in chosen else old
        for old, page in zip(document.pages, read.pages, strict=True)
    ]
    if not any(map(_is_readable, pages)):
        raise UnreadableReportError(Unreadable.OCR_FAILED, "no text was recognised")
    return replace(document, pages=tuple(pages), derived=derived)


def derived_name(path: Path) -> str:
    """Return the name under which the recognised form of this file is kept in a folder."""
    with path.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}.ocr.pdf"


def _read_derived(place: Path, limits: Limits, pages: int) -> RawDocument | None:
    """Return what stands in a derived PDF; None if it is no PDF of so many pages."""
    try:
        read = _document_of(_read_in_child(place, limits))
    except UnreadableReportError as error:
        if error.reason is Unreadable.LIMIT:
            raise
        return None
    return read if len(read.pages) == pages else None


def _write_whole(place: Path, data: bytes) -> None:
    """Readers see the whole file or none, also after a power cut."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(place)
