"""The only door to text recognition: Debian's ``ocrmypdf`` with Tesseract's Norwegian model.

Both are programs that are found when they are needed, never imported, and not required. A scan is
foreign bytes for a dozen libraries, so everything runs in a session of its own with limits, in a
folder that is removed afterwards.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.sandbox import OutOfTimeError, limited, output, started
from kb.errors import OcrUnavailableError, Unreadable, UnreadableReportError

LANGUAGE = "nor"
"""Reads nynorsk and English well too; English alone loses one Norwegian word in seven."""
DEBIAN_PACKAGES = ("ocrmypdf", "tesseract-ocr-nor")

_PROBE_S = 30.0
_DONE = re.compile(rb" *\d+ +Grafting")
_ENCRYPTED, _MISSING_DEPENDENCY = 8, 3  # exit codes of ocrmypdf
_KEPT_LOG = 600
_MOST_LOG = 1 << 20
_ENVIRONMENT = ("PATH", "TESSDATA_PREFIX", "SYSTEMROOT")

Progress = Callable[[int, int], None]
"""Called at least twice a second with the pages done and the pages to do. What it raises stops the
recognition: so a caller who has lost the job, or is asked to stop, stops it."""


def no_progress(_done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrLimits:
    """What recognising one file may cost; memory and CPU time are those of each process.

    Measured on clean scans: 2–3 CPU seconds and 250 MB a page.
    """

    memory_mb: int = 2_000
    cpu_s: int = 3_600
    page_s: int = 60
    wall_s: float = 3_600.0
    page_mpixels: int = 100
    output_mb: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrState:
    """What is installed here. ``problem`` is what is missing, for the log; None when all is there.

    ``can_turn`` is true where pages that lie on their side can be told (Tesseract's ``osd``).
    """

    program: str | None = None
    version: str | None = None
    can_turn: bool = False
    problem: str | None = None

    @property
    def is_ready(self) -> bool:
        """Say whether :func:`recognise` can be called."""
        return self.problem is None


def ocr_state() -> OcrState:
    """Look for the programs and the language; takes half a second where they are installed."""
    program = shutil.which("ocrmypdf")
    tesseract = shutil.which("tesseract")
    if program is None or tesseract is None:
        missing = "ocrmypdf" if program is None else "tesseract"
        return OcrState(problem=f"{missing} is not installed")
    version = _said_by([program, "--version"]).strip()
    languages = _said_by([tesseract, "--list-langs"]).split()
    engine = _said_by([tesseract, "--version"]).partition("\n")[0].strip()
    lacks_language = LANGUAGE not in languages
    works = bool(re.match(r"\d+\.", version))
    return OcrState(
        program=program,
        version=f"ocrmypdf {version}, {engine}",
        can_turn="osd" in languages,
        problem=(
            "ocrmypdf does not start"
            if not works
            else f"tesseract has no language «{LANGUAGE}»"
            if lacks_language
            else None
        ),
    )


def _said_by(argv: Sequence[str]) -> str:
    try:
        run = subprocess.run(  # noqa: S603 a program found on PATH, fixed arguments
            argv, capture_output=True, timeout=_PROBE_S, check=False, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (run.stdout or run.stderr).decode("utf-8", "replace") if run.returncode == 0 else ""


def recognise(
    path: Path,
    *,
    pictures: Sequence[int],
    redrawn: Sequence[int],
    limits: OcrLimits,
    progress: Progress = no_progress,
) -> bytes:
    """Return a PDF with the same pages in the same order, and text laid under the pages named.

    Pages are 1-based. Those of ``pictures`` hold nothing but a picture and look as before; those of
    ``redrawn`` hold text that cannot be used, and are drawn anew as a picture first. All others are
    left alone. The result is another program's word: read it as carefully as any PDF.

    Raises:
        OcrUnavailableError: a program or the language is missing.
        UnreadableReportError: it takes too long, is encrypted, or no PDF comes out.
    """
    state = ocr_state()
    if state.program is None or not state.is_ready:
        raise OcrUnavailableError(state.problem or "")
    total = len(pictures) + len(redrawn)
    done = 0
    data = path.read_bytes()
    for mode, pages in (("--skip-text", pictures), ("--force-ocr", redrawn)):
        if not pages:
            continue
        before = done
        argv = _command(state, mode, pages, limits)
        data = _run(argv, data, limits, lambda new, before=before: progress(before + new, total))  # type: ignore[misc]
        done += len(pages)
    return data


def _command(state: OcrState, mode: str, pages: Sequence[int], limits: OcrLimits) -> list[str]:
    jobs = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    argv = [str(state.program), mode, "--pages", ",".join(map(str, sorted(pages)))]
    argv += ["--language", LANGUAGE, "--output-type", "pdf", "--optimize", "0", "--verbose", "1"]
    argv += ["--jobs", str(jobs), "--tesseract-timeout", str(limits.page_s)]
    argv += ["--max-image-mpixels", str(limits.page_mpixels)]
    argv += ["--rotate-pages"] if state.can_turn else []
    return limited(argv, memory_mb=limits.memory_mb, cpu_s=limits.cpu_s, file_mb=limits.output_mb)


def _run(
    argv: Sequence[str], data: bytes, limits: OcrLimits, progress: Callable[[int], None]
) -> bytes:
    """Run ocrmypdf over ``data`` in a folder of its own and return the file it has made."""
    with tempfile.TemporaryDirectory(prefix="kb-ocr-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "in.pdf", folder / "out.pdf"
        source.write_bytes(data)
        env = _environment() | {"TMPDIR": name, "HOME": name, "OMP_THREAD_LIMIT": "1"}
        done, rest, log = 0, b"", b""
        try:
            with started([*argv, str(source), str(target)], env, stderr=subprocess.STDOUT) as child:
                for chunk in output(child, limits.wall_s):
                    *lines, rest = (rest + chunk)[-_MOST_LOG:].split(b"\n")
                    done += sum(_DONE.match(line) is not None for line in lines)
                    log = b"\n".join([log, *lines])[-_KEPT_LOG:]
                    progress(done)
        except OutOfTimeError as error:
            raise UnreadableReportError(Unreadable.LIMIT, f"OCR: {error}") from error
        return _made(child.returncode, target, log + rest)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8"}


def _made(returncode: int, target: Path, log: bytes) -> bytes:
    said = log.decode("utf-8", "replace").strip()
    if returncode == _MISSING_DEPENDENCY:
        raise OcrUnavailableError(said)
    if returncode == _ENCRYPTED:
        raise UnreadableReportError(Unreadable.ENCRYPTED, "OCR takes no encrypted file")
    if returncode != 0 or not target.is_file():
        raise UnreadableReportError(Unreadable.OCR_FAILED, f"ended with {returncode}: {said}")
    return target.read_bytes()
